//! The languages of templates, as Meta writes them: `en`, `en_US`, `zh_HK`.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/supported-languages>

use tiffin_shared::text::Locale;

/// The one that is nearest to the locale: the same, then that of the language alone, then any of the language, then the
/// usual one, which stands first.
pub fn pick<'a>(languages: &'a [String], locale: &Locale) -> &'a str {
    let is = |language: &&String, range: &str| language.replace('_', "-") == range;
    let same = locale.ranges().find_map(|range| languages.iter().find(|language| is(language, range)));
    let of_language =
        || languages.iter().find(|language| language.split('_').next() == Some(locale.language()));
    same.or_else(of_language).or_else(|| languages.first()).map_or("", String::as_str)
}

/// Two or three letters, and perhaps a region.
pub fn is_code(text: &str) -> bool {
    let (language, region) =
        text.split_once('_').map_or((text, None), |(language, region)| (language, Some(region)));
    let is_language =
        matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    is_language
        && region
            .is_none_or(|region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_is_taken() {
        let languages = ["en_US", "pt_BR", "es", "es_MX", "zh_TW"].map(str::to_owned);
        let cases = [
            ("en-US", "en_US"),
            ("en", "en_US"),
            ("en-IN", "en_US"),
            ("pt-PT", "pt_BR"),
            ("es-AR", "es"),
            ("es-MX", "es_MX"),
            ("zh-Hant-TW", "zh_TW"),
            ("hi", "en_US"),
        ];
        for (locale, language) in cases {
            assert_eq!(pick(&languages, &Locale::parse(locale).unwrap()), language, "{locale}");
        }
    }

    #[test]
    fn only_metas_spelling_is_a_code() {
        assert!(["en", "pt_BR", "fil"].into_iter().all(is_code));
        assert!(!["", "EN", "pt-BR", "pt_br", "english", "en_", "en_USA"].into_iter().any(is_code));
    }
}

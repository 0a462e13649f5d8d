//! Who reads a language, of Twilio's published voices (<https://www.twilio.com/docs/voice/twiml/say/text-speech>). Only those
//! of Amazon and Google know pauses within a text.

use tiffin_shared::text::Locale;

/// A voice.
#[derive(Debug, PartialEq, Eq)]
pub struct Voice {
    /// Whose text it reads: a language, or one with its region.
    tag: &'static str,
    /// The value of `language`.
    pub language: &'static str,
    /// The value of `voice`.
    pub name: &'static str,
}

const ENGLISH: Voice = voice("en", "en-US", "Polly.Joanna");

/// In the order of their tags.
const VOICES: [Voice; 39] = [
    voice("ar", "arb", "Polly.Zeina"),
    voice("bg", "bg-BG", "Google.bg-BG-Standard-A"),
    voice("bn", "bn-IN", "Google.bn-IN-Standard-A"),
    voice("cs", "cs-CZ", "Google.cs-CZ-Standard-A"),
    voice("da", "da-DK", "Polly.Naja"),
    voice("de", "de-DE", "Polly.Vicki"),
    voice("el", "el-GR", "Google.el-GR-Standard-A"),
    ENGLISH,
    voice("en-AU", "en-AU", "Polly.Nicole"),
    voice("en-GB", "en-GB", "Polly.Amy"),
    voice("en-IN", "en-IN", "Polly.Raveena"),
    voice("es", "es-ES", "Polly.Lucia"),
    voice("es-419", "es-US", "Polly.Penelope"),
    voice("es-MX", "es-MX", "Polly.Mia"),
    voice("es-US", "es-US", "Polly.Penelope"),
    voice("fi", "fi-FI", "Google.fi-FI-Standard-A"),
    voice("fr", "fr-FR", "Polly.Lea"),
    voice("fr-CA", "fr-CA", "Polly.Chantal"),
    voice("gu", "gu-IN", "Google.gu-IN-Standard-A"),
    voice("hi", "hi-IN", "Polly.Aditi"),
    voice("id", "id-ID", "Google.id-ID-Standard-A"),
    voice("it", "it-IT", "Polly.Carla"),
    voice("ja", "ja-JP", "Polly.Mizuki"),
    voice("ko", "ko-KR", "Polly.Seoyeon"),
    voice("ms", "ms-MY", "Google.ms-MY-Standard-A"),
    voice("nb", "nb-NO", "Polly.Liv"),
    voice("nl", "nl-NL", "Polly.Lotte"),
    voice("pl", "pl-PL", "Polly.Ewa"),
    voice("pt", "pt-BR", "Polly.Vitoria"),
    voice("pt-PT", "pt-PT", "Polly.Ines"),
    voice("ru", "ru-RU", "Polly.Tatyana"),
    voice("sv", "sv-SE", "Polly.Astrid"),
    voice("ta", "ta-IN", "Google.ta-IN-Standard-A"),
    voice("te", "te-IN", "Google.te-IN-Standard-A"),
    voice("th", "th-TH", "Google.th-TH-Standard-A"),
    voice("tr", "tr-TR", "Polly.Filiz"),
    voice("uk", "uk-UA", "Google.uk-UA-Standard-A"),
    voice("vi", "vi-VN", "Google.vi-VN-Standard-A"),
    voice("zh", "cmn-CN", "Polly.Zhiyu"),
];

/// The voice of a locale, or of its language; else the English one, which reads digits at least.
pub fn of(locale: &Locale) -> &'static Voice {
    let of = |range: &str| VOICES.iter().find(|voice| voice.tag == range);
    locale.ranges().find_map(of).unwrap_or(&ENGLISH)
}

const fn voice(tag: &'static str, language: &'static str, name: &'static str) -> Voice {
    Voice { tag, language, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_read_by_its_own_voice() {
        let language = |locale: &str| of(&Locale::parse(locale).unwrap()).language;
        for (locale, expected) in [
            ("hi", "hi-IN"),
            ("es-AR", "es-ES"),
            ("es-MX", "es-MX"),
            ("pt-PT", "pt-PT"),
            ("zh-Hans-CN", "cmn-CN"),
            ("ar-EG", "arb"),
            ("sw", "en-US"),
        ] {
            assert_eq!(language(locale), expected);
        }
        assert!(VOICES.is_sorted_by_key(|voice| voice.tag));
    }
}

//! The language a message is asked for in, as a short BCP 47 tag.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The longest tag: `zh-Hant-TW` is ten characters, a language of three letters with script and area of three digits twelve.
pub const LOCALE_CHARS_MAX: usize = 12;

/// The text is not a language with or without script and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a locale is a language with or without script and region (BCP 47), such as \"en\", \"pt-BR\" or \"zh-Hant-TW\""
)]
pub struct Error;

/// Language, script and region (RFC 5646 section 2.1), in the letter case that the RFC recommends: `zh-Hant-TW`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

impl Locale {
    /// English, in which every message exists.
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// Reads a whole tag. Whether a language has this code is not checked.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (locale, is_whole) = read(text).ok_or(Error)?;
        if is_whole { Ok(locale) } else { Err(Error) }
    }

    /// Reads what it can of a tag that a caller sent: variants and extensions are left out, and what is no tag at all is
    /// English.
    pub fn read(text: &str) -> Self {
        read(text).map_or_else(Self::english, |(locale, _)| locale)
    }

    /// `pt-BR`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `pt` of `pt-BR`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Itself, then less and less of it: `zh-Hant-TW`, `zh-Hant`, `zh` (RFC 4647 section 3.4, "Lookup").
    pub fn ranges(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |tag| tag.rsplit_once('-').map(|(shorter, _)| shorter))
    }
}

/// The part that is understood, and whether that is all.
fn read(text: &str) -> Option<(Locale, bool)> {
    let mut parts = text.split('-').peekable();
    let is_letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let language = parts.next().filter(|part| matches!(part.len(), 2 | 3) && is_letters(part))?;
    let mut tag = language.to_ascii_lowercase();
    if let Some(script) = parts.next_if(|part| part.len() == 4 && is_letters(part)) {
        let (first, rest) = script.split_at(1);
        tag.push('-');
        tag.push_str(&first.to_ascii_uppercase());
        tag.push_str(&rest.to_ascii_lowercase());
    }
    let is_area = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(region) = parts.next_if(|part| is_area(part) || (part.len() == 2 && is_letters(part))) {
        tag.push('-');
        tag.push_str(&region.to_ascii_uppercase());
    }
    Some((Locale(tag), parts.next().is_none()))
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Locale {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_get_one_spelling() {
        let cases = [
            ("en", "en"),
            ("EN", "en"),
            ("pt-br", "pt-BR"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("ES-419", "es-419"),
            ("fil", "fil"),
        ];
        for (text, tag) in cases {
            assert_eq!(Locale::parse(text).unwrap().as_str(), tag);
            assert!(tag.len() <= LOCALE_CHARS_MAX);
        }
        for bad in ["", "e", "en_US", "english", "en-", "-en", "en--US", "e1", "en-US-posix", "pt-BRA", "dé"]
        {
            assert_eq!(Locale::parse(bad), Err(Error), "{bad}");
        }
    }

    #[test]
    fn of_a_callers_tag_what_is_understood_counts() {
        let cases = [
            ("de-DE-1996", "de-DE"),
            ("en-US-u-ca-buddhist", "en-US"),
            ("sr-Latn", "sr-Latn"),
            ("12", "en"),
            ("", "en"),
            ("x-private", "en"),
        ];
        for (text, tag) in cases {
            assert_eq!(Locale::read(text).as_str(), tag, "{text}");
        }
    }

    #[test]
    fn ranges_get_shorter() {
        let ranges = |text| Locale::parse(text).unwrap().ranges().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(ranges("zh-Hant-TW"), ["zh-Hant-TW", "zh-Hant", "zh"]);
        assert_eq!(ranges("en"), ["en"]);
        assert_eq!(Locale::parse("pt-BR").unwrap().language(), "pt");
    }
}

//! The sentences that come with Tiffin, one file for each language.
//!
//! Text messages in Latin letters do with those of the GSM alphabet, so that they fit 160 characters: "clave" and "senha"
//! stand where the usual word has a letter it lacks.

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod hi;
mod id;
mod pt;

use super::locale::Locale;
use crate::wire::api::Channel;

/// In the order of the languages' names.
const ALL: [&Translation; 8] =
    [&ar::WORDS, &de::WORDS, &en::WORDS, &es::WORDS, &fr::WORDS, &hi::WORDS, &id::WORDS, &pt::WORDS];

/// All that is said in one language. Variables are `{code}`, `{brand}`, `{time}` (a number of minutes) and `{payment}`.
pub(super) struct Translation {
    /// ISO 639-1.
    pub(super) language: &'static str,
    /// Whether it is written from right to left.
    pub(super) is_rtl: bool,
    /// A number of minutes, by the largest number that is said so; `{minutes}` is the number (CLDR, plural rules).
    pub(super) minutes: &'static [(u64, &'static str)],
    /// What a code approves: `{amount}` and `{payee}`.
    pub(super) payment: &'static str,
    /// For a code that signs in.
    pub(super) code: Sentences,
    /// For a code that approves a payment.
    pub(super) approval: Sentences,
}

/// What one message says by each channel.
pub(super) struct Sentences {
    /// The code comes first: lock screens cut the end.
    pub(super) sms: &'static str,
    pub(super) whatsapp: &'static str,
    pub(super) voice: &'static str,
    /// Shown on lock screens, so without the code.
    pub(super) subject: &'static str,
    pub(super) email: &'static str,
}

/// The languages that there are sentences in.
pub(super) fn locales() -> impl Iterator<Item = Locale> {
    ALL.into_iter().map(Translation::locale)
}

impl Translation {
    /// The language of the locale, where it is among those that come with Tiffin.
    pub(super) fn of(locale: &Locale) -> Option<&'static Self> {
        ALL.into_iter().find(|translation| translation.language == locale.language())
    }

    /// English, which every other falls back to.
    pub(super) fn english() -> &'static Self {
        &en::WORDS
    }

    pub(super) fn locale(&self) -> Locale {
        Locale::read(self.language)
    }

    /// `5 minutes`.
    pub(super) fn time(&self, minutes: u64) -> String {
        let form =
            self.minutes.iter().find(|(up_to, _)| minutes <= *up_to).map_or("{minutes}", |(_, form)| form);
        form.replace("{minutes}", &minutes.to_string())
    }

    /// `499.00 INR to Shop` in this language. A payee may hold anything but what an amount is made of, so that the first
    /// two spaces part a [`phrase`](crate::binding::Binding::phrase).
    pub(super) fn payment(&self, phrase: &str) -> String {
        let mut words = phrase.splitn(3, ' ');
        let (amount, currency, rest) = (words.next(), words.next(), words.next());
        match (amount, currency, rest.and_then(|rest| rest.strip_prefix("to "))) {
            (Some(amount), Some(currency), Some(payee)) => {
                let (front, back) = self.payment.split_once("{payee}").unwrap_or((self.payment, ""));
                let amount = format!("{amount} {currency}");
                [&front.replace("{amount}", &amount), payee, &back.replace("{amount}", &amount)].concat()
            }
            _ => phrase.to_owned(),
        }
    }

    pub(super) fn sentences(&self, is_payment: bool) -> &Sentences {
        if is_payment { &self.approval } else { &self.code }
    }
}

impl Sentences {
    pub(super) fn by(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms,
            Channel::Voice => self.voice,
            // Telegram writes its own words around the code.
            Channel::Telegram | Channel::Whatsapp => self.whatsapp,
        }
    }
}

#[cfg(test)]
mod tests;

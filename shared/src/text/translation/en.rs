//! English.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "en",
    is_rtl: false,
    minutes: &[(1, "{minutes} minute"), (u64::MAX, "{minutes} minutes")],
    payment: "{amount} to {payee}",
    code: Sentences {
        sms: "{code} is your {brand} code. It expires in {time}. Never share it with anyone.",
        whatsapp: "{code} is your {brand} code. It expires in {time}. Never share it with anyone.",
        voice: "Hello. Your {brand} code is {code}. It expires in {time}. Never tell it to anyone.",
        subject: "Your {brand} code",
        email: "Your {brand} code:\n\n{code}\n\nIt expires in {time}. Never share it with anyone.\n\nIf you did not ask for it, ignore this message.",
    },
    approval: Sentences {
        sms: "{code} approves {payment} at {brand}. It expires in {time}. Not you? Do not share it.",
        whatsapp: "{code} approves {payment} at {brand}. It expires in {time}. Not you? Do not share it.",
        voice: "Hello. To approve {payment} at {brand}, the code is {code}. It expires in {time}. If this is not your payment, tell it to nobody.",
        subject: "Approve your payment at {brand}",
        email: "This code approves {payment} at {brand}:\n\n{code}\n\nIt expires in {time}.\n\nIf this is not your payment, do not share the code with anyone.",
    },
};

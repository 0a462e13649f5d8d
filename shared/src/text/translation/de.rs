//! German.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "de",
    is_rtl: false,
    minutes: &[(1, "{minutes} Minute"), (u64::MAX, "{minutes} Minuten")],
    payment: "{amount} an {payee}",
    code: Sentences {
        sms: "{code} ist Ihr Code für {brand}. Er gilt {time}. Geben Sie ihn niemandem weiter.",
        whatsapp: "{code} ist Ihr Code für {brand}. Er gilt {time}. Geben Sie ihn niemandem weiter.",
        voice: "Guten Tag. Ihr Code für {brand} lautet {code}. Er gilt {time}. Sagen Sie ihn niemandem.",
        subject: "Ihr Code für {brand}",
        email: "Ihr Code für {brand}:\n\n{code}\n\nEr gilt {time}. Geben Sie ihn niemandem weiter.\n\nWenn Sie ihn nicht angefordert haben, ignorieren Sie diese Nachricht.",
    },
    approval: Sentences {
        sms: "{code} bestätigt die Zahlung von {payment} bei {brand}. Gilt {time}. Nicht Ihre Zahlung? Geben Sie ihn nicht weiter.",
        whatsapp: "{code} bestätigt die Zahlung von {payment} bei {brand}. Gilt {time}. Nicht Ihre Zahlung? Geben Sie den Code nicht weiter.",
        voice: "Guten Tag. Um die Zahlung von {payment} bei {brand} zu bestätigen, lautet der Code {code}. Er gilt {time}. Wenn das nicht Ihre Zahlung ist, sagen Sie ihn niemandem.",
        subject: "Bestätigen Sie Ihre Zahlung bei {brand}",
        email: "Dieser Code bestätigt die Zahlung von {payment} bei {brand}:\n\n{code}\n\nEr gilt {time}.\n\nWenn das nicht Ihre Zahlung ist, geben Sie den Code niemandem weiter.",
    },
};

//! French.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "fr",
    is_rtl: false,
    minutes: &[(1, "{minutes} minute"), (u64::MAX, "{minutes} minutes")],
    payment: "{amount} à {payee}",
    code: Sentences {
        sms: "{code} est votre code {brand}. Il expire dans {time}. Ne le communiquez à personne.",
        whatsapp: "{code} est votre code {brand}. Il expire dans {time}. Ne le communiquez à personne.",
        voice: "Bonjour. Votre code {brand} est le {code}. Il expire dans {time}. Ne le communiquez à personne.",
        subject: "Votre code {brand}",
        email: "Votre code {brand} :\n\n{code}\n\nIl expire dans {time}. Ne le communiquez à personne.\n\nSi vous ne l’avez pas demandé, ignorez ce message.",
    },
    approval: Sentences {
        sms: "{code} approuve le paiement de {payment} chez {brand}. Il expire dans {time}. Ce n'est pas vous ? Gardez-le pour vous.",
        whatsapp: "{code} approuve le paiement de {payment} chez {brand}. Il expire dans {time}. Ce n’est pas votre paiement ? Ne le communiquez à personne.",
        voice: "Bonjour. Pour approuver le paiement de {payment} chez {brand}, le code est le {code}. Il expire dans {time}. Si ce n’est pas votre paiement, ne le communiquez à personne.",
        subject: "Approuvez votre paiement chez {brand}",
        email: "Ce code approuve le paiement de {payment} chez {brand} :\n\n{code}\n\nIl expire dans {time}.\n\nSi ce n’est pas votre paiement, ne communiquez ce code à personne.",
    },
};

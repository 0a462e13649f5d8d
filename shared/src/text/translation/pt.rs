//! Portuguese, in words that Brazil and Portugal share.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "pt",
    is_rtl: false,
    minutes: &[(1, "{minutes} minuto"), (u64::MAX, "{minutes} minutos")],
    payment: "{amount} para {payee}",
    code: Sentences {
        sms: "{code} é a sua senha de acesso {brand}. Vale por {time}. Nunca a passe a outra pessoa.",
        whatsapp: "{code} é o seu código {brand}. Vale por {time}. Nunca o passe a outra pessoa.",
        voice: "Olá. O seu código {brand} é {code}. Vale por {time}. Nunca o diga a outra pessoa.",
        subject: "O seu código {brand}",
        email: "O seu código {brand}:\n\n{code}\n\nVale por {time}. Nunca o passe a outra pessoa.\n\nSe não pediu este código, ignore esta mensagem.",
    },
    approval: Sentences {
        sms: "{code} aprova o pagamento de {payment} em {brand}. Vale por {time}. Se o pagamento for de outra pessoa, ignore.",
        whatsapp: "{code} aprova o pagamento de {payment} em {brand}. Vale por {time}. Se este pagamento não é seu, não passe o código a ninguém.",
        voice: "Olá. Para aprovar o pagamento de {payment} em {brand}, o código é {code}. Vale por {time}. Se este pagamento não é seu, não o diga a ninguém.",
        subject: "Aprove o seu pagamento em {brand}",
        email: "Este código aprova o pagamento de {payment} em {brand}:\n\n{code}\n\nVale por {time}.\n\nSe este pagamento não é seu, não passe o código a ninguém.",
    },
};

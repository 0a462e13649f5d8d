//! Spanish.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "es",
    is_rtl: false,
    minutes: &[(1, "{minutes} minuto"), (u64::MAX, "{minutes} minutos")],
    payment: "{amount} a {payee}",
    code: Sentences {
        sms: "{code} es tu clave de {brand}. Vence en {time}. No la compartas con nadie.",
        whatsapp: "{code} es tu código de {brand}. Vence en {time}. No lo compartas con nadie.",
        voice: "Hola. Tu código de {brand} es {code}. Vence en {time}. No se lo digas a nadie.",
        subject: "Tu código de {brand}",
        email: "Tu código de {brand}:\n\n{code}\n\nVence en {time}. No lo compartas con nadie.\n\nSi no lo pediste, ignora este mensaje.",
    },
    approval: Sentences {
        sms: "{code} aprueba el pago de {payment} en {brand}. Vence en {time}. Si no es tu pago, no compartas esta clave.",
        whatsapp: "{code} aprueba el pago de {payment} en {brand}. Vence en {time}. Si no es tu pago, no compartas este código.",
        voice: "Hola. Para aprobar el pago de {payment} en {brand}, el código es {code}. Vence en {time}. Si no es tu pago, no se lo digas a nadie.",
        subject: "Aprueba tu pago en {brand}",
        email: "Este código aprueba el pago de {payment} en {brand}:\n\n{code}\n\nVence en {time}.\n\nSi no es tu pago, no compartas el código con nadie.",
    },
};

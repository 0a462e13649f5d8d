//! Arabic. A text message in its letters holds 70 characters.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "ar",
    is_rtl: true,
    minutes: &[(1, "دقيقة"), (2, "دقيقتين"), (10, "{minutes} دقائق"), (u64::MAX, "{minutes} دقيقة")],
    payment: "{amount} إلى {payee}",
    code: Sentences {
        sms: "{code} هو رمزك لدى {brand}. صالح لمدة {time}. لا تشاركه مع أحد.",
        whatsapp: "{code} هو رمزك لدى {brand}. الرمز صالح لمدة {time}. لا تشاركه مع أحد.",
        voice: "مرحبا. رمزك لدى {brand} هو {code}. الرمز صالح لمدة {time}. لا تخبر به أحدا.",
        subject: "رمزك لدى {brand}",
        email: "رمزك لدى {brand}:\n\n{code}\n\nالرمز صالح لمدة {time}. لا تشاركه مع أحد.\n\nإذا لم تطلبه فتجاهل هذه الرسالة.",
    },
    approval: Sentences {
        sms: "{code} لدفع {payment} لدى {brand}. صالح {time}. لا تشاركه.",
        whatsapp: "{code} للموافقة على دفع {payment} لدى {brand}. الرمز صالح لمدة {time}. إذا لم تكن هذه دفعتك فلا تشاركه مع أحد.",
        voice: "مرحبا. للموافقة على دفع {payment} لدى {brand}، الرمز هو {code}. الرمز صالح لمدة {time}. إذا لم تكن هذه دفعتك فلا تخبر به أحدا.",
        subject: "وافق على دفعتك لدى {brand}",
        email: "هذا الرمز للموافقة على دفع {payment} لدى {brand}:\n\n{code}\n\nالرمز صالح لمدة {time}.\n\nإذا لم تكن هذه دفعتك فلا تشارك الرمز مع أحد.",
    },
};

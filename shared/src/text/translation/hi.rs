//! Hindi. A text message in Devanagari holds 70 characters.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "hi",
    is_rtl: false,
    minutes: &[(u64::MAX, "{minutes} मिनट")],
    payment: "{payee} को {amount}",
    code: Sentences {
        sms: "{code} आपका {brand} कोड है। {time} तक मान्य। किसी को न बताएं।",
        whatsapp: "{code} आपका {brand} कोड है। यह {time} तक मान्य है। इसे किसी को न बताएं।",
        voice: "नमस्ते। आपका {brand} कोड है {code}। यह {time} तक मान्य है। इसे किसी को न बताएं।",
        subject: "आपका {brand} कोड",
        email: "आपका {brand} कोड:\n\n{code}\n\nयह {time} तक मान्य है। इसे किसी को न बताएं।\n\nअगर आपने इसे नहीं मांगा, तो इस संदेश को अनदेखा करें।",
    },
    approval: Sentences {
        sms: "{code}: {payment} भुगतान, {brand}। {time} वैध। साझा न करें।",
        whatsapp: "{code} से {brand} पर {payment} का भुगतान मंज़ूर होगा। कोड {time} तक मान्य है। अगर यह भुगतान आपका नहीं है, तो कोड किसी को न बताएं।",
        voice: "नमस्ते। {brand} पर {payment} का भुगतान मंज़ूर करने का कोड है {code}। यह {time} तक मान्य है। अगर यह भुगतान आपका नहीं है, तो इसे किसी को न बताएं।",
        subject: "{brand} पर अपना भुगतान मंज़ूर करें",
        email: "इस कोड से {brand} पर {payment} का भुगतान मंज़ूर होगा:\n\n{code}\n\nयह {time} तक मान्य है।\n\nअगर यह भुगतान आपका नहीं है, तो कोड किसी को न बताएं।",
    },
};

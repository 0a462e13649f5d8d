//! Indonesian.

use super::Sentences;
use super::Translation;

pub(super) const WORDS: Translation = Translation {
    language: "id",
    is_rtl: false,
    minutes: &[(u64::MAX, "{minutes} menit")],
    payment: "{amount} kepada {payee}",
    code: Sentences {
        sms: "{code} adalah kode {brand} Anda. Berlaku {time}. Jangan berikan kepada siapa pun.",
        whatsapp: "{code} adalah kode {brand} Anda. Berlaku {time}. Jangan berikan kepada siapa pun.",
        voice: "Halo. Kode {brand} Anda adalah {code}. Berlaku {time}. Jangan beri tahu siapa pun.",
        subject: "Kode {brand} Anda",
        email: "Kode {brand} Anda:\n\n{code}\n\nBerlaku {time}. Jangan berikan kepada siapa pun.\n\nJika Anda tidak memintanya, abaikan pesan ini.",
    },
    approval: Sentences {
        sms: "{code} menyetujui pembayaran {payment} di {brand}. Berlaku {time}. Bukan Anda? Jangan berikan kode ini.",
        whatsapp: "{code} menyetujui pembayaran {payment} di {brand}. Berlaku {time}. Bukan pembayaran Anda? Jangan berikan kode ini kepada siapa pun.",
        voice: "Halo. Untuk menyetujui pembayaran {payment} di {brand}, kodenya adalah {code}. Berlaku {time}. Jika ini bukan pembayaran Anda, jangan beri tahu siapa pun.",
        subject: "Setujui pembayaran Anda di {brand}",
        email: "Kode ini menyetujui pembayaran {payment} di {brand}:\n\n{code}\n\nBerlaku {time}.\n\nJika ini bukan pembayaran Anda, jangan berikan kode ini kepada siapa pun.",
    },
};

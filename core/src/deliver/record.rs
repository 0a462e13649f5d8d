//! Keeps what was said to a provider and what came back, for the order's evidence: after the outcome is noted, so that no
//! code waits for it.
//!
//! The request is not kept as it went out: it is put together once more with a code of zeros, so that the code was never in what
//! is kept. From the rest, number, address and keys are taken out: see [`redact`](crate::evidence::redact).

use std::sync::Arc;

use tiffin_shared::code::Code;
use tiffin_shared::evidence::Item;
use tiffin_shared::route::Sender;

use super::call::Sending;
use super::call::composed;
use crate::app::App;
use crate::evidence::keep;
use crate::evidence::record;
use crate::evidence::redact::Known;
use crate::evidence::redact::Redactor;
use crate::evidence::redact::Trust;
use crate::gateways::Gateway;
use crate::gateways::call::Seen;
use crate::gateways::wire::Outline;

/// What a provider was called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Whether it has the message.
    LookUp,
    /// To send it.
    Send,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::LookUp => "look_up",
            Self::Send => "send",
        }
    }
}

/// Keeps one exchange; nothing where nothing went out.
pub(super) async fn exchange(app: &Arc<App>, sending: &Sending<'_>, purpose: Purpose, seen: Option<Seen>) {
    let Some((gateway, seen)) = app.gateways.named(sending.way.gateway.as_str()).zip(seen) else { return };
    let Some(outline) = outline(app, sending, gateway, purpose, &seen).await else { return };
    let private = sending.private;
    let redactor = Redactor::new(Known {
        code: Some(private.code.expose()),
        phone: private.phone.as_ref(),
        email: private.email.as_deref(),
        secrets: record::secrets(app, gateway),
        plain: plain(sending, &seen),
        now: seen.ended_at,
    });
    // What a provider lists of other messages is nothing that we know the secrets of.
    let trust = match purpose {
        Purpose::LookUp => Trust::Others,
        Purpose::Send => Trust::Own,
    };
    let exchange = record::exchange(&redactor, purpose.as_str(), outline, &seen, trust);
    let to = match (&private.phone, &private.email) {
        (_, Some(email)) if gateway.channel() == tiffin_shared::wire::api::Channel::Email => {
            Some(tiffin_shared::mailbox::masked(email))
        }
        (Some(phone), _) => Some(phone.masked()),
        (None, _) => None,
    };
    keep(app, &sending.header.order, sending.n, to, Item::Exchange(exchange)).await;
}

async fn outline(
    app: &App,
    sending: &Sending<'_>,
    gateway: &Gateway,
    purpose: Purpose,
    seen: &Seen,
) -> Option<Outline> {
    let zeros = Code::parse(&"0".repeat(sending.private.code.expose().len())).ok()?;
    let is_look = purpose == Purpose::LookUp;
    let outline = composed(app, sending, &zeros, gateway, seen.began_at, async |message| {
        gateway.outline(message, is_look)
    });
    outline.await.ok().flatten()
}

/// What may look like a number or a code, and is neither.
fn plain(sending: &Sending<'_>, seen: &Seen) -> Vec<String> {
    let sender = sending.way.sender.as_ref().map(Sender::as_str).unwrap_or_default();
    let order = sending.header.order.to_string();
    let status = seen.reply.as_ref().map(|(status, _)| status.clone()).unwrap_or_default();
    vec![sender.to_owned(), sender.trim_start_matches('+').to_owned(), order, status]
}

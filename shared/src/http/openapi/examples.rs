//! Examples. Each is a value of its type, so that none can be out of date.

use serde_json::Value;
use serde_json::json;

use crate::order::Costs;
use crate::order::advice::Do;
use crate::price::Currency;
use crate::wire::api;
use crate::wire::factor;

/// Whose digits are nobody's.
pub(super) const ORDER_ID: &str = "ord_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(super) const FACTOR_ID: &str = "fac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// By the schema's name.
pub(super) fn bodies() -> Vec<(&'static str, Value)> {
    let order = json!({
        "to": {"phone": "+919876543210"}, "service": "login", "channel": "auto", "locale": "en",
        "client": {"ip": "203.0.113.7", "country": "IN"},
        "client_ref": "signup-42", "metadata": {"campaign": "spring"},
    });
    vec![
        ("CreateOrder", order.clone()),
        ("PreflightOrder", order),
        ("Resend", json!({"channel": "sms"})),
        ("Verify", json!({"code": "123456"})),
        ("EnrolFactor", json!({"account": "ada@example.com", "issuer": "Shop"})),
        ("VerifyFactor", json!({"code": "123456"})),
        ("Order", shown(order_view())),
        ("PublicOrder", shown(api::PublicOrder::from(order_view()))),
        ("Preflight", shown(preflight())),
        ("Verified", shown(verified())),
        ("VerifiedFactor", shown(factor::VerifiedFactor { result: factor::FactorResult::Verified })),
        (
            "EnrolledFactor",
            shown(factor::EnrolledFactor {
                id: FACTOR_ID.to_owned(),
                otpauth_uri: "otpauth://totp/Shop:ada%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Shop"
                    .into(),
                qr_svg: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 45 45\"/>".into(),
            }),
        ),
    ]
}

fn shown(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn order_view() -> api::Order {
    api::Order {
        id: ORDER_ID.to_owned(),
        state: api::OrderState::Accepted,
        service: "login".into(),
        channel: api::Channel::Sms,
        to: "+91•••••••3210".into(),
        created_at: "2026-11-20T10:00:00.000Z".into(),
        expires_at: "2026-11-20T10:05:00.000Z".into(),
        resend_at: Some("2026-11-20T10:00:30.000Z".into()),
        cancel: Some(api::Cancel {
            window: api::CancelWindow::Open,
            until: Some("2026-11-20T10:05:00.000Z".into()),
            because: "nothing has left that could still arrive".into(),
        }),
        waiting: None,
        advice: Box::new(api::Advice {
            action: Do::Wait,
            because: "a gateway is about to be called".into(),
            until: Some("2026-11-20T10:00:12.000Z".into()),
            may_change: Vec::new(),
        }),
        sends_left: 2,
        guesses_left: 5,
        verified_channel: None,
        risk: None,
        superseded: false,
        binding: None,
        reason: None,
        client_ref: Some("signup-42".into()),
        metadata: [("campaign".to_owned(), "spring".to_owned())].into(),
        attempts: Vec::new(),
        cost: None,
    }
}

fn preflight() -> api::Preflight {
    let check = api::Check {
        name: api::CheckName::Number,
        result: api::CheckResult::Pass,
        detail: "mobile, IN".into(),
    };
    let quoted =
        api::QuotedChannel { channel: api::Channel::Sms, unit_micros: 2_300, units: 1, total_micros: 2_300 };
    let quote = api::Quote {
        id: format!("quo_{}", "A".repeat(60)),
        currency: Currency::default(),
        valid_until: "2026-11-20T10:01:00.000Z".into(),
        most_micros: quoted.total_micros,
        channels: vec![quoted],
    };
    let predicted =
        api::Predicted { channel: api::Channel::Sms, waiting_ms: 10_000, delivered_percent: Some(95) };
    api::Preflight { ok: true, checks: vec![check], quote: Some(quote), predicted: Some(predicted) }
}

fn verified() -> api::Verified {
    let advice = api::Advice {
        action: Do::None,
        because: "the user proved to have the code".into(),
        until: None,
        may_change: Vec::new(),
    };
    let state = api::OrderState::Verified;
    let cost =
        Costs { currency: Currency::default(), held_micros: 0, charged_micros: 2_300, refunded_micros: 0 };
    let order = api::Order {
        state,
        cancel: None,
        resend_at: None,
        advice: Box::new(advice),
        cost: Some(Box::new(cost)),
        ..order_view()
    };
    api::Verified { result: api::VerifyResult::Verified, guesses_left: Some(5), order: Some(order) }
}

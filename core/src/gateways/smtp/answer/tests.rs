use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;

use super::*;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;

fn refused(step: Step, code: u16, text: &str) -> Refusal {
    let sent = Err(Unsent::Refused(step, Reply::new(code, text)));
    match classify(&sent, step == Step::Message, "id".into()) {
        Answered::Refused(refusal) => refusal,
        other => panic!("{code} {text}: {other:?}"),
    }
}

#[test]
fn a_refusal_becomes_the_reason_of_its_code() {
    let cases = [
        (Step::Recipient, 550, "5.1.1 <user@mail.example>: no such user", Reason::InvalidAddress),
        (Step::Recipient, 550, "No such user", Reason::InvalidAddress),
        (Step::Recipient, 552, "5.2.2 mailbox full", Reason::AbsentTemporary),
        (Step::Recipient, 452, "4.2.2 mailbox full", Reason::AbsentTemporary),
        (Step::Recipient, 450, "4.2.0 <user@mail.example>: greylisted", Reason::AbsentTemporary),
        (Step::Recipient, 451, "4.7.1 try again later", Reason::AbsentTemporary),
        // The same digits of somebody or something else.
        (Step::Opening, 554, "no service for your address", Reason::AuthFailed),
        (Step::Opening, 554, "5.7.1 your address is listed", Reason::AuthFailed),
        (Step::Sender, 550, "no such sender here", Reason::SenderUnapproved),
        (Step::Sender, 553, "5.1.8 no such domain", Reason::SenderUnapproved),
        (Step::Message, 550, "looks like spam", Reason::ContentFiltered),
        (Step::Message, 451, "local error", Reason::ProviderDown),
        (Step::Message, 452, "4.3.1 disk full", Reason::ProviderDown),
        (Step::Message, 421, "4.7.0 too many messages from you", Reason::Throttled),
        (Step::Opening, 421, "4.3.2 shutting down", Reason::ProviderDown),
        (Step::Message, 550, "5.7.1 looks like spam", Reason::ContentFiltered),
        (Step::Message, 554, "refused", Reason::ContentFiltered),
        (Step::Message, 550, "5.7.26 unauthenticated", Reason::SenderUnapproved),
        (Step::Sender, 530, "5.7.0 authentication required", Reason::AuthFailed),
        (Step::Auth, 535, "5.7.8 no", Reason::AuthFailed),
        (Step::Auth, 454, "4.7.0 cannot check now", Reason::ProviderDown),
        // In no table: by the first digit, and by where it was said.
        (Step::Message, 499, "", Reason::AbsentTemporary),
        (Step::Message, 599, "5.9.9", Reason::Rejected),
        (Step::Opening, 499, "", Reason::ProviderDown),
        (Step::Auth, 599, "", Reason::AuthFailed),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let gateway = GatewayId::parse("mail").unwrap();
    for (step, code, text, reason) in cases {
        let refusal = refused(step, code, text);
        let found = codes.reason(&gateway, "smtp", refusal.code.as_deref(), refusal.fallback);
        assert_eq!(found, reason, "{code} {text}");
    }
}

#[test]
fn a_missing_reply_is_a_failure_before_the_message_left_and_unknown_after() {
    for unsent in [Unsent::Broken, Unsent::Protocol] {
        let before = classify(&Err(unsent.clone()), false, "id".into());
        assert_eq!(before, Answered::Refused(own(None, Reason::ProviderDown)));
        assert_eq!(classify(&Err(unsent), true, "id".into()), Answered::Unknown);
    }
    let greylisted = Answered::Refused(refused(Step::Message, 450, "4.7.1 come back"));
    let codes = Codes::new(Corrections::default()).unwrap();
    let gateway = GatewayId::parse("mail").unwrap();
    let outcome = codes.outcome(&gateway, "smtp", greylisted);
    assert_eq!(outcome, CallOutcome::Failed(Reason::AbsentTemporary), "no pause for the whole gateway");
    let taken = classify(&Ok(Reply::new(250, "2.0.0 queued")), true, "id".into());
    assert_eq!(taken, Answered::Taken { provider_id: "id".into() });
}

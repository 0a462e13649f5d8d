//! A code that approves a payment verifies that payment and no other (PSD2 RTS (EU) 2018/389, Art. 5).

use tiffin_shared::binding::Binding;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::code::Code;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Verify;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::ChannelChoice;
use tiffin_shared::wire::api::VerifyResult;

use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create;
use crate::common::fixtures::open;
use crate::common::fixtures::resend;
use crate::common::fixtures::whose;
use crate::common::host::Host;

fn payment(amount: &str, currency: &str, payee: &str) -> Binding {
    let text = serde_json::json!({"amount": amount, "currency": currency, "payee": payee});
    serde_json::from_value(text).unwrap()
}

/// An order for this payment, or none, with its id and code.
fn ordered(binding: Option<Binding>) -> (Host, OrderId, Code) {
    let mut host = Host::default();
    let create = Create { binding, ..create(0, 0, 1, 0) };
    let reply = host.ask::<Ledger>(&command(1, Ask::Create(Box::new(create))), START);
    let Outcome::Created { order, .. } = &reply.outcome else { panic!("{:?}", reply.outcome) };
    (host, OrderId::parse(&order.id).unwrap(), open(&reply.due[0]).code)
}

fn verify(host: &mut Host, id: &OrderId, code: &Code, binding: Option<Bytes<32>>) -> Outcome {
    let verify =
        Verify { whose: whose(0, id), guess: code.clone(), binding, solved: None, is_stranger: false };
    host.ask::<Ledger>(&command(2, Ask::Verify(verify)), START).outcome
}

fn result(outcome: &Outcome) -> VerifyResult {
    match outcome {
        Outcome::Verified { result, .. } => *result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_amount_currency_or_payee_is_a_wrong_guess_and_the_same_verifies() {
    let (mut host, id, code) = ordered(Some(payment("499.00", "INR", "Shop")));
    let others = [
        ("499.01", "INR", "Shop"),
        ("4990.0", "INR", "Shop"),
        ("499.00", "EUR", "Shop"),
        ("499.00", "INR", "Shop B"),
    ];
    for (amount, currency, payee) in others {
        let outcome = verify(&mut host, &id, &code, Some(payment(amount, currency, payee).hash()));
        assert_eq!(result(&outcome), VerifyResult::WrongCode, "{amount} {currency} {payee}");
    }
    let outcome = verify(&mut host, &id, &code, Some(payment("499.00", "INR", "Shop").hash()));
    assert_eq!(result(&outcome), VerifyResult::Verified);
}

#[test]
fn a_guess_that_names_no_payment_is_not_evaluated_and_spends_nothing() {
    let (mut host, id, code) = ordered(Some(payment("499.00", "INR", "Shop")));
    let before = host.body().unwrap().to_owned();
    assert_eq!(verify(&mut host, &id, &code, None), Outcome::BindingRequired);
    assert_eq!(host.body(), Some(before.as_str()));
}

#[test]
fn a_payment_named_for_a_code_that_approves_none_is_a_wrong_guess() {
    let (mut host, id, code) = ordered(None);
    let outcome = verify(&mut host, &id, &code, Some(payment("1", "INR", "Shop").hash()));
    assert_eq!(result(&outcome), VerifyResult::WrongCode);
    assert_eq!(result(&verify(&mut host, &id, &code, None)), VerifyResult::Verified);
}

/// Voice says nothing of the payment; both ways by SMS do.
fn resent(host: &mut Host, id: &OrderId, channel: ChannelChoice) -> Outcome {
    let mut resend = resend(0, id, 1, channel);
    let ways = resend.services.iter_mut().flat_map(|service| &mut service.routes);
    ways.for_each(|way| way.hides_payments = way.channel == Channel::Voice);
    host.ask::<Ledger>(&command(3, Ask::Resend(Box::new(resend))), START.plus(MINUTE_MS)).outcome
}

#[test]
fn a_way_that_hides_the_payment_is_no_way_for_a_resend() {
    let (mut host, id, _) = ordered(Some(payment("499.00", "INR", "Shop")));
    assert_eq!(resent(&mut host, &id, ChannelChoice::Voice), Outcome::NoRoute);
    match resent(&mut host, &id, ChannelChoice::Auto) {
        Outcome::Resent { may_change, .. } => assert_eq!(may_change, [Channel::Sms]),
        other => panic!("{other:?}"),
    }
    let (mut host, id, _) = ordered(None);
    match resent(&mut host, &id, ChannelChoice::Voice) {
        Outcome::Resent { may_change, .. } => assert_eq!(may_change, [Channel::Sms, Channel::Voice]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_shows_its_payment() {
    let binding = payment("499.00", "INR", "Shop");
    let (host, id, _) = ordered(Some(binding.clone()));
    match host.probe::<Ledger>(&command(2, Ask::Fetch(whose(0, &id))), START).outcome {
        Outcome::Found(order) => assert_eq!(order.binding, Some(binding)),
        other => panic!("{other:?}"),
    }
}

//! **no-plaintext**, and what a code's digest is bound to.

use proptest::proptest;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::code::Bound;
use tiffin_shared::code::Code;
use tiffin_shared::code::Digest;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Pepper;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Verify;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::VerifyResult;

use crate::common;
use crate::common::fixtures::PHONE;
use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create;
use crate::common::fixtures::job;
use crate::common::fixtures::key_id;
use crate::common::fixtures::ledger_id;
use crate::common::fixtures::open;
use crate::common::fixtures::service;
use crate::common::fixtures::tenant;
use crate::common::fixtures::whose;
use crate::common::host::Host;
use crate::common::ledger::World;
use crate::common::ledger::script;
use crate::common::pause;

proptest! {
    #![proptest_config(common::cases(96))]

    #[test]
    fn the_code_in_the_sealed_job_verifies_and_no_other_of_a_sample_does(
        event in 0..u64::MAX,
        digits in 4..=10_u8,
        others in proptest::collection::vec(0..u64::MAX, 20),
    ) {
        let (host, id, code) = order(event, digits);
        assert_eq!(code.expose().len(), usize::from(digits));
        assert_eq!(guess(&host, &id, &code), VerifyResult::Verified);
        for draw in others {
            let other = Code::sample(digits, [draw]).unwrap();
            if other.expose() != code.expose() {
                assert_eq!(guess(&host, &id, &other), VerifyResult::WrongCode);
            }
        }
    }

    #[test]
    fn neither_code_nor_phone_stands_in_any_state_reply_or_header(script in script(pause::any(), 1..40)) {
        let mut world = World::default();
        for (step, event) in script.iter().zip(1_000..) {
            world.play(step);
            // Ten digits: shorter codes stand in a timestamp or base64 by chance.
            let mut ask = create(0, 0, 0, 0);
            ask.digits = 10;
            ask.idempotency_key = Bytes([255; 16]);
            let mut host = world.host.clone();
            let reply = host.ask::<Ledger>(&command(event, Ask::Create(Box::new(ask))), world.now);
            let Outcome::Created { order, replayed: false } = &reply.outcome else { continue };
            let private = open(&reply.due[0]);
            let shown = serde_json::to_string(order).unwrap();
            let header = &job(&reply.due[0]).header;
            let sealed = serde_json::to_string(job(&reply.due[0])).unwrap();
            for bytes in [host.body().unwrap(), &shown, header, &sealed] {
                assert!(!bytes.contains(private.code.expose()), "a code in clear");
                assert!(!bytes.contains(&PHONE[1..]), "a phone in clear");
            }
        }
    }

    /// A code row is gone within an hour of the code's end, by alarms alone; and an onlooker sees no difference.
    #[test]
    fn within_an_hour_of_its_end_no_code_is_stored_sealed_or_digested(script in script(pause::any(), 1..40)) {
        let mut world = World::default();
        script.iter().for_each(|step| {
            world.play(step);
        });
        let last = world.placed.iter().map(|placed| placed.expires_at).max().unwrap_or(START);
        let gone_by = last.max(world.host.seen(world.now)).plus(HOUR_MS);
        let mut host = world.host.clone();
        let mut alarms = 0;
        while let Some(at) = host.wake_at().filter(|at| *at < gone_by) {
            let (before, now) = (host.stored.clone().map(|stored| stored.commit), at.max(world.now));
            host.ask::<Ledger>(&command(2_000 + alarms, Ask::Tick), now);
            alarms += 1;
            // An alarm that changes nothing is spent: the host drops what is over.
            if before.as_ref() == host.stored.as_ref().map(|stored| &stored.commit) {
                assert!(before.is_some_and(|commit| commit.expires_at <= host.seen(now)));
                host.stored = None;
            }
            assert!(alarms < 2_000);
        }
        for placed in &world.placed {
            let asks = |host: &Host, ask: Ask| host.probe::<Ledger>(&command(9_999, ask), gone_by).outcome;
            let verify = || Ask::Verify(Verify {
                whose: whose(placed.tenant, &placed.id),
                guess: placed.code.clone(),
                binding: None,
                solved: None,
                is_stranger: false,
            });
            let fetch = || Ask::Fetch(whose(placed.tenant, &placed.id));
            assert_eq!(asks(&host, verify()), asks(&world.host, verify()));
            assert_eq!(asks(&host, fetch()), asks(&world.host, fetch()));
        }
        let body = host.body().unwrap_or_default();
        assert!(!body.contains("\"digest\"") && !body.contains("\"job\":{"), "{body}");
    }
}

#[test]
fn a_code_with_leading_zeros_is_delivered_and_verified_with_them() {
    let zeros = (0..).map(|event| order(event, 4)).find(|(_, _, code)| code.expose().starts_with('0'));
    let (host, id, code) = zeros.unwrap();
    assert_eq!(code.expose().len(), 4);
    assert_eq!(guess(&host, &id, &code), VerifyResult::Verified);
    let padded = Code::parse(&format!("0{}", code.expose())).unwrap();
    assert_eq!(guess(&host, &id, &padded), VerifyResult::WrongCode);
}

#[test]
fn a_digest_matches_only_with_every_field_as_it_was_made() {
    let names = ["a", "b"].map(|name| TenantId::parse(name).unwrap());
    let services = ["a", "b"].map(|name| ServiceId::parse(name).unwrap());
    let orders = [
        OrderId::new([1; 16], LedgerId::new([1; 16])),
        OrderId::new([2; 16], LedgerId::new([1; 16])),
        OrderId::new([1; 16], LedgerId::new([2; 16])),
    ];
    let bindings = [None, Some(Bytes([1; 32])), Some(Bytes([2; 32]))];
    let times = [START, START.plus(1)];
    let (p1, p2) = (Pepper::new(&key_id("p1"), [1; 32]), Pepper::new(&key_id("p1"), [2; 32]));
    let renamed = Pepper::new(&key_id("p2"), [1; 32]);
    let code = Code::parse("012345").unwrap();
    let bound = |[tenant, order, service, binding, issued_at, expires_at]: [usize; 6]| Bound {
        tenant: &names[tenant],
        order: &orders[order],
        service: &services[service],
        binding: bindings[binding].as_ref(),
        issued_at: times[issued_at],
        expires_at: times[expires_at],
    };
    let fields = fields();
    for made in &fields {
        let digest = Digest::new(&p1, &bound(*made), [9; 16], &code);
        for guessed in &fields {
            assert_eq!(digest.matches(&p1, &bound(*guessed), &code), made == guessed, "{made:?} {guessed:?}");
        }
        assert!(!digest.matches(&p2, &bound(*made), &code), "another pepper");
        assert!(!digest.matches(&renamed, &bound(*made), &code), "another pepper's name");
        assert_ne!(Digest::new(&p1, &bound(*made), [8; 16], &code), digest, "another salt");
    }
}

/// Every choice of every field.
fn fields() -> Vec<[usize; 6]> {
    let mut all = vec![[0; 6]];
    for (field, choices) in [2, 3, 2, 3, 2, 2].into_iter().enumerate() {
        let with = |choice: usize| {
            move |mut fields: [usize; 6]| {
                fields[field] = choice;
                fields
            }
        };
        all = (0..choices).flat_map(|choice| all.clone().into_iter().map(with(choice))).collect();
    }
    all
}

/// One order in a fresh ledger, its id, and its code as a worker reads it.
fn order(event: u64, digits: u8) -> (Host, OrderId, Code) {
    let mut host = Host::default();
    let mut ask = create(0, 0, 0, 0);
    ask.digits = digits;
    let reply = host.ask::<Ledger>(&command(event, Ask::Create(Box::new(ask))), START);
    let Outcome::Created { order, .. } = reply.outcome else { panic!("{:?}", reply.outcome) };
    let private = open(&reply.due[0]);
    assert_eq!(private.phone.unwrap().e164(), PHONE);
    let id = OrderId::parse(&order.id).unwrap();
    assert_eq!(id.ledger(), ledger_id());
    (host, id, private.code)
}

fn guess(host: &Host, id: &OrderId, guess: &Code) -> VerifyResult {
    let verify =
        Verify { whose: whose(0, id), guess: guess.clone(), binding: None, solved: None, is_stranger: false };
    match host.probe::<Ledger>(&command(0, Ask::Verify(verify)), UnixMs(START.0 + 1)).outcome {
        Outcome::Verified { result, .. } => result,
        other => panic!("{other:?} of {} {}", tenant(0), service(0)),
    }
}

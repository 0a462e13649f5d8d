//! Bytes that stored states, queued jobs and other programs depend on. A change here needs a migration.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod money;
mod pins;
mod small;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiffin_shared::binding::Binding;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::code::Bound;
use tiffin_shared::code::Code;
use tiffin_shared::code::Digest;
use tiffin_shared::directory::Limits;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::evidence;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Pepper;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Verify;
use tiffin_shared::ledger::Whose;
use tiffin_shared::machine;
use tiffin_shared::nonce;
use tiffin_shared::nonce::Nonce;
use tiffin_shared::order;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Order;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::price::Currency;
use tiffin_shared::problem;
use tiffin_shared::problem::Problem;
use tiffin_shared::seal::Sealed;
use tiffin_shared::series;
use tiffin_shared::series::Counts;
use tiffin_shared::series::Grain;
use tiffin_shared::series::Period;
use tiffin_shared::series::Series;
use tiffin_shared::sign::Direction;
use tiffin_shared::sign::NONCE_MEMORY_MS;
use tiffin_shared::sign::Signed;
use tiffin_shared::tally;
use tiffin_shared::tally::Tally;
use tiffin_shared::wire::api;
use tiffin_shared::wire::api::VerifyResult;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;

use self::common::fixtures;
use self::common::fixtures::PHONE;
use self::common::fixtures::START;
use self::common::host::Host;
use self::pins::CODE;
use self::pins::HEADER;
use self::pins::LEDGER;
use self::pins::OLDER_HEADER;
use self::pins::OLDER_LEDGER;
use self::pins::OLDER_SEALED;
use self::pins::ORDER_ID;
use self::pins::PROBLEMS;
use self::pins::RECORD;
use self::pins::SEALED;
use self::pins::SERIES;
use self::pins::SHELF;
use self::pins::TALLY;
use self::pins::UNMASKED_HEADER;
use self::pins::UNMASKED_SEALED;
use self::pins::UNNAMED_HEADER;
use self::pins::UNNAMED_SEALED;

/// As the crate writes it, and reading it gives the same again.
fn pinned<T: Serialize + DeserializeOwned>(value: &T, expected: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), expected);
    reads::<T>(expected);
}

/// And reading it gives the same again.
pub fn reads<T: Serialize + DeserializeOwned>(text: &str) -> T {
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
    value
}

fn ask(host: &mut Host, n: u8, ask: ledger::Ask) -> ledger::Reply {
    let command = ledger::Command { keys: fixtures::keys(), entropy: Entropy::new([n; 32]), ask };
    host.ask::<Ledger>(&command, START.plus(1_000 * u64::from(n)))
}

fn binding() -> Binding {
    serde_json::from_str(r#"{"amount":"499.00","currency":"INR","payee":"Shop"}"#).unwrap()
}

/// A payment with everything that an order may hold.
fn payment() -> ledger::Create {
    ledger::Create {
        binding: Some(binding()),
        client_ref: Some("cart-7".into()),
        metadata: BTreeMap::from([("plan".to_owned(), "gold".to_owned())]),
        ..fixtures::create(0, 1, 1, 1)
    }
}

fn ordered(host: &mut Host) -> (api::Order, Job) {
    let reply = ask(host, 1, ledger::Ask::Create(Box::new(payment())));
    let Outcome::Created { order, .. } = reply.outcome else { panic!("{:?}", reply.outcome) };
    (order, fixtures::job(&reply.due[0]).clone())
}

#[test]
fn the_state_of_a_ledger_is_pinned_after_a_fixed_script() {
    let mut host = Host::default();
    let (first, _) = ordered(&mut host);
    ask(&mut host, 2, ledger::Ask::Create(Box::new(fixtures::create(1, 0, 2, 2))));
    let whose = fixtures::whose(0, &OrderId::parse(&first.id).unwrap());
    let guess = Code::parse("000000").unwrap();
    ask(
        &mut host,
        3,
        ledger::Ask::Verify(Verify {
            whose,
            guess,
            binding: Some(binding().hash()),
            solved: None,
            is_stranger: false,
        }),
    );
    ask(&mut host, 4, ledger::Ask::Event(fixtures::event(&first.id)));
    ask(&mut host, 9, ledger::Ask::Tick);
    assert_eq!(host.body(), Some(LEDGER));
    reads::<ledger::State>(LEDGER);
}

#[test]
fn a_ledger_from_before_standings_had_three_names_is_read() {
    let older = LEDGER.replace(r#""standing":"server""#, r#""standing":"trusted""#);
    assert_ne!(older, LEDGER);
    let state: ledger::State = serde_json::from_str(&older).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), LEDGER);
}

#[test]
fn a_ledger_from_when_orders_wrote_what_need_not_be_said_is_read() {
    let state: ledger::State = serde_json::from_str(OLDER_LEDGER).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), LEDGER);
}

#[test]
fn a_pinned_ledger_still_verifies_its_code() {
    let state = LEDGER.to_owned();
    let order = OrderId::parse(ORDER_ID).unwrap();
    let ask = |guess: &str| {
        let whose = Whose {
            tenant: fixtures::tenant(0),
            order: order.clone(),
            limits: Limits::default(),
            scope: Vec::new(),
            services: Vec::new(),
        };
        let verify = Verify {
            whose,
            guess: Code::parse(guess).unwrap(),
            binding: Some(binding().hash()),
            solved: None,
            is_stranger: false,
        };
        let command = fixtures::command(1, ledger::Ask::Verify(verify));
        match machine::run::<Ledger>(Some(&state), &command, START.plus(20_000)).unwrap().0.outcome {
            Outcome::Verified { result, .. } => result,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(CODE), VerifyResult::Verified);
    // Of orders from before it was kept, the hash alone is known.
    let older = format!(r#""binding":{}"#, serde_json::to_string(&binding().hash()).unwrap());
    let newer = format!(r#""binding":{}"#, serde_json::to_string(&binding()).unwrap());
    let state = LEDGER.replace(&newer, &older);
    assert_ne!(state, LEDGER);
    reads::<ledger::State>(&state);
    assert_eq!(ask("000000"), VerifyResult::WrongCode);
}

#[test]
fn an_order_of_the_api_is_pinned() {
    let mut host = Host::default();
    let (order, _) = ordered(&mut host);
    assert_eq!(order.id, ORDER_ID);
    pinned(
        &order,
        r#"{"id":"ord_HTp1VPc22Ja7WbHSyAiv4QcHBwcHBwcHBwcHBwcHBwc","state":"accepted","service":"pay","channel":"sms","to":"+91••••••3210","created_at":"2026-11-19T10:00:01.000Z","expires_at":"2026-11-19T10:05:01.000Z","resend_at":"2026-11-19T10:00:31.000Z","cancel":{"window":"open","until":"2026-11-19T10:05:01.000Z","because":"nothing has left that could still arrive"},"advice":{"do":"wait","because":"a gateway is about to be called","until":"2026-11-19T10:00:13.000Z"},"sends_left":2,"guesses_left":5,"verified_channel":null,"binding":{"amount":"499.00","currency":"INR","payee":"Shop"},"client_ref":"cart-7","metadata":{"plan":"gold"},"attempts":[]}"#,
    );
    ask(&mut host, 4, ledger::Ask::Event(fixtures::event(&order.id)));
    let whose = fixtures::whose(0, &OrderId::parse(&order.id).unwrap());
    let Outcome::Found(order) = ask(&mut host, 5, ledger::Ask::Fetch(whose)).outcome else { panic!() };
    pinned(
        &order.attempts,
        r#"[{"n":1,"channel":"sms","gateway":"alpha","state":"failed","at":"2026-11-19T10:00:02.500Z","changed":"first attempt","reason":"provider_down"}]"#,
    );
}

#[test]
fn an_order_event_is_pinned() {
    pinned(
        &fixtures::event(ORDER_ID),
        r#"{"order":"ord_HTp1VPc22Ja7WbHSyAiv4QcHBwcHBwcHBwcHBwcHBwc","seq":2,"state":"sending","attempts":[{"n":1,"channel":"sms","gateway":"alpha","state":"failed","at":1795082402500,"changed":"first attempt","reason":"provider_down"}]}"#,
    );
}

#[test]
fn a_jobs_header_and_its_envelope_are_pinned_and_open() {
    let (_, job) = ordered(&mut Host::default());
    assert_eq!(job.header, HEADER);
    let envelope = Envelope::sign(&job, None, &fixtures::edge());
    pinned(
        &envelope,
        r#"{"header":"{\"v\":1,\"order\":\"ord_HTp1VPc22Ja7WbHSyAiv4QcHBwcHBwcHBwcHBwcHBwc\",\"tenant\":\"acme\",\"service\":\"pay\",\"channel\":\"sms\",\"created_at\":1795082401000,\"expires_at\":1795082701000,\"request\":\"req_BwFy0O3UM09beNihMDpv5Q\",\"to_masked\":\"+91••••••3210\",\"client_ref\":\"cart-7\"}","sealed":{"key":"w1","encapsulated":"FTiMfvpVfXalTpXoBsENb6WBExGQu74Psk7ehzmOd3A","nonce":"75PWo-XJFQuBLH3mL4-uV8zFz7Sz4Vho","ciphertext":"lzCD6IYRqtguR-m89QAeNz86pVkODHp1izlNyzSTLrkkZqmzdjJA5134ClYFFy8bcHP9W29wO2GcnqTfd6lqQ1Af-ENBZh4Nwap1j-htiOSCsYrMsL6c6jBg0W5m4Jvy3ROIf7UwKFWBvpmuATJrIL-pkmY"},"signer":"e1","signature":"dpHrh8dhrfU9Aa6sKab4oLi5w3DEd9v4qSvLKbw-mwAqOEQnvyTdXYztvk-VAfhJ3sLG8IXKgZbVXEJay4U3Bg"}"#,
    );
    let header = envelope.verify(&fixtures::edges()).unwrap();
    assert_eq!(header, serde_json::from_str::<Header>(HEADER).unwrap());
    let private = envelope.open(&fixtures::workers()).unwrap();
    assert_eq!(private.code.expose(), CODE);
    assert_eq!(private.phone.unwrap().e164(), PHONE);
    assert_eq!(private.approves.as_deref(), Some("499.00 INR to Shop"));
}

#[test]
fn a_pinned_sealed_job_still_opens_and_so_does_an_older_one() {
    let older =
        [(UNNAMED_HEADER, UNNAMED_SEALED), (UNMASKED_HEADER, UNMASKED_SEALED), (OLDER_HEADER, OLDER_SEALED)];
    for (header, sealed) in [(HEADER, SEALED)].into_iter().chain(older) {
        let sealed: Sealed = reads(sealed);
        let plaintext = sealed.open(&fixtures::worker(), header.as_bytes()).unwrap();
        assert_eq!(
            std::str::from_utf8(&plaintext).unwrap(),
            r#"{"phone":"+919876543210","email":null,"code":"222420","locale":"en","approves":"499.00 INR to Shop"}"#
        );
    }
}

#[test]
fn the_record_of_an_order_is_pinned_after_a_fixed_script() {
    let mut host = Host::default();
    let mut ask = |n: u8, ask: order::Ask| {
        let command = order::Command { entropy: Entropy::new([n; 32]), ask };
        host.ask::<Order>(&command, START.plus(1_000 * u64::from(n)));
    };
    ask(1, common::order::claim(1));
    ask(2, order::Ask::Result { n: 1, outcome: CallOutcome::Failed(Reason::ProviderDown) });
    ask(4, common::order::claim(4));
    ask(5, order::Ask::Result { n: 2, outcome: CallOutcome::Taken { provider_id: "SM1".into() } });
    ask(6, order::Ask::Reported(START.0 + 1_003));
    let receipt = Receipt::Failed(Reason::AbsentTemporary);
    ask(
        7,
        order::Ask::Receipt {
            gateway: GatewayId::parse("alpha").unwrap(),
            n: 2,
            provider_id: "SM1".into(),
            receipt,
            cost: None,
        },
    );
    assert_eq!(host.body(), Some(RECORD));
    reads::<order::State>(RECORD);
    reads::<order::State>(&RECORD.replace(r#""sent_at":1795082404000,"#, ""));
}

#[test]
fn the_state_of_a_nonce_is_pinned() {
    let mut host = Host::default();
    host.ask::<Nonce>(&nonce::Command { keep_ms: NONCE_MEMORY_MS }, START);
    assert_eq!(host.body(), Some(r#"{"expires_at":1795082580000}"#));
    reads::<nonce::State>(r#"{"expires_at":1795082580000}"#);
}

#[test]
fn the_state_of_a_shelf_of_evidence_is_pinned() {
    let mut host = Host::default();
    for which in [1, 9, 17] {
        host.ask::<Shelf>(&common::exhibits::command(which, START), START);
    }
    assert_eq!(host.body(), Some(SHELF));
    reads::<evidence::State>(SHELF);
}

#[test]
fn the_state_of_a_tally_is_pinned() {
    let mut host = Host::default();
    for (n, orders) in [(1, 3), (2, 4), (1, 3)] {
        let (batch, day) = (Bytes([n; 16]), START.day());
        host.ask::<Tally>(&tally::Command::Add { batch, day, orders }, START.plus(u64::from(n)));
    }
    assert_eq!(host.body(), Some(TALLY));
    reads::<tally::State>(TALLY);
}

#[test]
fn the_state_of_a_series_is_pinned() {
    let mut host = Host::default();
    for (n, took_ms) in [(1, 900), (2, 61_000), (1, 900)] {
        let mut counts = Counts { accepted: 2, unchecked: 1, delivered: 1, failed: 3, ..Counts::default() };
        (counts.expired, counts.cancelled, counts.verified) = (4, 5, 6);
        counts.latencies.add(took_ms);
        counts.spend(Currency::default(), -2_500);
        let (period, batch) = (Period::of(Grain::Minute, START), Bytes([n; 16]));
        let command = series::Command::Add { period, batch, slots: [(n, counts)].into() };
        host.ask::<Series>(&command, START.plus(u64::from(n)));
    }
    assert_eq!(host.body(), Some(SERIES));
    reads::<series::State>(SERIES);
}

#[test]
fn the_digest_of_a_code_is_pinned() {
    let (tenant, service) = (fixtures::tenant(0), fixtures::service(0));
    let order = OrderId::new([2; 16], fixtures::ledger_id());
    let binding = Bytes([8; 32]);
    let pepper = Pepper::new(&fixtures::key_id("p1"), [4; 32]);
    let code = Code::parse("012345").unwrap();
    for (binding, expected) in [
        (
            None,
            r#"{"pepper":"p1","salt":"CQkJCQkJCQkJCQkJCQkJCQ","tag":"-Rxhw87ZlV6vnoeN9lcY4seTcCv7WQWgZZFOXzj12cQ"}"#,
        ),
        (
            Some(&binding),
            r#"{"pepper":"p1","salt":"CQkJCQkJCQkJCQkJCQkJCQ","tag":"Lb4-69hXgi_5bBlxeQAJoLeo6xRlhJ2i04LHDlAJ5yM"}"#,
        ),
    ] {
        let (issued_at, expires_at) = (START, START.plus(300_000));
        let bound =
            Bound { tenant: &tenant, order: &order, service: &service, binding, issued_at, expires_at };
        pinned(&Digest::new(&pepper, &bound, [9; 16], &code), expected);
        assert!(reads::<Digest>(expected).matches(&pepper, &bound, &code));
    }
}

#[test]
fn the_headers_of_a_signed_request_are_pinned() {
    let body = br#"{"hello":"core"}"#;
    let signed = Signed { direction: Direction::EdgeToCore, method: "POST", path: "/internal/v1/jobs", body };
    let headers = signed.headers(&fixtures::edge(), [7; 16], START);
    let expected = [
        ("tiffin-key", "e1"),
        ("tiffin-timestamp", "1795082400000"),
        ("tiffin-nonce", "BwcHBwcHBwcHBwcHBwcHBw"),
        (
            "tiffin-signature",
            "v1=TT6ecCZYFT--Z1G6RiowOVdTBZtrS-zjDeM4bin5NwrYqEWVUHjMrk5cD8KQZQej0ivtgfWWt3TR9J2vRVhJDw",
        ),
    ];
    assert_eq!(headers.each_ref().map(|(name, value)| (*name, value.as_str())), expected);
    let find = |name: &str| expected.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    assert_eq!(signed.verify(&fixtures::edges(), find, START), Ok([7; 16]));
}

#[test]
fn ledgers_and_fingerprints_keep_their_names() {
    let index = IndexKey::new([1; 32]);
    assert_eq!(index.ledger("phone", PHONE).to_string(), "SouvPph7AipMwcH3Nk40hQ");
    assert_ne!(index.ledger("email", PHONE), index.ledger("phone", PHONE));
    pinned(&index.fingerprint("key", b"k-1"), r#""_pLFICNPZptj6kkrkkfmNw""#);
}

#[test]
fn every_problem_is_pinned() {
    let bodies: Vec<_> = problem::Code::ALL
        .iter()
        .map(|code| serde_json::to_string(&Problem::new(*code, "d").body()).unwrap())
        .collect();
    assert_eq!(bodies, PROBLEMS);
    for body in PROBLEMS {
        reads::<problem::Body>(body);
    }
}

#[test]
fn unknown_fields_of_a_stored_state_are_refused_and_missing_optional_ones_are_read() {
    let with = |body: &str| body.replacen('{', r#"{"new":1,"#, 1);
    assert!(serde_json::from_str::<ledger::State>(&with(LEDGER)).is_err());
    assert!(serde_json::from_str::<order::State>(&with(RECORD)).is_err());
    assert!(serde_json::from_str::<nonce::State>(&with(r#"{"expires_at":1}"#)).is_err());
    assert!(serde_json::from_str::<tally::State>(&with(TALLY)).is_err());
    assert!(serde_json::from_str::<series::State>(&with(SERIES)).is_err());
    let short = r#"{"clock":1,"sections":{"acme":{"bucket":5,"orders_at":[1],"orders":[]}}}"#;
    let state: ledger::State = serde_json::from_str(short).unwrap();
    assert!(format!("{state:?}").contains("wrong_in_a_row: 0"));
}

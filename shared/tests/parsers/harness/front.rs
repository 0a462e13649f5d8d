//! The public API's front door, and the ledger behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

use tiffin_shared::bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Risk;
use tiffin_shared::directory::Route;
use tiffin_shared::directory::Service;
use tiffin_shared::directory::Tenant;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::evidence;
use tiffin_shared::factor;
use tiffin_shared::factor::Factor;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Front;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Pending;
use tiffin_shared::http::Question;
use tiffin_shared::http::Request;
use tiffin_shared::http::Response;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::id::GatewayId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::machine;
use tiffin_shared::problem::Code;
use tiffin_shared::visitor::Visitor;
use tiffin_shared::wire::api::Channel;

use super::texts::prints_and_parses;
use crate::common::factor_keys;
use crate::common::fixtures;

const LOGIN: &str = r#"{"to":{"phone":"+919876543210"},"service":"login"}"#;
const FULL: &str = r#"{"to":{"phone":"+919876543210","email":"u@example.com"},"service":"login","channel":"email",
"locale":"pt-BR","risk":"high","binding":{"amount":"499.00","currency":"INR","payee":"Shop"},
"client":{"ip":"192.0.2.1","country":"IN"},"client_ref":"cart-7","metadata":{"plan":"gold"},
"max_price":null,"code":null,"challenge":null}"#;
const ENTROPY: [u8; 32] = [9; 32];

static FRONT: LazyLock<Front> = LazyLock::new(|| {
    let ring = format!("c1:{}", bytes::encode(&[3; 32]));
    let challenges = Ring::parse(&ring, |id, key| Ok(ChallengeKey::new(id, key))).unwrap();
    Front { index: IndexKey::new([8; 32]), challenges, turnstile: None }
});
static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| Arc::new(directory()));

fn begin(request: &Request) -> Turn {
    let (entropy, peer, now) = (Entropy::new(ENTROPY), Peer::default(), fixtures::START);
    FRONT.begin(&Visit { directory: &DIRECTORY, request, peer, entropy: &entropy, now })
}

/// A ledger with one order in it: its stored bytes, and the order's id.
pub static ORDERED: LazyLock<(String, String)> = LazyLock::new(|| {
    let Turn::Ask(pending) = begin(&create("\"first\"", LOGIN.as_bytes())) else {
        panic!("an ordinary order is refused")
    };
    let (response, state) = answer(*pending, None);
    let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    (state.unwrap(), body["id"].as_str().unwrap().to_owned())
});

/// One tenant with a key of each kind.
pub fn directory() -> Directory {
    let service = Service {
        brand: "Shop".into(),
        digits: 6,
        ttl_ms: fixtures::TTL_MS,
        risk: Risk::Normal,
        channels: vec![Channel::Sms, Channel::Email, Channel::Voice],
        waiting_ms: fixtures::WAITING_MS,
        autofill: None,
        templates: Vec::new(),
        dlt: None,
        texts: None,
        sim_swap: None,
        refunds: None,
    };
    let services = BTreeMap::from([(fixtures::service(0), service)]);
    let tenants = BTreeMap::from([(
        fixtures::tenant(0),
        Tenant { services, countries: Countries::All, ..Tenant::default() },
    )]);
    let key = |id, kind| {
        let digest = key_digest(&key(kind));
        let (origins, services) = (Vec::new(), Vec::new());
        ApiKey {
            id: fixtures::key_id(id),
            tenant: fixtures::tenant(0),
            kind,
            digest,
            origins,
            services,
            revoked: false,
        }
    };
    let route = |channel| Route::new(GatewayId::parse("alpha").unwrap(), channel, Countries::All);
    let routes = [Channel::Sms, Channel::Email, Channel::Voice].map(route).to_vec();
    let keys = vec![key("k1", KeyKind::Secret), key("k2", KeyKind::Publishable)];
    Directory { tenants, keys, routes, ..Directory::default() }
}

fn key(kind: KeyKind) -> String {
    write_key(kind, [kind.prefix().as_bytes()[0]; 24])
}

fn create(idempotency_key: &str, body: &[u8]) -> Request {
    let headers = [
        ("authorization", format!("Bearer {}", key(KeyKind::Secret))),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", idempotency_key.to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
    let (method, path, query) = ("POST".into(), "/v1/orders".into(), String::new());
    Request { method, path, query, headers, body: body.to_vec() }
}

/// Two bytes choose call and key; the rest is a body, an id, or a whole request as text.
fn read(data: &[u8]) -> Option<Request> {
    let (&[shape, caller], rest) = data.split_first_chunk::<2>()?;
    let mut request = create("\"k\"", rest);
    let text = String::from_utf8_lossy(rest);
    let order = &ORDERED.1;
    let (method, path) = match shape % 12 {
        6 => ("POST", format!("/v1/orders/{order}/resend")),
        7 => ("POST", format!("/v1/orders/{order}/cancel")),
        8 => ("POST", "/v1/preflight".to_owned()),
        9 => ("POST", "/v1/factors".to_owned()),
        10 => ("GET", format!("/v1/orders/{order}/events")),
        0 => ("POST", "/v1/orders".to_owned()),
        1 => ("GET", format!("/v1/orders/{order}")),
        2 => ("POST", format!("/v1/orders/{order}/verify")),
        3 => ("GET", format!("/v1/orders/{text}")),
        4 => ("GET", format!("/problems/{text}")),
        5 => ("POST", format!("/v1/orders/{text}/verify")),
        _ => return Some(parse(&text)),
    };
    (request.method, request.path) = (method.to_owned(), path);
    request.headers[0].1 = match caller % 4 {
        0 => String::new(),
        1 => format!("bearer  {}", key(KeyKind::Publishable)),
        2 => text.into_owned(),
        _ => return Some(request),
    };
    Some(request)
}

/// `METHOD PATH`, headers, an empty line, the body.
fn parse(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = lines.filter_map(header).collect();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    Request { method, path, query, headers, body: body.as_bytes().to_vec() }
}

/// Whatever is asked is answered, the same each time, in the form that is promised.
pub fn request(data: &[u8]) {
    let Some(request) = read(data) else { return };
    match (begin(&request), begin(&request)) {
        (Turn::Document(one), Turn::Document(two)) | (Turn::Reply(one), Turn::Reply(two)) => {
            assert_eq!(one, two);
            well_formed(&one, &request);
        }
        (Turn::Ask(one), Turn::Ask(two)) => {
            assert_eq!(asked(&one), asked(&two));
            asked_well(&request);
        }
        _ => panic!("the same request took two ways"),
    }
}

fn asked(pending: &Pending) -> String {
    match pending.question().unwrap() {
        Question::Ledger { ask, .. } => serde_json::to_string(ask).unwrap(),
        Question::Factor(ask) => serde_json::to_string(ask).unwrap(),
        Question::Visitor { command, .. } => serde_json::to_string(command).unwrap(),
        Question::Evidence(ask) => serde_json::to_string(ask).unwrap(),
        Question::Turnstile(outgoing) => outgoing.url.clone(),
    }
}

fn again(request: &Request) -> Pending {
    match begin(request) {
        Turn::Ask(pending) => *pending,
        _ => panic!("the same request took two ways"),
    }
}

/// The question travels unchanged, who is asked answers it, and an order that is made fits on every wire after it.
fn asked_well(request: &Request) {
    for state in [None, Some(ORDERED.0.as_str())] {
        let (response, after) = answer(again(request), state);
        well_formed(&response, request);
        if response.status == 202 {
            let (replayed, unchanged) = answer(again(request), after.as_deref());
            assert_eq!((replayed.status, &replayed.body), (202, &response.body));
            assert_eq!(unchanged, after);
        }
    }
    match reply(FRONT.answer(again(request), None)) {
        Ok(response) => well_formed(&response, request),
        Err(_) => panic!("nobody answered, and it went on"),
    }
}

fn reply(turn: Turn) -> Result<Response, Box<Pending>> {
    match turn {
        Turn::Document(response) | Turn::Reply(response) => Ok(response),
        Turn::Ask(pending) => Err(pending),
        Turn::Stream(mut stream) => Ok(stream.begun().unwrap().0),
    }
}

/// What an order or guess with this question gets. The ledger's bytes afterwards.
fn answer(mut pending: Pending, state: Option<&str>) -> (Response, Option<String>) {
    let mut after = state.map(str::to_owned);
    loop {
        let answer = match pending.question().unwrap() {
            Question::Ledger { ledger, ask, .. } => {
                assert!(FRONT.index.knows(*ledger));
                let (outcome, commit) = step(ask, after.as_deref());
                after = commit.or(after);
                Answer::Ledger(outcome)
            }
            Question::Factor(ask) => {
                let ask = ask.clone();
                let command =
                    factor::Command { keys: factor_keys::keys(0), entropy: Entropy::new(ENTROPY), ask };
                Answer::Factor(machine::run::<Factor>(None, &command, fixtures::START).unwrap().0)
            }
            Question::Visitor { command, .. } => {
                Answer::Visitor(machine::run::<Visitor>(None, command, fixtures::START).unwrap().0)
            }
            Question::Evidence(_) => Answer::Evidence(evidence::Answer::NotFound),
            Question::Turnstile(_) => panic!("Turnstile is not configured"),
        };
        match reply(FRONT.answer(pending, Some(answer))) {
            Ok(response) => return (response, after),
            Err(next) => pending = *next,
        }
    }
}

fn step(ask: &ledger::Ask, state: Option<&str>) -> (Outcome, Option<String>) {
    // Of a ledger that is there, its own: two orders of one entropy would be one.
    let entropy = Entropy::new([ENTROPY[0] + u8::from(state.is_some()); 32]);
    let event = Event { now: fixtures::START.plus(1), entropy, ask: ask.clone() };
    let event: Event = serde_json::from_str(&prints_and_parses(&event)).unwrap();
    let command = ledger::Command { keys: fixtures::keys(), entropy: event.entropy, ask: event.ask };
    let (reply, commit) = machine::run::<Ledger>(state, &command, event.now).unwrap();
    for parcel in &reply.due {
        let Content::Job { job, dispatch } = &parcel.content else { continue };
        let envelope = Envelope::sign(job, dispatch.as_ref(), &fixtures::edge());
        let envelope = Envelope::parse(&serde_json::to_vec(&envelope).unwrap()).unwrap();
        envelope.verify(&fixtures::edges()).unwrap();
        assert!(envelope.open(&fixtures::workers()).is_ok());
    }
    (reply.outcome, commit.map(|commit| commit.body))
}

/// A status, headers that no value can break out of, JSON with a code from the list, and no API key.
fn well_formed(response: &Response, request: &Request) {
    for (name, value) in &response.headers {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{name}: {value:?}");
    }
    assert!(response.headers.iter().any(|(name, _)| *name == "x-request-id"));
    let is_json = response.headers.iter().any(|(_, value)| value.ends_with("json"));
    let is_stream = request.path.ends_with("/events");
    assert!(is_json || is_stream || request.path.starts_with("/problems/") || request.method == "OPTIONS");
    if response.status >= 400 {
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        let code = body["code"].as_str().unwrap();
        let code = Code::ALL.iter().find(|known| known.as_str() == code).unwrap();
        assert_eq!(code.status(), response.status);
    }
    for kind in [KeyKind::Publishable, KeyKind::Secret] {
        assert!(!response.body.contains(&key(kind)));
    }
    let is_order = request.body == LOGIN.as_bytes();
    assert!(!(is_order && response.body.contains("+919876543210")));
}

/// Inputs for [`request`].
pub fn request_seeds() -> Vec<Vec<u8>> {
    let with = |shape: u8, caller: u8, rest: &str| [&[shape, caller], rest.as_bytes()].concat();
    let secret = key(KeyKind::Secret);
    let whole = format!(
        "POST /v1/orders\nauthorization:Bearer {secret}\nidempotency-key:\"a\"\n\n{}",
        LOGIN.replace("+919876543210\"", "+4915123456789\",\"email\":null")
    );
    vec![
        with(0, 3, LOGIN),
        with(0, 3, FULL),
        with(0, 1, LOGIN),
        with(1, 3, ""),
        with(2, 3, r#"{"code":"123456"}"#),
        with(2, 1, r#"{"code":"0000"}"#),
        with(3, 3, &ORDERED.1),
        with(4, 0, "rate_limited"),
        with(6, 3, r#"{"channel":"email"}"#),
        with(7, 3, ""),
        with(8, 3, LOGIN),
        with(9, 3, r#"{"account":"alice@example.com","issuer":"Shop"}"#),
        with(10, 1, ""),
        with(11, 0, &whole),
        with(11, 0, "GET /healthz"),
    ]
}

/// Taken are 1 to 255 visible characters, with or without quotes around; both spellings are one key.
pub fn idempotency_key(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let kept = |header: &str| match begin(&create(header, LOGIN.as_bytes())) {
        Turn::Ask(pending) => match pending.question() {
            Some(Question::Ledger { ask: ledger::Ask::Create(create), .. }) => Some(create.idempotency_key),
            _ => panic!("an order became another question"),
        },
        Turn::Document(_) | Turn::Stream(_) => panic!("an order became something to read"),
        Turn::Reply(reply) => {
            assert_eq!(reply.status, 400);
            None
        }
    };
    let value = text.trim();
    let key = match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner,
        None => value,
    };
    let is_key = (1..=255).contains(&key.len())
        && key.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\'));
    let taken = kept(&text);
    assert_eq!(taken.is_some(), is_key, "{text:?}");
    if is_key {
        assert_eq!(taken, kept(&format!("  \"{key}\" ")));
        let other = kept(&format!("\"{key}x\""));
        assert!(other.is_none() || other != taken);
    }
}

/// Inputs for [`idempotency_key`].
pub fn idempotency_key_seeds() -> Vec<Vec<u8>> {
    ["\"9f2c8a1e-0d4b\"", "bare", "\"\"", "\"a b\"", "\"a\", \"b\"", " \"x\" "]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .chain([vec![b'k'; 255], vec![b'k'; 256]])
        .collect()
}

//! What edge and core sign for each other.

use std::sync::LazyLock;

use tiffin_shared::bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::envelope::Error;
use tiffin_shared::http::Request;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::machine;
use tiffin_shared::sign::Direction;
use tiffin_shared::sign::SKEW_MS_MAX;
use tiffin_shared::sign::Signed;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::event::OrderEvents;
use tiffin_shared::wire::job::Job;

use super::edited;
use super::front::ORDERED;
use super::texts::prints_and_parses;
use crate::common::fixtures;
use crate::common::fixtures::START;

const NONCE: [u8; 16] = [7; 16];
const PRIVATE: &str =
    r#"{"phone":"+919876543210","email":null,"code":"222420","locale":"en","approves":null}"#;
const HEADER: &str = r#"{"v":1,"order":"ord_HTp1VPc22Ja7WbHSyAiv4QcHBwcHBwcHBwcHBwcHBwc","tenant":"acme","service":"pay","channel":"sms","created_at":1795082401000,"expires_at":1795082701000}"#;

static VALID: LazyLock<Envelope> = LazyLock::new(|| sealed(HEADER, PRIVATE.as_bytes()));

static SIGNED: LazyLock<(String, [(&str, String); 4])> = LazyLock::new(|| {
    let body = serde_json::to_string(&OrderEvents { events: vec![fixtures::event(&ORDERED.1)] }).unwrap();
    let headers = signed(body.as_bytes()).headers(&fixtures::edge(), NONCE, START);
    (body, headers)
});

fn sealed(header: &str, plaintext: &[u8]) -> Envelope {
    let sealed = fixtures::keys().sealer.seal([2; 24], header.as_bytes(), plaintext).unwrap();
    Envelope::sign(&Job { header: header.to_owned(), sealed }, None, &fixtures::edge())
}

/// The first byte says what the rest is: an envelope, edits of a good one, a header or a plaintext that is signed.
pub fn envelope(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 4 {
        0 => only_the_edges_own_open(rest),
        1 => only_the_edges_own_open(&edited(&serde_json::to_vec(&*VALID).unwrap(), rest)),
        2 => {
            let header = String::from_utf8_lossy(rest);
            let forged = Job { header: header.clone().into_owned(), sealed: VALID.sealed.clone() };
            let forged = Envelope::sign(&forged, None, &fixtures::edge());
            if let Ok(header) = forged.verify(&fixtures::edges()) {
                assert_eq!(header.v, 1);
                prints_and_parses(&header);
            }
            assert_eq!(forged.open(&fixtures::workers()).is_ok(), header == HEADER);
        }
        _ => {
            let envelope = sealed(HEADER, rest);
            assert!(envelope.verify(&fixtures::edges()).is_ok());
            match envelope.open(&fixtures::workers()) {
                Ok(private) => {
                    assert!((4..=10).contains(&private.code.expose().len()));
                    prints_and_parses(&private);
                }
                Err(error) => assert_eq!(error, Error::Malformed),
            }
        }
    }
}

/// Nobody but the edge signs: what verifies is what the edge wrote, whatever it was spelt like on the way.
fn only_the_edges_own_open(body: &[u8]) {
    let Ok(envelope) = Envelope::parse(body) else { return };
    prints_and_parses(&envelope);
    let is_own = envelope.header == VALID.header
        && envelope.sealed.key == VALID.sealed.key
        && envelope.sealed.encapsulated == VALID.sealed.encapsulated
        && envelope.sealed.nonce == VALID.sealed.nonce
        && envelope.sealed.ciphertext == VALID.sealed.ciphertext
        && envelope.signature == VALID.signature;
    let verified = envelope.verify(&fixtures::edges());
    assert_eq!(verified.is_ok(), is_own && envelope.signer == VALID.signer);
    if verified.is_err() && !is_own {
        // Also without its signature nothing opens that was altered.
        assert!(envelope.sealed == VALID.sealed || envelope.open(&fixtures::workers()).is_err());
    }
}

/// Inputs for [`envelope`].
pub fn envelope_seeds() -> Vec<Vec<u8>> {
    let with = |kind: u8, rest: &[u8]| [&[kind], rest].concat();
    let valid = serde_json::to_vec(&*VALID).unwrap();
    vec![
        with(0, &valid),
        with(1, &[]),
        with(1, &[0, 9, b'x']),
        with(2, HEADER.as_bytes()),
        with(3, PRIVATE.as_bytes()),
    ]
}

fn signed(body: &[u8]) -> Signed<'_> {
    Signed { direction: Direction::CoreToEdge, method: "POST", path: EVENTS_PATH, body }
}

fn read(headers: &[(String, String)], body: &[u8]) -> Option<Vec<OrderEvent>> {
    let (method, path) = ("POST".to_owned(), EVENTS_PATH.to_owned());
    let request =
        Request { method, path, query: String::new(), headers: headers.to_vec(), body: body.to_vec() };
    internal::read_events(&request, &fixtures::edges(), START).ok()
}

/// The first byte says what the rest is: headers and body, edits of a good request, or a body that core signs.
pub fn request(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
    let (body, headers) = &*SIGNED;
    match kind % 3 {
        0 => {
            let text = String::from_utf8_lossy(rest);
            let (values, claimed) = text.split_once("\n\n").unwrap_or((&text, ""));
            let named = headers.iter().zip(values.lines());
            let given: Vec<_> =
                named.map(|((name, _), value)| ((*name).to_owned(), value.to_owned())).collect();
            let is_own = claimed == body && given.iter().cloned().eq(headers.iter().map(own));
            assert_eq!(read(&given, claimed.as_bytes()).is_some(), is_own, "nobody but core signs");
        }
        1 => {
            let values: Vec<_> = headers.iter().map(|(_, value)| value.as_str()).collect();
            let whole = format!("{}\n{body}", values.join("\n"));
            let altered = edited(whole.as_bytes(), rest);
            let text = String::from_utf8_lossy(&altered);
            let mut parts = text.splitn(5, '\n');
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, _)| ((*name).to_owned(), parts.next().unwrap_or_default().to_owned()))
                .collect();
            let read = read(&headers, parts.next().unwrap_or_default().as_bytes());
            assert_eq!(read.is_some(), text == whole, "any change is refused");
        }
        _ => signed_by_core(rest, &own),
    }
}

/// Core's own word: in time it is read or refused as JSON, out of time always refused; the ledger takes any of them.
fn signed_by_core(rest: &[u8], own: &impl Fn(&(&str, String)) -> (String, String)) {
    let Some((&[a, b, c], body)) = rest.split_first_chunk::<3>() else { return };
    let skew_ms = u64::from(u32::from_be_bytes([0, a & 1, b, c]));
    let at = if a & 2 == 0 { START.plus(skew_ms) } else { START.minus(skew_ms) };
    let headers = signed(body).headers(&fixtures::edge(), NONCE, at).map(|header| own(&header));
    let find = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let is_in_time = skew_ms <= SKEW_MS_MAX;
    assert_eq!(signed(body).verify(&fixtures::edges(), find, START).is_ok(), is_in_time);
    let Some(events) = read(&headers, body) else { return };
    assert!(is_in_time);
    events.into_iter().for_each(taken_by_a_ledger);
}

fn taken_by_a_ledger(event: OrderEvent) {
    prints_and_parses(&event);
    let command =
        ledger::Command { keys: fixtures::keys(), entropy: Entropy::new([3; 32]), ask: Ask::Event(event) };
    for now in [START, UnixMs(u64::MAX)] {
        let (_, commit) = machine::run::<Ledger>(Some(&ORDERED.0), &command, now).unwrap();
        if let Some(commit) = commit {
            machine::run::<Ledger>(Some(&commit.body), &command, now).unwrap();
        }
    }
}

/// Inputs for [`request`].
pub fn request_seeds() -> Vec<Vec<u8>> {
    let with = |kind: u8, rest: &[u8]| [&[kind], rest].concat();
    let (body, headers) = &*SIGNED;
    let values: Vec<_> = headers.iter().map(|(_, value)| value.as_str()).collect();
    let genuine = format!("{}\n\n{body}", values.join("\n"));
    let forged = genuine.replacen("\n\n", "\n\n{", 1);
    vec![
        with(0, genuine.as_bytes()),
        with(0, forged.as_bytes()),
        with(0, bytes::encode(&NONCE).as_bytes()),
        with(1, &[]),
        with(1, &[0, 3, b'1']),
        with(2, &[&[0, 0, 1], body.as_bytes()].concat()),
        with(2, &[&[3, 255, 255], body.as_bytes()].concat()),
    ]
}

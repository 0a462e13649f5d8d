//! How orders fare: core tells of many in one request.

use super::EVENTS_PATH;
use super::Outgoing;
use super::authenticate;
use super::outgoing;
use crate::bytes::read_json;
use crate::entropy::Entropy;
use crate::http::Request;
use crate::http::Response;
use crate::id::OrderId;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::problem::Code;
use crate::problem::Problem;
use crate::sign::Direction;
use crate::time::UnixMs;
use crate::wire::event::EVENTS_BYTES_MAX;
use crate::wire::event::EVENTS_MAX;
use crate::wire::event::Missed;
use crate::wire::event::OrderEvent;
use crate::wire::event::OrderEvents;

/// Core's word on orders: as many of them, from the first on, as one request holds. How many those are.
pub fn events(
    events: &[OrderEvent],
    key: &Signing,
    entropy: &Entropy,
    now: UnixMs,
) -> Result<(Outgoing, usize), serde_json::Error> {
    let mut body = String::from(r#"{"events":["#);
    let mut held = 0;
    for event in events.iter().take(EVENTS_MAX) {
        let event = serde_json::to_string(event)?;
        if held > 0 && body.len() + event.len() + ",]}".len() > EVENTS_BYTES_MAX {
            break;
        }
        if held > 0 {
            body.push(',');
        }
        body.push_str(&event);
        held += 1;
    }
    body.push_str("]}");
    let nonce = entropy.derive("nonce/events");
    Ok((outgoing(Direction::CoreToEdge, EVENTS_PATH, body, key, nonce, now), held))
}

/// The events in a request from core. A replay needs no nonce to be harmless: its numbers are spent.
pub fn read_events(
    request: &Request,
    cores: &Ring<Verifying>,
    now: UnixMs,
) -> Result<Vec<OrderEvent>, Problem> {
    if request.body.len() > EVENTS_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "Events hold at most 64 KiB."));
    }
    authenticate(request, Direction::CoreToEdge, cores, now)?;
    let invalid = |reason: String| Problem::new(Code::InvalidRequest, reason);
    let OrderEvents { events } =
        read_json(&request.body).map_err(|error| invalid(format!("Not the events of orders: {error}.")))?;
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(invalid(format!("A request holds 1 to {EVENTS_MAX} events.")));
    }
    Ok(events)
}

/// The answer to events, of which these were not taken. 503 when none was.
pub fn told(events: usize, missed: Vec<OrderId>, entropy: &Entropy) -> Response {
    if missed.len() >= events {
        return Response::unavailable("The ledgers did not answer.", entropy);
    }
    let body = serde_json::to_string(&Missed { missed });
    body.map_or_else(
        |_| Response::unavailable("The answer does not encode.", entropy),
        |body| Response::ready(&body, entropy),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::encode;
    use crate::id::GatewayId;
    use crate::id::KeyId;
    use crate::id::LedgerId;
    use crate::order::Attempt;
    use crate::order::AttemptState;
    use crate::wire::api::Channel;
    use crate::wire::api::OrderState;

    const NOW: UnixMs = UnixMs(1_000_000);

    /// With as many attempts.
    fn event(number: u8, attempts: u8) -> OrderEvent {
        let attempt = |n: u8| Attempt {
            n: u32::from(n),
            channel: Channel::Sms,
            gateway: GatewayId::parse("twilio-sms").unwrap(),
            state: AttemptState::Failed,
            at: NOW,
            changed: "x".repeat(400),
            reason: None,
            expected_by: None,
            sender: None,
            told: None,
            recall: None,
        };
        OrderEvent {
            order: OrderId::new([number; 16], LedgerId::new([number; 16])),
            seq: 1,
            dispatch: 0,
            state: OrderState::Sending,
            reason: None,
            attempts: (1..=attempts).map(attempt).collect(),
            next: None,
            cost: None,
        }
    }

    fn request(outgoing: Outgoing) -> Request {
        let headers = outgoing.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (method, path) = ("POST".to_owned(), outgoing.path.to_owned());
        Request { method, path, query: String::new(), headers, body: outgoing.body.into_bytes() }
    }

    /// Sends them in as many requests as it takes. What was read from each.
    fn sent(all: &[OrderEvent]) -> Vec<Vec<OrderEvent>> {
        let (key, entropy) = (Signing::new(&KeyId::parse("k1").unwrap(), [1; 32]), Entropy::new([2; 32]));
        let text = format!("k1:{}", encode(&key.public()));
        let cores = Ring::parse(&text, |_, key| Verifying::new(key)).unwrap();
        let (mut rest, mut requests) = (all, Vec::new());
        while !rest.is_empty() {
            let (outgoing, held) = events(rest, &key, &entropy, NOW).unwrap();
            requests.push(read_events(&request(outgoing), &cores, NOW).unwrap());
            rest = &rest[held..];
        }
        requests
    }

    #[test]
    fn every_event_goes_once_in_order_and_no_request_is_refused_for_its_size() {
        for (count, attempts) in [(1, 0), (1, 30), (31, 1), (32, 1), (33, 1), (100, 1), (20, 10), (5, 30)] {
            let all: Vec<_> = (0..count).map(|number| event(number, attempts)).collect();
            let requests = sent(&all);
            assert_eq!(requests.concat(), all, "{count} with {attempts}");
            assert!(requests.iter().all(|events| (1..=EVENTS_MAX).contains(&events.len())));
        }
        assert_eq!(sent(&(0..33).map(|number| event(number, 1)).collect::<Vec<_>>()).len(), 2);
    }

    #[test]
    fn what_no_ledger_took_is_unavailable_and_what_some_took_is_said() {
        let (entropy, order) = (Entropy::new([2; 32]), event(1, 0).order);
        assert_eq!(told(1, vec![order.clone()], &entropy).status, 503);
        let some = told(2, vec![order.clone()], &entropy);
        assert_eq!((some.status, some.body), (200, format!(r#"{{"missed":["{order}"]}}"#)));
        assert_eq!(told(2, Vec::new(), &entropy).status, 200);
    }
}

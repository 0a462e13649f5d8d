//! Client networks at the front door, with their real limits behind it: IPv6 sites, and answers that prove nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::proptest;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::TurnstileSite;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Front;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Question;
use tiffin_shared::http::Request;
use tiffin_shared::http::Response;
use tiffin_shared::http::Turn;
use tiffin_shared::http::TurnstileAccount;
use tiffin_shared::http::Visit;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::secret::Secret;
use tiffin_shared::visitor::Visitor;
use tiffin_shared::visitor::VisitorId;

use super::call;
use super::directory;
use super::front;
use super::key;
use super::login;
use crate::common;
use crate::common::fixtures;
use crate::common::fixtures::START;
use crate::common::host::Host;

/// What a site may order and guess without a challenge: ten times a network's.
const SITE_ORDERS: usize = 30;
const SITE_GUESSES: usize = 100;
/// Tries that prove nothing, before a network is blocked.
const UNPROVEN_MAX: usize = 30;
const REFUSED: &str = r#"{"success":false,"error-codes":["invalid-input-response"]}"#;

/// Every network's limits, and what else was asked.
struct World {
    front: Front,
    directory: Arc<Directory>,
    visitors: BTreeMap<VisitorId, Host>,
    /// What Cloudflare says.
    siteverify: String,
    cloudflare: usize,
    ledger: usize,
    calls: u64,
}

impl Default for World {
    fn default() -> Self {
        let directory = Arc::new(directory());
        let (visitors, siteverify) = (BTreeMap::new(), REFUSED.to_owned());
        Self { front: front(), directory, visitors, siteverify, cloudflare: 0, ledger: 0, calls: 0 }
    }
}

impl World {
    fn with_turnstile() -> Self {
        let site = TurnstileSite { site_key: "site".to_owned(), hostnames: vec!["shop.example".to_owned()] };
        let account = TurnstileAccount {
            secret: Secret::new("s".to_owned()),
            url: "https://turnstile.test".to_owned(),
        };
        let directory = Arc::new(Directory { turnstile: Some(site), ..directory() });
        Self { front: Front { turnstile: Some(account), ..front() }, directory, ..Self::default() }
    }

    /// An app's call. The name stands for its idempotency key.
    fn call(&mut self, ip: &str, path: &str, name: &str, body: &str) -> Response {
        let headers = [
            ("authorization", format!("Bearer {}", key(KeyKind::Publishable))),
            ("idempotency-key", format!("\"{name}\"")),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        let (method, path, body) = ("POST".to_owned(), path.to_owned(), body.as_bytes().to_vec());
        let request = Request { method, path, headers, body, ..Request::default() };
        let peer = Peer { ip: Some(ip.parse().unwrap()), origin: None };
        let directory = self.directory.clone();
        self.calls += 1;
        let entropy = fixtures::entropy(self.calls);
        let visit = Visit { directory: &directory, request: &request, peer, entropy: &entropy, now: START };
        let mut turn = self.front.begin(&visit);
        loop {
            turn = match turn {
                Turn::Ask(pending) => {
                    let answer = self.answer(pending.question().unwrap());
                    self.front.answer(*pending, Some(answer))
                }
                Turn::Reply(reply) => return reply,
                Turn::Document(_) | Turn::Stream(_) => panic!("no such reply is due"),
            };
        }
    }

    fn answer(&mut self, question: &Question) -> Answer {
        match question {
            Question::Ledger { .. } => {
                self.ledger += 1;
                Answer::Ledger(Outcome::NoRoute)
            }
            Question::Turnstile(_) => {
                self.cloudflare += 1;
                Answer::Turnstile(200, self.siteverify.as_bytes().to_vec())
            }
            Question::Visitor { visitor, command } => {
                Answer::Visitor(self.visitors.entry(*visitor).or_default().ask::<Visitor>(command, START))
            }
            Question::Evidence(_) | Question::Factor(_) => panic!("nobody else is asked"),
        }
    }

    fn order(&mut self, ip: &str, name: &str) -> Response {
        self.call(ip, "/v1/orders", name, &login())
    }

    fn order_with(&mut self, ip: &str, name: &str, answer: &str) -> Response {
        let body = login().replacen('{', &format!(r#"{{"challenge":"{answer}","#), 1);
        self.call(ip, "/v1/orders", name, &body)
    }

    fn guess(&mut self, ip: &str, code: u32) -> Response {
        self.call(ip, &call("verify"), "g", &format!(r#"{{"code":"{code:06}"}}"#))
    }

    fn preflight(&mut self, ip: &str) -> Response {
        self.call(ip, "/v1/preflight", "p", &login())
    }
}

/// The `n`th network of one site.
fn of_site(n: usize) -> String {
    format!("2001:db8:48:{n:x}::1")
}

/// Past the networks' limits: the ledger has no route for anyone.
fn is_let_in(reply: &Response) -> bool {
    match reply.status {
        422 => true,
        403 | 429 => false,
        status => panic!("{status}: {reply:?}"),
    }
}

#[test]
fn what_a_site_refuses_stays_refused_however_often_it_comes() {
    let mut world = World::default();
    let mut let_in = BTreeSet::new();
    for n in 0..2 * SITE_ORDERS {
        for again in 0..4 {
            for name in ["a".to_owned(), format!("b{again}")] {
                if is_let_in(&world.order(&of_site(n), &name)) {
                    let_in.insert(n);
                }
            }
        }
    }
    assert_eq!(let_in.len(), SITE_ORDERS);
    // Of what the site refuses, its own limits are all that is kept.
    assert_eq!(world.visitors.values().filter(|host| host.stored.is_some()).count(), SITE_ORDERS + 1);
    assert!(is_let_in(&world.order("2001:db8:49::1", "a")));
}

#[test]
fn neither_a_preflight_nor_a_guess_opens_orders_to_a_network_of_a_full_site() {
    for first in ["preflight", "guess", "wrong answer"] {
        let mut world = World::default();
        let mut let_in = 0;
        for n in 0..2 * SITE_ORDERS {
            match first {
                "preflight" => drop(world.preflight(&of_site(n))),
                "guess" => drop(world.guess(&of_site(n), 0)),
                _ => assert_eq!(world.order_with(&of_site(n), "w", "eyJ9").status, 403),
            }
            let_in += usize::from(is_let_in(&world.order(&of_site(n), "a")));
        }
        assert_eq!(let_in, SITE_ORDERS, "after a {first}");
    }
}

#[test]
fn a_network_without_a_site_is_asked_once() {
    let mut world = World::default();
    let left: Vec<_> = (0..4).map(|nth| is_let_in(&world.order("192.0.2.7", &format!("o{nth}")))).collect();
    assert_eq!((left, world.visitors.len()), (vec![true, true, true, false], 1));
}

proptest! {
    #![proptest_config(common::cases(32))]

    /// Whatever comes in whatever order: a site has as many new networks of each kind as it may.
    #[test]
    fn a_site_lets_in_as_many_networks_as_it_may(asked in vec((0..80_usize, 0..4_u8, 0..2_u8), 1..400)) {
        let mut world = World::default();
        let (mut orders, mut guesses) = (BTreeSet::new(), BTreeSet::new());
        for (n, kind, nth) in asked {
            let ip = of_site(n);
            match kind {
                0 => if is_let_in(&world.order(&ip, &format!("o{nth}"))) { orders.insert(n); },
                1 => if world.guess(&ip, nth.into()).status == 200 { guesses.insert(n); },
                2 => if world.preflight(&ip).status != 429 { guesses.insert(n); },
                _ => assert!(!is_let_in(&world.order_with(&ip, "w", "eyJ9"))),
            }
        }
        assert!(orders.len() <= SITE_ORDERS && guesses.len() <= SITE_GUESSES);
    }
}

#[test]
fn tokens_that_cloudflare_refuses_count_and_end_in_a_block_without_a_call() {
    let mut world = World::with_turnstile();
    for nth in 0..200 {
        let reply = world.order_with("192.0.2.7", &format!("o{nth}"), &format!("garbage-{nth}"));
        let is_asked = nth < UNPROVEN_MAX;
        assert_eq!(reply.status, if is_asked { 403 } else { 429 }, "{nth}: {reply:?}");
        assert_eq!(reply.body.contains("altcha"), !is_asked, "{reply:?}");
    }
    assert_eq!((world.cloudflare, world.ledger), (UNPROVEN_MAX, 0));
    // The same request with the same token is another call, and so another try.
    for _ in 0..UNPROVEN_MAX + 9 {
        world.order_with("192.0.2.8", "o", "garbage");
    }
    assert_eq!(world.cloudflare, 2 * UNPROVEN_MAX);
    // New networks of one site are bounded together: ten times as many.
    for n in 0..20 * UNPROVEN_MAX {
        world.order_with(&of_site(n), "o", "garbage");
    }
    assert_eq!(world.cloudflare, 12 * UNPROVEN_MAX);
    // Guesses have buckets of their own.
    let guess = r#"{"code":"123456","challenge":"garbage"}"#;
    assert_eq!(world.call("192.0.2.7", &call("verify"), "g", guess).status, 403);
    assert_eq!(world.cloudflare, 12 * UNPROVEN_MAX + 1);
}

#[test]
fn a_token_that_cloudflare_vouches_for_opens_an_order_of_a_busy_network() {
    for ip in ["192.0.2.7", "2001:db8:7::1"] {
        let mut world = World::with_turnstile();
        for nth in 0..3 {
            assert!(is_let_in(&world.order(ip, &format!("o{nth}"))));
        }
        let refused = world.order(ip, "fourth");
        let body: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(body["challenge"]["type"], "turnstile", "{refused:?}");
        let said = serde_json::json!({
            "success": true, "hostname": "shop.example", "action": "order", "cdata": body["challenge"]["cdata"],
        });
        world.siteverify = said.to_string();
        assert!(is_let_in(&world.order_with(ip, "fourth", "token")));
        assert_eq!(world.cloudflare, 1);
    }
}

#[test]
fn wrong_answers_to_the_built_in_challenge_count_likewise() {
    let mut world = World::default();
    let replies: Vec<_> = (0..60).map(|_| world.order_with("192.0.2.7", "o", "eyJ9").status).collect();
    assert_eq!(replies.iter().filter(|status| **status == 403).count(), UNPROVEN_MAX);
    assert!(replies.iter().skip(UNPROVEN_MAX).all(|status| *status == 429));
    assert_eq!(world.ledger, 0);
}

//! The edge: the real front door and a ledger for each phone, with whatever directory has come so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tiffin_shared::bytes;
use tiffin_shared::directory::Directory;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Front;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Question;
use tiffin_shared::http::Request;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::id::LedgerId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;

use crate::common::fixtures;
use crate::common::host::Host;
use crate::market;

pub struct Door {
    front: Front,
    pub directory: Arc<Directory>,
    pub ledgers: BTreeMap<LedgerId, Host>,
    asked: u64,
}

pub struct Said {
    pub status: u16,
    pub body: Value,
    /// Of the job, where an order was accepted.
    pub header: Option<Header>,
}

impl Door {
    pub fn new(directory: Directory) -> Self {
        let ring = format!("c1:{}", bytes::encode(&[3; 32]));
        let challenges = Ring::parse(&ring, |id, key| Ok(ChallengeKey::new(id, key))).unwrap();
        let front = Front { index: IndexKey::new([8; 32]), challenges, turnstile: None };
        Self { front, directory: Arc::new(directory), ledgers: BTreeMap::new(), asked: 0 }
    }

    pub fn call(&mut self, path: &str, (tenant, key): (usize, usize), body: &Value, now: UnixMs) -> Said {
        self.asked += 1;
        let entropy = fixtures::entropy(self.asked);
        let headers = [
            ("authorization".to_owned(), format!("Bearer {}", market::key(tenant))),
            ("idempotency-key".to_owned(), format!("\"k{key}\"")),
        ];
        let request = Request {
            method: "POST".into(),
            path: path.into(),
            headers: headers.into(),
            body: body.to_string().into_bytes(),
            ..Request::default()
        };
        let directory = Arc::clone(&self.directory);
        let peer = Peer::default();
        let visit = Visit { directory: &directory, request: &request, peer, entropy: &entropy, now };
        let (mut turn, mut header) = (self.front.begin(&visit), None);
        loop {
            match turn {
                Turn::Reply(reply) => {
                    let body = serde_json::from_str(&reply.body).unwrap();
                    return Said { status: reply.status, body, header };
                }
                Turn::Ask(pending) => {
                    let Some(Question::Ledger { ledger, ask, .. }) = pending.question() else {
                        panic!("a server asks nobody else")
                    };
                    let host = self.ledgers.entry(*ledger).or_default();
                    let reply = host.ask::<Ledger>(&fixtures::command(self.asked, ask.clone()), now);
                    if let Some(parcel) = reply.due.first() {
                        header = Some(serde_json::from_str(&fixtures::job(parcel).header).unwrap());
                    }
                    turn = self.front.answer(*pending, Some(Answer::Ledger(reply.outcome)));
                }
                Turn::Document(_) | Turn::Stream(_) => panic!("neither was asked for"),
            }
        }
    }
}

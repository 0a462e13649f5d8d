//! The public API as a pure function: a request comes in, a reply or a question goes out.
//!
//! Every host, the worker and core standalone, is a loop around [`Front::begin`] and [`Front::answer`], so they
//! cannot drift apart. What awaits lies between the two.

mod access;
mod asked;
mod call;
pub(crate) mod create;
mod crowd;
mod day;
pub mod desk;
mod factors;
mod findings;
mod finish;
mod gate;
mod guess;
pub mod internal;
#[cfg(feature = "openapi")]
pub mod openapi;
mod pages;
mod path;
mod policy;
mod preflight;
mod problems;
mod proof;
pub(crate) mod quote;
pub(crate) mod reply;
mod request;
mod resend;
mod stock;
mod supply;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use crate::binding::Binding;
use crate::challenge::altcha::Cost;
use crate::challenge::turnstile;
use crate::directory::Caller;
use crate::directory::Directory;
use crate::directory::KeyKind;
use crate::entropy::Entropy;
use crate::evidence;
use crate::factor;
use crate::guard::Level;
use crate::guard::Mode;
use crate::id::LedgerId;
use crate::id::OrderId;
use crate::keys::ChallengeKey;
use crate::keys::IndexKey;
use crate::keys::Ring;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::ledger::Verify;
use crate::ledger::Whose;
use crate::problem;
use crate::problem::Problem;
use crate::risk::Origin;
use crate::time::UnixMs;
use crate::visitor;
use crate::visitor::VisitorId;
use crate::wire::api;

use self::asked::Asked;
use self::call::Call;
pub use self::crowd::Crowd;
pub use self::crowd::Places;
pub use self::crowd::Seat;
pub use self::crowd::WATCHERS_PER_NETWORK_MAX;
pub use self::crowd::WATCHERS_PER_ORDER_MAX;
pub use self::crowd::WATCHERS_PER_SITE_MAX;
use self::day::Day;
use self::findings::Refused;
pub use self::finish::Pending;
use self::finish::Shown;
use self::gate::Gate;
use self::gate::Solved;
pub use self::gate::TurnstileAccount;
pub use self::path::resolved;
pub use self::proof::PAGE_POLICY;
pub use self::reply::Response;
pub use self::request::BODY_BYTES_MAX;
pub use self::request::BODY_MS_MAX;
pub use self::request::Request;
pub use self::request::body_bytes_max;
pub use self::request::incomplete;
pub use self::watch::Hold;
pub use self::watch::POLL_MS;
pub use self::watch::STREAM_MS_MAX;
pub use self::watch::Stream;
pub use self::watch::WAIT_S_MAX;

/// The API's description as `tiffin openapi` prints it, for the host that serves it ([`Turn::Document`]).
pub const OPENAPI: &str = include_str!("http/openapi.json");

/// Who is at the other end, as the host knows it: never from what a caller can write.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// The connection's address.
    pub ip: Option<IpAddr>,
    /// Where that address is; nothing where the host cannot tell.
    pub origin: Option<Origin>,
}

/// What a request comes to.
pub enum Turn {
    /// Ask, then [`Front::answer`].
    Ask(Box<Pending>),
    /// Answer with the API's description, [`OPENAPI`], as the body. It is left to the host, so that the wasm need not hold it.
    Document(Response),
    /// Answer at once.
    Reply(Response),
    /// Answer with a stream of events.
    Stream(Box<Stream>),
}

/// What a host asks on the front door's behalf.
pub enum Question {
    /// A ledger.
    Ledger {
        /// Which.
        ledger: LedgerId,
        /// What.
        ask: Ask,
        /// Ask again until there is news.
        hold: Option<Hold>,
    },
    /// Core, for what it knows of an order.
    Evidence(evidence::Ask),
    /// A factor.
    Factor(factor::Ask),
    /// Cloudflare, about a token: [`Answer::Turnstile`].
    Turnstile(Box<turnstile::Outgoing>),
    /// A client network's limits.
    Visitor {
        /// Which.
        visitor: VisitorId,
        /// What.
        command: visitor::Command,
    },
}

/// What came back.
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::large_enum_variant, reason = "one a request, and moved once")
)]
pub enum Answer {
    /// Of a ledger.
    Ledger(Outcome),
    /// Of core.
    Evidence(evidence::Answer),
    /// Of a factor.
    Factor(factor::Outcome),
    /// Of Cloudflare: status, and at most [`turnstile::REPLY_BYTES_MAX`] of the body.
    Turnstile(u16, Vec<u8>),
    /// Of a client network's limits.
    Visitor(visitor::Reply),
}

/// The front door.
pub struct Front {
    /// Names ledgers.
    pub index: IndexKey,
    /// Sign challenges.
    pub challenges: Ring<ChallengeKey>,
    /// Where Turnstile is used.
    pub turnstile: Option<TurnstileAccount>,
}

/// What one request is decided with.
pub struct Visit<'a> {
    /// Who may order what.
    pub directory: &'a Arc<Directory>,
    /// What was sent.
    pub request: &'a Request,
    /// Who sent it.
    pub peer: Peer,
    /// Drawn for this event: the same goes into the ledger's command.
    pub entropy: &'a Entropy,
    /// When.
    pub now: UnixMs,
}

impl Front {
    /// Parses, authenticates and routes.
    pub fn begin(&self, visit: &Visit<'_>) -> Turn {
        let request_id = reply::request_id(visit.entropy);
        if let Some(page) = pages::find(visit.request, &request_id) {
            return page;
        }
        match self.route(visit, &request_id) {
            Ok(turn) => turn,
            Err(problem) => Turn::Reply(Response::problem(&problem, &request_id).readable(None)),
        }
    }

    fn route(&self, visit: &Visit<'_>, request_id: &str) -> Result<Turn, Problem> {
        let Visit { request, directory, .. } = *visit;
        if request.body.len() > BODY_BYTES_MAX {
            let detail = format!("A body holds at most {BODY_BYTES_MAX} bytes.");
            return Err(Problem::new(problem::Code::BodyTooLarge, detail));
        }
        let call = Call::find(&request.method, &request.path);
        let caller = access::caller(directory, request)?;
        let not_found = "No call has this method and path; or no order has this id.";
        let call = call.ok_or_else(|| Problem::new(problem::Code::NotFound, not_found))?;
        let hold = watch::hold(&call, visit, Shown(caller.key.kind))?;
        if let Call::Factor(of) = &call {
            return factors::begin(self, visit, &caller, of, request_id);
        }
        if let Call::Evidence(order) = &call {
            return proof::begin(self, visit, &caller, order, request_id);
        }
        let Asked { ledger, ask, facts, refusal, gate, before } = match self.ask(&call, visit, &caller) {
            Ok(asked) => asked,
            Err(refused) => return preflight_refused(&call, refused, request_id),
        };
        let mut questions = before;
        let stream = watch::stream(&call, visit, ledger, &ask, Shown(caller.key.kind));
        let day = Day::asked(visit, &caller, &ask);
        questions.push_back(Question::Ledger { ledger, ask, hold });
        let pending = Pending {
            stream,
            known: watch::known(&call, visit),
            caller: access::Kept::of(&caller, request),
            facts,
            refusal,
            factor: None,
            day,
            call,
            gate,
            quotas: Vec::new(),
            questions,
            request_id: request_id.to_owned(),
        };
        Ok(self.next(pending))
    }

    /// A made-up id is answered as an unknown one, without asking its ledger: that would make one.
    fn next(&self, pending: Pending) -> Turn {
        match pending.question() {
            Some(Question::Ledger { ledger, .. }) if !self.index.knows(*ledger) => {
                pending.finish(self, Outcome::NotFound)
            }
            _ => Turn::Ask(Box::new(pending)),
        }
    }

    fn ask(&self, call: &Call, visit: &Visit<'_>, caller: &Caller<'_>) -> Result<Asked, Refused> {
        let whose = |order: &OrderId| Whose {
            tenant: caller.id.clone(),
            order: order.clone(),
            limits: caller.tenant.limits,
            scope: caller.key.services.clone(),
            services: caller
                .tenant
                .services
                .iter()
                .map(|(name, it)| visit.directory.ways_of(name, it))
                .collect(),
        };
        Ok(match call {
            Call::Cancel(order) => Asked::only(order.ledger(), Ask::Cancel(whose(order))),
            Call::Create => self.order(visit, caller)?,
            Call::Events(order) | Call::Fetch(order) => Asked::only(order.ledger(), Ask::Fetch(whose(order))),
            Call::Preflight => {
                let draft = create::parse(self, visit, caller)?;
                let (create, facts, ip) = (draft.create, Some(draft.facts), draft.client_ip);
                let gate = Gate::new(self, visit, (caller.id, create.ledger), ip, Cost::Light);
                // It spends nothing of the address, so what it may tell is limited like guesses.
                let id =
                    self.index.fingerprint("visitor-preflight", &visit.entropy.derive::<16>("preflight"));
                let before = gate.ask_visitor(visitor::Ask::Guess(visitor::Request::new(id, None)));
                let before = before.into_iter().collect();
                let (ledger, ask) = (create.ledger, Ask::Preflight(Box::new(create)));
                Asked { facts, gate: Some(gate), before, ..Asked::only(ledger, ask) }
            }
            Call::Resend(order) => self.resend(visit, caller, whose(order))?,
            Call::Verify(order) => self.guess(visit, caller, whose(order))?,
            Call::Evidence(_) | Call::Factor(_) => {
                let detail = "Factors and evidence are asked elsewhere.";
                return Err(Problem::new(problem::Code::NotFound, detail).into());
            }
        })
    }

    fn order(&self, visit: &Visit<'_>, caller: &Caller<'_>) -> Result<Asked, Refused> {
        let create::Draft { mut create, refusal, client_ip, answer, .. } =
            create::parse(self, visit, caller)?;
        if refusal.is_some() || Day::of(visit, caller, create.standing).is_some_and(|day| day.is_spent()) {
            // Who repeats an order that was accepted gets its answer. A look spends nothing of anyone's.
            let asked = Asked::only(create.ledger, Ask::Preflight(Box::new(create)));
            return Ok(Asked { refusal, ..asked });
        }
        let cost = if create.is_suspect { Cost::Heavy } else { Cost::Light };
        let mut gate = Gate::new(self, visit, (caller.id, create.ledger), client_ip, cost);
        if let Solved::Yes(proof) = gate.solve(self, answer.as_deref()) {
            create.solved = Some(proof);
        }
        // By address too: the same key for another one is another order, and takes a token of its own.
        let named =
            [caller.id.as_str().as_bytes(), &create.idempotency_key.0, &create.ledger.hash()].concat();
        let id = self.index.fingerprint("visitor-order", &named);
        let ask = visitor::Ask::Order(visitor::Request::new(id, create.solved));
        let before = gate.questions(self, client_ip, ask)?;
        let (ledger, ask) = (create.ledger, Ask::Create(Box::new(create)));
        Ok(Asked { gate: Some(gate), before, ..Asked::only(ledger, ask) })
    }

    /// A message like an order's: it counts by network, and can be challenged.
    fn resend(&self, visit: &Visit<'_>, caller: &Caller<'_>, whose: Whose) -> Result<Asked, Problem> {
        let (mut resend, answer) = resend::parse(self, visit, caller, whose)?;
        let (ledger, order) = (resend.whose.order.ledger(), resend.whose.order.to_string());
        let ip = visit.peer.ip.filter(|_| caller.key.kind == KeyKind::Publishable);
        let mut gate = Gate::new(self, visit, (caller.id, ledger), ip, Cost::Light);
        if let Solved::Yes(proof) = gate.solve(self, answer.as_deref()) {
            resend.solved = Some(proof);
        }
        let id = [order.as_bytes(), &resend.idempotency_key.0].concat();
        let id = self.index.fingerprint("visitor-resend", &id);
        let ask = visitor::Ask::Order(visitor::Request::new(id, resend.solved));
        let before = gate.questions(self, ip, ask)?;
        Ok(Asked { gate: Some(gate), before, ..Asked::only(ledger, Ask::Resend(Box::new(resend))) })
    }

    /// One guess on each of many phones hides from every phone's own limit, so strangers' guesses count by network too.
    fn guess(&self, visit: &Visit<'_>, caller: &Caller<'_>, whose: Whose) -> Result<Asked, Problem> {
        let api::Verify { code, binding, challenge } = guess::read(visit.request)?;
        let binding = binding.as_ref().map(Binding::hash);
        let ledger = whose.order.ledger();
        let is_stranger = caller.key.kind == KeyKind::Publishable;
        let ip = visit.peer.ip.filter(|_| is_stranger);
        let mut gate = Gate::new(self, visit, (caller.id, ledger), ip, Cost::Light);
        let solved = match gate.solve(self, challenge.as_deref()) {
            Solved::Yes(proof) => Some(proof),
            Solved::No | Solved::Perhaps => None,
        };
        let sprayed = visit.directory.blocklist.lookup_guess(caller.id, visit.now);
        let is_due = sprayed.mode == Mode::Enforce && sprayed.level > Level::Open && is_stranger;
        if is_due && solved.is_none() && !gate.is_answered() {
            return Err(gate.demand(self, "Many codes are guessed wrong just now."));
        }
        let payment = binding.map_or_else(Vec::new, |hash| hash.0.to_vec());
        let named = [whose.order.to_string().as_bytes(), code.expose().as_bytes(), &payment].concat();
        let id = self.index.fingerprint("visitor-guess", &named);
        let ask = visitor::Ask::Guess(visitor::Request::new(id, solved));
        let before = gate.questions(self, ip, ask)?;
        let ask = Ask::Verify(Verify { whose, guess: code, binding, solved, is_stranger });
        Ok(Asked { gate: Some(gate), before, ..Asked::only(ledger, ask) })
    }

    /// Goes on with what came back: nothing, when who was asked could not be reached.
    pub fn answer(&self, mut pending: Pending, answer: Option<Answer>) -> Turn {
        let Some(asked) = pending.questions.pop_front() else { return pending.broken_turn() };
        let passed = match (asked, answer) {
            (Question::Ledger { .. }, Some(Answer::Ledger(outcome))) => return pending.finish(self, outcome),
            (Question::Evidence(ask), answer) => return pending.finish_evidence(&ask, answer),
            (Question::Factor(_), Some(Answer::Factor(outcome))) => {
                return pending.finish_factor(Some(outcome));
            }
            (Question::Factor(_), _) => return pending.finish_factor(None),
            (Question::Turnstile(_), Some(Answer::Turnstile(status, body))) => {
                pending.told(self, Some((status, body)))
            }
            (Question::Turnstile(_), _) => pending.told(self, None),
            (Question::Visitor { visitor, command }, Some(Answer::Visitor(reply))) => {
                pending.passed(self, (visitor, command.ask), reply)
            }
            // Nothing is sent or checked while limits cannot be counted: fail closed.
            (Question::Ledger { .. } | Question::Visitor { .. }, _) => {
                return pending.finish(self, Outcome::Unavailable);
            }
        };
        match passed {
            Ok(()) => self.next(pending),
            Err(problem) => pending.refuse(&problem),
        }
    }
}

/// A preflight reports what an order would be refused for; only a request that is no good is refused itself.
fn preflight_refused(call: &Call, refused: Refused, request_id: &str) -> Result<Turn, Problem> {
    let report = refused.report.filter(|_| *call == Call::Preflight);
    match report.and_then(|report| serde_json::to_string(&report).ok()) {
        Some(body) => Ok(Turn::Reply(Response::json(200, body, request_id))),
        None => Err(refused.problem),
    }
}

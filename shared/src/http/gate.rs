//! What a request must pass before a ledger is asked: the client network's limits, and a challenge where one is due.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::Front;
use super::Question;
use super::Visit;
use crate::challenge::Bound;
use crate::challenge::Challenge;
use crate::challenge::Proof;
use crate::challenge::altcha;
use crate::challenge::altcha::Cost;
use crate::challenge::turnstile;
use crate::directory::TurnstileSite;
use crate::entropy::Entropy;
use crate::id::LedgerId;
use crate::id::TenantId;
use crate::keys::ChallengeKey;
use crate::keys::Ring;
use crate::problem::Code;
use crate::problem::Problem;
use crate::quota::Quota;
use crate::secret::Secret;
use crate::time::UnixMs;
use crate::visitor;
use crate::visitor::VisitorId;
use crate::visitor::VisitorLimits;

/// An answer of the built-in proof of work is JSON in base64, and a token of Turnstile never begins so.
const ALTCHA_HEAD: &str = "eyJ";

/// Where tokens are checked.
pub struct TurnstileAccount {
    /// The widget's secret.
    pub secret: Secret<String>,
    /// [`turnstile::SITEVERIFY_URL`], or another for tests.
    pub url: String,
}

/// Whom a challenge is for, and with what it is made.
#[derive(Clone)]
pub(super) struct Gate {
    tenant: TenantId,
    ledger: LedgerId,
    visitor: Option<VisitorId>,
    /// The IPv6 /48 around it, asked when the network is new: an attacker has 65,536 networks in one.
    wider: Option<VisitorId>,
    site: Option<TurnstileSite>,
    cost: Cost,
    entropy: Entropy,
    now: UnixMs,
    /// A token that waits to be checked.
    token: Option<String>,
    /// An answer that is no good, and what it is refused with once it has been counted.
    wrong: Option<Problem>,
    limits: VisitorLimits,
}

/// What the answer to a challenge came to, so far.
pub(super) enum Solved {
    /// None was given, or one that is no good: that is counted, and then refused.
    No,
    /// By Cloudflare's word, which is asked for first.
    Perhaps,
    /// Good, once.
    Yes(Proof),
}

impl Gate {
    pub(super) fn new(
        front: &Front,
        visit: &Visit<'_>,
        (tenant, ledger): (&TenantId, LedgerId),
        ip: Option<IpAddr>,
        cost: Cost,
    ) -> Self {
        let network = ip.map(visitor::network);
        let visitor = network.map(|network| front.index.visitor(network));
        let wider = network.and_then(visitor::Network::site).map(|site| front.index.visitor(site));
        Self {
            tenant: tenant.clone(),
            ledger,
            visitor,
            wider,
            site: visit.directory.turnstile.clone(),
            cost,
            entropy: visit.entropy.clone(),
            now: visit.now,
            token: None,
            wrong: None,
            limits: visit.directory.visitors,
        }
    }

    fn bound(&self) -> Bound<'_> {
        let visitor = self.visitor.as_ref().map(VisitorId::hash);
        Bound { tenant: &self.tenant, ledger: self.ledger, visitor }
    }

    /// What to solve. The built-in one where Turnstile is not configured, or failed.
    fn challenge(&self, front: &Front, built_in: bool) -> Option<serde_json::Value> {
        let keys = &front.challenges;
        let challenge = match &self.site {
            Some(site) if !built_in && front.turnstile.is_some() => {
                Challenge::Turnstile(turnstile::issue(keys, &self.bound(), &site.site_key))
            }
            _ => Challenge::Altcha(altcha::issue(keys, &self.bound(), self.cost, &self.entropy, self.now)),
        };
        serde_json::to_value(challenge).ok()
    }

    /// The same, with a challenge of at least that cost.
    pub(super) fn at_least(self, cost: Cost) -> Self {
        Self { cost: self.cost.max(cost), ..self }
    }

    /// The refusal with something to solve in it.
    pub(super) fn demand(&self, front: &Front, why: &str) -> Problem {
        let detail =
            format!("{why} Solve the challenge, and send the same request with its answer in `challenge`.");
        Problem { challenge: self.challenge(front, false), ..Problem::new(Code::ChallengeRequired, detail) }
    }

    fn demand_built_in(&self, front: &Front, why: &str) -> Problem {
        Problem { challenge: self.challenge(front, true), ..self.demand(front, why) }
    }

    /// Checks the answer as far as that needs nobody else.
    pub(super) fn solve(&mut self, front: &Front, answer: Option<&str>) -> Solved {
        let Some(answer) = answer else { return Solved::No };
        if !answer.starts_with(ALTCHA_HEAD) && self.site.is_some() && front.turnstile.is_some() {
            if turnstile::Token::parse(answer).is_none() {
                self.wrong = Some(self.demand(front, "That is no answer of the widget."));
                return Solved::No;
            }
            self.token = Some(answer.to_owned());
            return Solved::Perhaps;
        }
        match altcha::check(&front.challenges, answer, &self.bound(), self.cost, self.now) {
            Ok(proof) => Solved::Yes(proof),
            Err(error) => {
                let why = format!("The challenge's answer is refused: {error}.");
                self.wrong = Some(self.demand(front, &why));
                Solved::No
            }
        }
    }

    /// Whether an answer came, though nobody knows yet that it is good.
    pub(super) fn is_answered(&self) -> bool {
        self.token.is_some() || self.wrong.is_some()
    }

    /// What to ask before the ledger, in this order. An answer is counted before Cloudflare is asked about it or it is
    /// refused: else whoever sends any words as tokens has us call Cloudflare as often as he likes.
    pub(super) fn questions(
        &self,
        front: &Front,
        ip: Option<IpAddr>,
        ask: visitor::Ask,
    ) -> Result<VecDeque<Question>, Problem> {
        let unproven = self.ask_visitor(ask.unproven()).filter(|_| self.is_answered());
        match &self.wrong {
            Some(problem) if unproven.is_none() => Err(problem.clone()),
            Some(_) => Ok(unproven.into_iter().collect()),
            None => {
                let turnstile = self.ask_turnstile(front, ip);
                Ok(unproven.into_iter().chain(turnstile).chain(self.ask_visitor(ask)).collect())
            }
        }
    }

    /// The question to Cloudflare, where a token waits.
    fn ask_turnstile(&self, front: &Front, ip: Option<IpAddr>) -> Option<Question> {
        let (account, token) = (front.turnstile.as_ref()?, turnstile::Token::parse(self.token.as_deref()?)?);
        let ip = ip.map(|ip| ip.to_string());
        let idempotency = self.entropy.derive("turnstile");
        let outgoing = turnstile::request(&account.url, &account.secret, token, ip.as_deref(), idempotency);
        Some(Question::Turnstile(Box::new(outgoing)))
    }

    /// Reads Cloudflare's word. When there is none, the built-in challenge is given instead: it depends on nobody.
    pub(super) fn told(
        &self,
        front: &Front,
        keys: &Ring<ChallengeKey>,
        reply: Option<(u16, Vec<u8>)>,
    ) -> Result<Proof, Problem> {
        let hostnames = self.site.as_ref().map_or(&[][..], |site| site.hostnames.as_slice());
        let expected = turnstile::Expected { hostnames, keys, bound: self.bound() };
        let token = self.token.as_deref().and_then(turnstile::Token::parse);
        let token = token.ok_or_else(|| self.demand(front, "That is no answer of the widget."))?;
        let reply = reply.as_ref().map(|(status, body)| turnstile::Reply { status: *status, body });
        match turnstile::classify(reply, token, &expected) {
            // Cloudflare makes it as hard as it finds the visitor suspicious.
            turnstile::Verdict::Solved(nonce) => Ok(Proof { nonce, cost: Cost::Extreme }),
            turnstile::Verdict::Refused(_) => Err(self.demand(front, "Cloudflare refuses the token.")),
            turnstile::Verdict::Unavailable(_) => {
                Err(self.demand_built_in(front, "Cloudflare does not answer; here is another challenge."))
            }
        }
    }

    /// The question to the client network's own limits, where the network is known.
    pub(super) fn ask_visitor(&self, ask: visitor::Ask) -> Option<Question> {
        let visitor = self.visitor?;
        let ask = if self.wider.is_none() { ask.known_to_site() } else { ask };
        Some(Question::Visitor { visitor, command: visitor::Command { limits: self.limits, ask } })
    }

    /// What a new network's question leads to: the same to the wider network's limits, and then, if those let it pass, to the
    /// network's own once more.
    pub(super) fn ask_wider(&self, front: &Front, ask: visitor::Ask) -> Option<[Question; 2]> {
        let asked = ask.request().filter(|request| !request.known_to_site)?;
        let (wider, visitor) = (self.wider?, self.visitor?);
        // By network: one request, repeated from each of a site's networks, would let all of them in for one token.
        let named = [asked.id.0, visitor.hash().0].concat();
        let ask = ask.known_to_site();
        let to_wider = ask.named(front.index.fingerprint("visitor-site", &named));
        let of =
            |visitor, limits, ask| Question::Visitor { visitor, command: visitor::Command { limits, ask } };
        Some([of(wider, self.limits.site(), to_wider), of(visitor, self.limits, ask)])
    }

    /// Whether these are the network's own limits, and not those of the wider one.
    pub(super) fn is_own(&self, visitor: VisitorId) -> bool {
        self.visitor == Some(visitor)
    }

    /// What a wrong answer is refused with, now that it is counted.
    pub(super) fn wrong(&self) -> Option<Problem> {
        self.wrong.clone()
    }

    /// Goes on, or not, with what those limits say; and what to tell of them.
    #[cfg_attr(
        target_pointer_width = "64",
        expect(clippy::result_large_err, reason = "once a request, and never passed far")
    )]
    pub(super) fn passed(
        &self,
        front: &Front,
        is_guess: bool,
        reply: visitor::Reply,
    ) -> Result<Quota, (Problem, Quota)> {
        let (name, rate) =
            if is_guess { ("ip-guesses", self.limits.guesses) } else { ("ip", self.limits.orders) };
        let quota =
            |remaining, reset_ms| Quota::of_tokens(name, rate, remaining, reset_ms).jittered(&self.entropy);
        match reply {
            visitor::Reply::Admit { remaining, reset_ms } => Ok(quota(remaining, reset_ms)),
            visitor::Reply::Challenge { reset_ms } => {
                Err((self.demand(front, "Your network asks a lot."), quota(0, reset_ms)))
            }
            visitor::Reply::Block { retry_after_ms, solvable } => {
                let detail = "Too many requests from your network. Wait as long as Retry-After says.";
                // The built-in one: Cloudflare is not asked while there is no token left to count the question with.
                let challenge = if solvable { self.challenge(front, true) } else { None };
                let problem = Problem { challenge, ..Problem::rate_limited(detail, retry_after_ms) };
                Err((problem, quota(0, retry_after_ms)))
            }
            // What nobody asked for here: fail closed.
            visitor::Reply::New | visitor::Reply::Seen(_) => {
                Err((Problem::unavailable("The network's limits answered something else."), quota(0, 0)))
            }
        }
    }
}

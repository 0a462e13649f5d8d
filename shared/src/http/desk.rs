//! What an operator has core ask of a ledger, by the same rules as everybody else: core has neither the key that names a
//! ledger nor, where there is an edge, the ledger. Travels signed, from core to whoever hosts the ledgers.

use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

use super::Front;
use super::internal::Outgoing;
use super::internal::authenticate;
use super::internal::outgoing;
use crate::bytes;
use crate::bytes::Bytes;
use crate::directory::Directory;
use crate::directory::Funds;
use crate::directory::Tenant;
use crate::entropy::Entropy;
use crate::http::Request;
use crate::http::Response;
use crate::id::LedgerId;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::ledger::Resend;
use crate::ledger::ServiceRoutes;
use crate::ledger::Unlock;
use crate::ledger::Whose;
use crate::phone::Phone;
use crate::problem::Code;
use crate::problem::Problem;
use crate::sign::Direction;
use crate::time::UnixMs;
use crate::visitor;
use crate::visitor::Network;
use crate::visitor::VisitorId;
use crate::wire::api::ChannelChoice;

/// Where core asks.
pub const DESK_PATH: &str = "/internal/v1/desk";
/// A number and the ids of [`ERASE_ORDERS_MAX`] orders.
pub const DESK_BYTES_MAX: usize = 8 * 1024;
/// Orders that are forgotten at once.
pub const ERASE_ORDERS_MAX: usize = 64;

/// What is asked. No `Debug`: one of them has a number.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Errand {
    /// Call an order off.
    Cancel {
        /// Whose.
        tenant: TenantId,
        /// Which.
        order: OrderId,
    },
    /// Tell which orders of an address there are, and forget these, of which core has forgotten all.
    Erase {
        /// Which.
        phone: Phone,
        /// At most [`ERASE_ORDERS_MAX`].
        forget: Vec<OrderId>,
    },
    /// Tell the name of an address's ledger, which stands in the ids of its orders.
    Name {
        /// Which.
        phone: Phone,
    },
    /// Tell how a client network stands, and the IPv6 site around it.
    Network {
        /// An address in it.
        ip: IpAddr,
    },
    /// The same, and have both forgotten.
    ReleaseNetwork {
        /// An address in it.
        ip: IpAddr,
    },
    /// Send an order's code once more.
    Retry {
        /// Whose.
        tenant: TenantId,
        /// Which.
        order: OrderId,
        /// How.
        channel: ChannelChoice,
        /// The same again is answered as before.
        request: Bytes<16>,
    },
    /// Forget the wrong guesses at codes of an address.
    Unlock {
        /// For whose orders.
        tenant: TenantId,
        /// Which.
        phone: Phone,
        /// When it was asked for: what comes again changes nothing.
        at: UnixMs,
    },
}

/// What the ledger's host answers.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// The name that was asked for.
    Named(LedgerId),
    /// How a client network stood.
    Network(Networks),
    /// The ledger's answer, a refusal perhaps.
    Outcome(Box<Outcome>),
    /// The ledger was not asked.
    Refused {
        /// Which refusal.
        code: Code,
        /// Why.
        detail: String,
    },
}

/// A client network, and the IPv6 site around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Networks {
    /// The network.
    #[serde(flatten)]
    pub network: visitor::View,
    /// None for IPv4.
    pub site: Option<visitor::View>,
}

/// Core's request.
pub fn request(
    errand: &Errand,
    key: &Signing,
    entropy: &Entropy,
    now: UnixMs,
) -> Result<Outgoing, serde_json::Error> {
    let body = serde_json::to_string(errand)?;
    Ok(outgoing(Direction::CoreToEdge, DESK_PATH, body, key, entropy.derive("nonce/desk"), now))
}

/// The errand in a request from core. A replay is harmless: a retry is known by its name, an unlocking by its time, and the
/// others change nothing more than what was wished for.
pub fn read(request: &Request, cores: &Ring<Verifying>, now: UnixMs) -> Result<Errand, Problem> {
    if request.body.len() > DESK_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "An operator's errand holds at most 8 KiB."));
    }
    authenticate(request, Direction::CoreToEdge, cores, now)?;
    // Not the parser's words: they may repeat a number.
    bytes::read_json(&request.body)
        .map_err(|_| Problem::new(Code::InvalidRequest, "Not an operator's errand."))
}

/// What is to be done about an errand.
pub enum Question {
    /// Ask this ledger.
    Ask(LedgerId, Box<Ask>),
    /// Nothing: it needs no ledger.
    Answered(Answered),
    /// Ask these client networks, in this order; [`networks`] reads the replies.
    Networks(Vec<(VisitorId, visitor::Command)>),
}

/// The answer in the replies of a network and, where it has one, its site. None where one of them did not answer so.
pub fn networks(replies: &[visitor::Reply]) -> Option<Answered> {
    let mut views = Vec::new();
    for reply in replies {
        let visitor::Reply::Seen(view) = reply else { return None };
        views.push(*view);
    }
    let (network, site) = (*views.first()?, views.get(1).copied());
    Some(Answered::Network(Networks { network, site }))
}

fn around(front: &Front, directory: &Directory, ip: IpAddr, ask: visitor::Ask) -> Question {
    let network = visitor::network(ip);
    let limits = directory.visitors;
    let own = (front.index.visitor(network), visitor::Command { limits, ask });
    let site = network
        .site()
        .map(|site: Network| (front.index.visitor(site), visitor::Command { limits: limits.site(), ask }));
    Question::Networks([Some(own), site].into_iter().flatten().collect())
}

/// Which ledger to ask, and what.
pub fn question(front: &Front, directory: &Directory, errand: Errand) -> Result<Question, Problem> {
    let (ledger, ask) = match errand {
        Errand::Cancel { tenant, order } => {
            let known = tenant_of(directory, &tenant)?;
            (order.ledger(), Ask::Cancel(whose(directory, tenant, order, known)))
        }
        Errand::Erase { phone, forget } => {
            if forget.len() > ERASE_ORDERS_MAX {
                let detail = format!("At most {ERASE_ORDERS_MAX} orders are forgotten at once.");
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
            (front.index.ledger("phone", phone.e164()), Ask::Erase(forget))
        }
        Errand::Name { phone } => {
            let named = Answered::Named(front.index.ledger("phone", phone.e164()));
            return Ok(Question::Answered(named));
        }
        Errand::Network { ip } => return Ok(around(front, directory, ip, visitor::Ask::Look)),
        Errand::ReleaseNetwork { ip } => return Ok(around(front, directory, ip, visitor::Ask::Release)),
        Errand::Unlock { tenant, phone, at } => {
            if !directory.tenants.contains_key(&tenant) {
                return Err(Problem::new(Code::NotFound, "There is no such tenant."));
            }
            (front.index.ledger("phone", phone.e164()), Ask::Unlock(Unlock { tenant, at }))
        }
        Errand::Retry { tenant, order, channel, request } => {
            let known = tenant_of(directory, &tenant)?;
            if known.funds == Funds::Exhausted {
                let detail = "The tenant's balance does not cover another message.";
                return Err(Problem::new(Code::InsufficientBalance, detail));
            }
            let content = format!("{order}/{}", channel.as_str());
            let resend = Resend {
                idempotency_key: front.index.fingerprint("operator", &request.0),
                fingerprint: front.index.fingerprint("resend", content.as_bytes()),
                channel,
                services: services(directory, known),
                ceilings: directory.ceilings,
                countries: known.countries.clone(),
                listed: directory.blocklist.of(&tenant),
                solved: None,
                by_operator: true,
                whose: whose(directory, tenant, order, known),
            };
            if known.blocks_ledger(resend.whose.order.ledger(), &front.index) {
                return Err(Problem::new(Code::Blocked, "The tenant has blocked this number."));
            }
            (resend.whose.order.ledger(), Ask::Resend(Box::new(resend)))
        }
    };
    Ok(Question::Ask(ledger, Box::new(ask)))
}

/// The host's reply: 200 whatever the ledger said, 503 where it said nothing.
pub fn reply(answered: Option<Answered>, entropy: &Entropy) -> Response {
    let body = answered.and_then(|answered| serde_json::to_string(&answered).ok());
    body.map_or_else(
        || Response::unavailable("The ledger did not answer.", entropy),
        |body| Response::ready(&body, entropy),
    )
}

fn tenant_of<'a>(directory: &'a Directory, tenant: &TenantId) -> Result<&'a Tenant, Problem> {
    let known = directory.tenants.get(tenant);
    known.ok_or_else(|| Problem::new(Code::NotFound, "The order's tenant is no longer known."))
}

/// Every service's ways to anywhere.
fn services(directory: &Directory, known: &Tenant) -> Vec<ServiceRoutes> {
    known.services.iter().map(|(name, service)| directory.ways_of(name, service)).collect()
}

fn whose(directory: &Directory, tenant: TenantId, order: OrderId, known: &Tenant) -> Whose {
    Whose { tenant, order, limits: known.limits, scope: Vec::new(), services: services(directory, known) }
}

impl From<Problem> for Answered {
    fn from(problem: Problem) -> Self {
        Self::Refused { code: problem.code, detail: problem.detail }
    }
}

//! What a page of closed orders holds, in 16 bytes of each.

use serde::Deserialize;
use serde::Serialize;
use serde_json::json;

use super::Filter;
use super::Found;
use crate::bytes;
use crate::id::GatewayId;
use crate::id::TenantId;
use crate::log::NewRow;
use crate::log::PAGE_ROWS;
use crate::log::PageState;
use crate::log::Row;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;

/// Of one row.
const ROW_BYTES: usize = 16;
/// Gateways that are told apart; what went by another one may be meant by each.
const GATEWAYS_MAX: usize = 15;
/// The bit of all other gateways.
const OTHERS: u16 = 1 << GATEWAYS_MAX;
/// What cannot be read may be anything.
const UNREADABLE: u8 = 0xff;

/// A page, by which rows that are not meant need not be read. It may take a row for one that is meant; never the reverse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// When the page's log began: it names the page, beside its number.
    pub began_at: UnixMs,
    /// Its number.
    pub page: u64,
    /// When its first row was appended.
    pub from: UnixMs,
    /// When its last one was.
    pub until: UnixMs,
    /// When the first and the last of its orders were accepted.
    created: [UnixMs; 2],
    /// Gateways of the rows' bits.
    gateways: Vec<GatewayId>,
    /// [`ROW_BYTES`] of each row, as base64.
    rows: String,
}

/// What a filter asks of a row's bytes.
struct Wanted {
    state: Option<u8>,
    channel: u8,
    gateways: Option<u16>,
    service: Option<[u8; 2]>,
    country: Option<[u8; 2]>,
    ledger: Option<[u8; 4]>,
    client_ref: Option<[u8; 4]>,
}

impl Summary {
    /// Of a page of this tenant's closed orders.
    pub fn of(tenant: &TenantId, began_at: UnixMs, number: u64, page: &PageState) -> Self {
        let (mut gateways, mut rows) = (Vec::new(), Vec::with_capacity(page.rows.len() * ROW_BYTES));
        let mut created: Option<[UnixMs; 2]> = None;
        for row in &page.rows {
            match Found::closed(tenant, &row.body) {
                Some(found) => {
                    let at = found.created_at;
                    created = Some(created.map_or([at; 2], |[from, to]| [from.min(at), to.max(at)]));
                    rows.extend(packed(&found, &mut gateways));
                }
                None => rows.extend([UNREADABLE; ROW_BYTES]),
            }
        }
        let at = |row: Option<&Row>| row.map_or(began_at, |row| row.at);
        Self {
            began_at,
            page: number,
            from: at(page.rows.first()),
            until: at(page.rows.last()),
            created: created.unwrap_or([UnixMs(0), UnixMs(u64::MAX)]),
            gateways,
            rows: bytes::encode(&rows),
        }
    }

    /// To be appended to the tenant's summaries, by a writer that counts pages.
    pub fn row(&self) -> NewRow {
        NewRow { id: format!("{}/{}", self.began_at.0, self.page), body: json!(self) }
    }

    /// How many rows it is about.
    pub fn rows(&self) -> usize {
        self.rows.len() * 3 / 4 / ROW_BYTES
    }

    /// Whether a row may be meant.
    pub fn may_meet(&self, filter: &Filter) -> bool {
        let [first, last] = self.created;
        if filter.from.is_some_and(|from| last < from) || filter.to.is_some_and(|to| to <= first) {
            return false;
        }
        let wanted = Wanted::of(filter, &self.gateways);
        let Some(rows) = bytes::decode(&self.rows).filter(|rows| rows.len() <= PAGE_ROWS * ROW_BYTES) else {
            return true;
        };
        rows.chunks(ROW_BYTES).any(|row| wanted.is_met(row))
    }
}

impl Wanted {
    fn of(filter: &Filter, gateways: &[GatewayId]) -> Self {
        let bit = |wanted: &GatewayId| {
            let at = gateways.iter().position(|known| known == wanted);
            OTHERS | at.map_or(0, |at| 1 << at.min(GATEWAYS_MAX))
        };
        Self {
            state: filter.state.map(state),
            channel: filter.channel.map_or(u8::MAX, channel),
            gateways: filter.gateway.as_ref().map(bit),
            service: filter.service.as_ref().map(|service| hash(service.as_str())),
            country: filter.country.as_ref().map(|country| letters(country.as_str())),
            ledger: filter.ledger.map(|ledger| first(&ledger.bytes())),
            client_ref: filter.client_ref.as_deref().map(hash),
        }
    }

    fn is_met(&self, row: &[u8]) -> bool {
        let &[is, by, g0, g1, s0, s1, c0, c1, l0, l1, l2, l3, r0, r1, r2, r3] = row else { return true };
        if row.iter().all(|byte| *byte == UNREADABLE) {
            return true;
        }
        self.state.is_none_or(|state| state == is)
            && (self.channel == u8::MAX || self.channel & by != 0)
            && self.gateways.is_none_or(|bits| bits & u16::from_be_bytes([g0, g1]) != 0)
            && self.service.is_none_or(|service| service == [s0, s1])
            && self.country.is_none_or(|country| country == [c0, c1])
            && self.ledger.is_none_or(|ledger| ledger == [l0, l1, l2, l3])
            && self.client_ref.is_none_or(|client_ref| client_ref == [r0, r1, r2, r3])
    }
}

fn packed(found: &Found, gateways: &mut Vec<GatewayId>) -> [u8; ROW_BYTES] {
    let mut bits = 0;
    for gateway in &found.gateways {
        let at = gateways.iter().position(|known| known == gateway);
        let at = at.unwrap_or_else(|| {
            if gateways.len() < GATEWAYS_MAX {
                gateways.push(gateway.clone());
                gateways.len() - 1
            } else {
                GATEWAYS_MAX
            }
        });
        bits |= 1_u16 << at;
    }
    let [g0, g1] = bits.to_be_bytes();
    let [s0, s1] = found.service.as_ref().map_or([0; 2], |service| hash(service.as_str()));
    let [c0, c1] = found.country.as_ref().map_or([0; 2], |country| letters(country.as_str()));
    let [l0, l1, l2, l3] = first(&found.id.ledger().bytes());
    let [r0, r1, r2, r3] = found.client_ref.as_deref().map_or([0; 4], hash);
    let channels = found.channels.iter().fold(0, |bits, by| bits | channel(*by));
    [state(found.state), channels, g0, g1, s0, s1, c0, c1, l0, l1, l2, l3, r0, r1, r2, r3]
}

fn state(state: OrderState) -> u8 {
    match state {
        OrderState::Accepted => 0,
        OrderState::Cancelled => 1,
        OrderState::Delivered => 2,
        OrderState::Expired => 3,
        OrderState::Failed => 4,
        OrderState::Queued => 5,
        OrderState::Sending => 6,
        OrderState::Sent => 7,
        OrderState::Verified => 8,
    }
}

fn channel(channel: Channel) -> u8 {
    match channel {
        Channel::Email => 1,
        Channel::Sms => 2,
        Channel::Telegram => 4,
        Channel::Voice => 8,
        Channel::Whatsapp => 16,
    }
}

fn hash<const N: usize>(text: &str) -> [u8; N] {
    bytes::truncate(bytes::sha256(text.as_bytes()))
}

fn letters(country: &str) -> [u8; 2] {
    match country.as_bytes() {
        [first, second] => [*first, *second],
        _ => [0; 2],
    }
}

fn first(ledger: &[u8; 16]) -> [u8; 4] {
    let [a, b, c, d, ..] = *ledger;
    [a, b, c, d]
}

//! How gateways of one priority share the orders, where the operator says so.

use std::collections::BTreeMap;

use super::Candidate;
use crate::bytes;
use crate::id::GatewayId;
use crate::id::OrderId;
use crate::wire::api::Channel;

/// What a gateway without a weight counts for, beside one that has one.
pub const WEIGHT_DEFAULT: u16 = 100;
const LABEL: &[u8] = b"tiffin/share/1";

/// Where each gateway stands among those that are alike but for their figures. A gateway goes first for as many of the orders
/// as its weight is of their weights; of the rest it goes second for as many, and so on. An order draws the same places
/// whenever it asks. No place for those among which nobody has a weight: there the figures decide.
pub(super) fn places(candidates: &[Candidate], order: &OrderId) -> BTreeMap<GatewayId, usize> {
    let mut groups: BTreeMap<(Channel, u8, u16), BTreeMap<&GatewayId, Option<u16>>> = BTreeMap::new();
    for candidate in candidates {
        let alike = (candidate.way.channel, candidate.health.rank(), candidate.priority);
        groups.entry(alike).or_default().insert(&candidate.way.gateway, candidate.weight);
    }
    let mut places = BTreeMap::new();
    for group in groups.into_values().filter(|group| group.values().any(Option::is_some)) {
        let mut left: Vec<(&GatewayId, u64)> =
            group.into_iter().map(|(id, weight)| (id, u64::from(weight.unwrap_or(WEIGHT_DEFAULT)))).collect();
        for place in 0..left.len() {
            let Some(next) = drawn(&left, order, place) else {
                // Of no weight at all: the figures decide among them.
                places.extend(left.drain(..).map(|(id, _)| (id.clone(), place)));
                break;
            };
            places.insert(left.remove(next).0.clone(), place);
        }
    }
    places
}

/// One of them, by weight.
fn drawn(left: &[(&GatewayId, u64)], order: &OrderId, place: usize) -> Option<usize> {
    let total: u64 = left.iter().map(|(_, weight)| weight).sum();
    let (order, nth) = (order.to_string(), u64::try_from(place).unwrap_or(u64::MAX).to_be_bytes());
    let hash = bytes::sha256(&bytes::prefixed(&[LABEL, order.as_bytes(), &nth]));
    // By how much 2⁶⁴ draws are not a multiple of the weights is of no account.
    let mut at = u64::from_be_bytes(bytes::truncate(hash)).checked_rem(total)?;
    left.iter().position(|(_, weight)| {
        let is_it = at < *weight;
        at = at.saturating_sub(*weight);
        is_it
    })
}

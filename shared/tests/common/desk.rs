//! Scripts for what operators set, and for escalations.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::admin::By;
use tiffin_shared::admin::Change;
use tiffin_shared::admin::Command;
use tiffin_shared::admin::RouteSettings;
use tiffin_shared::admin::Settings;
use tiffin_shared::admin::Wish;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Tenant;
use tiffin_shared::escalation;
use tiffin_shared::escalation::Act;
use tiffin_shared::escalation::Kind;
use tiffin_shared::escalation::Opening;
use tiffin_shared::escalation::Rule;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::DAY_MS;

use super::host::Stored;
use super::pause;
use super::pause::Move;

/// What somebody does about settings.
#[derive(Clone, Debug)]
pub enum Action {
    /// The audit log has all but so many.
    Logged(u64),
    Read,
    /// A change, by someone who is so many versions behind with the whole, and with the thing.
    Wish(Change, u64, bool),
}

pub fn settings(moves: Range<usize>) -> impl Strategy<Value = Vec<Move<Action>>> {
    let tenant = |n: u8| TenantId::parse(&format!("t{n}")).unwrap();
    let key = move |n: u8, t: u8| ApiKey {
        id: KeyId::parse(&format!("k{n}")).unwrap(),
        tenant: tenant(t),
        kind: KeyKind::Secret,
        digest: Bytes([n; 32]),
        origins: Vec::new(),
        services: Vec::new(),
        revoked: false,
    };
    let quota = |n: u64| Tenant { orders_per_day: Some(n), services: BTreeMap::new(), ..Tenant::default() };
    let gateway = |n: u8| GatewayId::parse(&format!("g{n}")).unwrap();
    let route = |n: u16| RouteSettings { priority: Some(n), ..RouteSettings::default() };
    let change = prop_oneof![
        (0..4_u8, 1..9_u64).prop_map(move |(t, n)| Change::PutTenant(tenant(t), Some(Box::new(quota(n))))),
        (0..4_u8).prop_map(move |t| Change::PutTenant(tenant(t), None)),
        (0..6_u8, 0..4_u8).prop_map(move |(n, t)| Change::MakeKey(key(n, t))),
        (0..6_u8).prop_map(|n| Change::RevokeKey(KeyId::parse(&format!("k{n}")).unwrap())),
        (0..3_u8, 0..9_u16).prop_map(move |(g, n)| Change::PutRoute(gateway(g), Some(route(n)))),
        (0..3_u8).prop_map(move |g| Change::PutRoute(gateway(g), None)),
    ];
    let behind = prop_oneof![8 => Just(0_u64), 1 => 1..3_u64];
    let wish = (change, behind, proptest::bool::weighted(0.8))
        .prop_map(|(change, behind, knows)| Action::Wish(change, behind, knows));
    let action = prop_oneof![8 => wish, 1 => Just(Action::Read), 2 => (0..3_u64).prop_map(Action::Logged)];
    pause::script(pause::any(), action, moves)
}

/// As whoever looks at what is stored would send it.
pub fn change(action: &Action, stored: Option<&Stored>) -> Command {
    let settings: Settings =
        stored.map(|stored| serde_json::from_str(&stored.commit.body).unwrap()).unwrap_or_default();
    match action {
        Action::Read => Command::Read,
        Action::Logged(but) => Command::Logged(settings.version.saturating_sub(*but)),
        Action::Wish(change, behind, knows) => {
            let expected = match change {
                Change::PutTenant(id, _) => settings.tenants.get(id).map(|kept| kept.version),
                Change::PutOperator(id, _) => settings.operators.get(id).map(|kept| kept.version),
                Change::PutRoute(id, _) => settings.routes.get(id).map(|kept| kept.version),
                Change::MakeKey(_) | Change::PutService(..) | Change::RevokeKey(_) => None,
            };
            let by = By { name: "asha".into(), token: "t".into() };
            let wish = Wish { by, change: change.clone(), expected: expected.filter(|_| *knows) };
            Command::Change { seen: settings.version.saturating_sub(*behind), wish: Box::new(wish) }
        }
    }
}

pub fn escalations(moves: Range<usize>) -> impl Strategy<Value = Vec<Move<escalation::Command>>> {
    let rule = prop_oneof![Just(None), Just(Some(Rule::Overdue)), Just(Some(Rule::RouteFailing))];
    let open = (rule, 0..3_u8, 0..250_u8, 0..20_u8).prop_map(|(rule, subject, order, request)| {
        let opening = Opening {
            kind: Kind::Refund,
            rule,
            subject: format!("g{subject}"),
            tenant: None,
            gateway: None,
            orders: vec![OrderId::new([order; 16], LedgerId::new([1; 16]))],
            text: "nothing heard".into(),
            due_ms: DAY_MS,
            request: Bytes([request; 16]),
        };
        escalation::Command::Open { by: "rule".into(), opening: Box::new(opening) }
    });
    let act = prop_oneof![
        Just(Act::Assign("asha".into())),
        Just(Act::Assign("ravi".into())),
        Just(Act::Note("called them".into())),
        Just(Act::Resolve("refunded".into())),
    ];
    let act = (1..8_u64, act).prop_map(|(id, act)| escalation::Command::Act { id, by: "asha".into(), act });
    pause::script(pause::any(), prop_oneof![3 => open, 3 => act, 1 => Just(escalation::Command::List)], moves)
}

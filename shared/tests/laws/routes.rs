//! What the fleet knows of gateways and their routes, and the directory that the edge keeps.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::publication;
use tiffin_shared::directory::publication::Publication;
use tiffin_shared::directory::publication::Push;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Calls;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::Gateway;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::TenantId;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use crate::check;
use crate::common;
use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::common::pause;
use crate::subjects::Subject;

const GATEWAY: Subject<Gateway> = Subject {
    show: |reply| format!("{:?}", (&reply.view, &reply.change)),
    again_ms: |ask| match ask {
        gateway::Ask::Force(_) | gateway::Ask::Look | gateway::Ask::Note { .. } => Some(MINUTE_MS),
        // By then another one may be let through.
        gateway::Ask::Probe(_) | gateway::Ask::Probed { .. } => Some(0),
    },
};

const ROUTE: Subject<RouteStats> =
    Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

const PUBLICATION: Subject<Publication> =
    Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

/// Calls say in which second they were, counted back from now.
#[derive(Clone, Debug)]
enum Told {
    Calls { batch: u8, seconds_ago: u64, made: u32, failed: u32, pause_ms: Option<u64> },
    Other(gateway::Ask),
}

impl Told {
    fn ask(self, now: UnixMs) -> gateway::Ask {
        match self {
            Self::Calls { batch, seconds_ago, made, failed, pause_ms } => {
                let second = (now.0 / SECOND_MS).saturating_sub(seconds_ago);
                let calls = vec![Calls { second, made, failed: failed.min(made), ..Calls::default() }];
                gateway::Ask::Note { batch: Bytes([batch; 16]), calls, pause_ms }
            }
            Self::Other(ask) => ask,
        }
    }
}

fn told() -> impl Strategy<Value = Told> {
    let token = || (0..3_u8).prop_map(|n| Bytes([n; 16]));
    let calls = (any::<u8>(), 0..90_u64, 0..60_u32, 0..30_u32, option::weighted(0.1, 0..10 * MINUTE_MS))
        .prop_map(|(batch, seconds_ago, made, failed, pause_ms)| Told::Calls {
            batch,
            seconds_ago,
            made,
            failed,
            pause_ms,
        });
    let forced = select(vec![None, None, Some(Forced::Open), Some(Forced::Closed)]);
    let other = prop_oneof![
        1 => forced.prop_map(gateway::Ask::Force),
        2 => Just(gateway::Ask::Look),
        6 => token().prop_map(gateway::Ask::Probe),
        6 => (token(), any::<Option<bool>>())
            .prop_map(|(token, is_well)| gateway::Ask::Probed { token, is_well }),
    ];
    prop_oneof![1 => calls, 1 => other.prop_map(Told::Other)]
}

fn figures() -> impl Strategy<Value = Figures> {
    let times = vec(0..600_000_u64, 0..30);
    (any::<bool>(), 0..4_u32, times).prop_map(|(is_any, verified, times)| {
        let mut figures = Figures { sent: u32::from(is_any), verified, ..Figures::default() };
        times.into_iter().for_each(|took_ms| figures.arrived(took_ms));
        figures
    })
}

fn push(version: u64, revoked: u8) -> publication::Ask {
    let key = |n: u8| ApiKey {
        id: KeyId::parse(&format!("k{n}")).unwrap(),
        tenant: TenantId::parse("shop").unwrap(),
        kind: KeyKind::Secret,
        digest: Bytes([n; 32]),
        origins: Vec::new(),
        services: Vec::new(),
        revoked: n < revoked,
    };
    let directory = Directory { keys: (0..4).map(key).collect(), ..Directory::default() };
    let signed = serde_json::to_string(&directory).unwrap();
    let signer = KeyId::parse("c1").unwrap();
    let snapshot = Snapshot { version, directory: signed, signer, signature: Bytes([0; 64]) };
    publication::Ask::Push(Push::new(format!("version {version}"), &(snapshot, directory)))
}

proptest! {
    #![proptest_config(common::cases(96))]

    #[test]
    fn a_gateways_breaker_keeps_the_laws(
        script in pause::script(prop_oneof![pause::any(), 0..35_000_i64], told(), 1..60),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            let ask = step.action.ask(now);
            check::<Gateway>(&GATEWAY, host.stored.as_ref(), &ask, now);
            host.ask::<Gateway>(&ask, now);
        }
    }

    #[test]
    fn the_figures_of_a_route_keep_the_laws(
        script in pause::script(pause::any(), (any::<u8>(), figures()), 1..40),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            let (batch, figures) = step.action;
            let command = stats::Command { batch: Bytes([batch; 16]), figures };
            check::<RouteStats>(&ROUTE, host.stored.as_ref(), &command, now);
            host.ask::<RouteStats>(&command, now);
        }
    }

    #[test]
    fn a_publication_keeps_the_laws(
        script in pause::script(
            prop_oneof![9 => pause::any(), 1 => Just(367 * 86_400_000_i64)],
            (any::<bool>(), 0..20_u64, 0..4_u8),
            1..30,
        ),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            let (is_push, version, revoked) = step.action;
            let ask = if is_push { push(version, revoked) } else { publication::Ask::Read { since: version } };
            check::<Publication>(&PUBLICATION, host.stored.as_ref(), &ask, now);
            host.ask::<Publication>(&ask, now);
        }
    }
}

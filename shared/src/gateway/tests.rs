use super::*;
use crate::machine;

const START: UnixMs = UnixMs(1_795_082_400_000);

#[derive(Default)]
struct Host {
    body: Option<String>,
    batch: u8,
}

impl Host {
    fn ask(&mut self, ask: &Ask, at_ms: u64) -> Reply {
        let (reply, commit) = machine::run::<Gateway>(self.body.as_deref(), ask, START.plus(at_ms)).unwrap();
        if let Some(commit) = commit {
            self.body = Some(commit.body);
        }
        reply
    }

    fn calls(&mut self, made: u32, failed: u32, at_ms: u64) -> Reply {
        self.batch += 1;
        let second = START.plus(at_ms).0 / SECOND_MS;
        let calls = vec![Calls { second, made, failed, ..Calls::default() }];
        self.ask(&Ask::Note { batch: Bytes([self.batch; 16]), calls, pause_ms: None }, at_ms)
    }
}

fn opened() -> Host {
    let mut host = Host::default();
    assert!(host.calls(20, 20, 0).change.is_some());
    host
}

#[test]
fn it_opens_above_a_tenth_of_at_least_twenty_calls_within_a_minute() {
    for (made, failed, opens) in
        [(19, 19, false), (20, 2, false), (20, 3, true), (100, 10, false), (100, 11, true)]
    {
        assert_eq!(Host::default().calls(made, failed, 0).change.is_some(), opens, "{failed} of {made}");
    }
    let mut slow = Host::default();
    slow.calls(19, 19, 0);
    assert!(slow.calls(1, 1, 61_000).change.is_none(), "the first ones are over a minute ago");
    let mut spread = Host::default();
    for second in 0..59 {
        assert!(spread.calls(1, u32::from(second % 20 == 0), second * 1_000).change.is_none());
    }
    assert!(spread.calls(10, 5, 59_000).change.is_some());
}

#[test]
fn a_batch_that_comes_again_counts_once() {
    let mut host = Host::default();
    let calls = vec![Calls { second: START.0 / 1_000, made: 15, failed: 15, ..Calls::default() }];
    let note = Ask::Note { batch: Bytes([1; 16]), calls, pause_ms: None };
    host.ask(&note, 0);
    let again = host.ask(&note, 5);
    assert_eq!((again.view.made, again.change), (15, None));
}

#[test]
fn one_probe_in_the_whole_fleet_and_its_end_decides() {
    let mut host = opened();
    let probe = |token: u8| Ask::Probe(Bytes([token; 16]));
    assert!(!host.ask(&probe(1), 29_999).may_probe, "too early");
    assert!(host.ask(&Ask::Look, 30_000).view.wants_probe(START.plus(30_000)));
    let granted = (1..=50).filter(|token| host.ask(&probe(*token), 30_000).may_probe).count();
    assert_eq!(granted, 1);
    assert!(host.ask(&probe(1), 30_001).may_probe, "who did not hear the answer hears it again");
    let other = Ask::Probed { token: Bytes([2; 16]), is_well: Some(true) };
    assert!(host.ask(&other, 30_100).change.is_none(), "not whose probe it is");
    let failed = Ask::Probed { token: Bytes([1; 16]), is_well: Some(false) };
    assert_eq!(host.ask(&failed, 30_200).change.unwrap().to, Stand::Open);
    assert!(!host.ask(&probe(3), 60_199).may_probe);
    assert!(host.ask(&probe(3), 60_200).may_probe);
    let well = Ask::Probed { token: Bytes([3; 16]), is_well: Some(true) };
    let closed = host.ask(&well, 60_300);
    assert_eq!((closed.change.unwrap().to, closed.view.phase), (Stand::Closed, Phase::Closed));
    assert!(host.calls(1, 1, 60_400).change.is_none(), "what failed before is forgotten");
    let changes: Vec<_> = closed.view.changes.iter().map(|change| change.to).collect();
    assert_eq!(changes, [Stand::Open, Stand::HalfOpen, Stand::Open, Stand::HalfOpen, Stand::Closed]);
}

#[test]
fn orders_are_sent_its_way_again_once_one_of_them_may_find_out_and_never_while_it_is_held_open() {
    let mut host = opened();
    let at = |host: &mut Host, ms: u64| host.ask(&Ask::Look, ms).view.is_offered(START.plus(ms));
    assert_eq!((at(&mut host, 29_999), at(&mut host, 30_000)), (false, true));
    assert!(host.ask(&Ask::Probe(Bytes([1; 16])), 30_000).may_probe);
    assert!(at(&mut host, 30_001), "while it is asked, or the directory would change twice a minute");
    host.ask(&Ask::Probed { token: Bytes([1; 16]), is_well: Some(false) }, 30_100);
    assert!(!at(&mut host, 30_101));
    host.ask(&Ask::Force(Some(Forced::Open)), 30_200);
    assert!(!at(&mut host, 90_000));
    host.ask(&Ask::Force(Some(Forced::Closed)), 90_001);
    assert!(at(&mut host, 90_002));
}

#[test]
fn a_probe_whose_worker_died_or_that_was_not_made_leaves_room_for_the_next() {
    let mut host = opened();
    assert!(host.ask(&Ask::Probe(Bytes([1; 16])), 30_000).may_probe);
    assert!(!host.ask(&Ask::Probe(Bytes([2; 16])), 30_000 + PROBE_MS - 1).may_probe);
    assert!(host.ask(&Ask::Probe(Bytes([2; 16])), 30_000 + PROBE_MS).may_probe);
    host.ask(&Ask::Probed { token: Bytes([2; 16]), is_well: None }, 56_000);
    assert!(host.ask(&Ask::Probe(Bytes([3; 16])), 56_000).may_probe);
}

#[test]
fn an_operator_holds_it_and_lets_go() {
    let mut host = Host::default();
    let open = host.ask(&Ask::Force(Some(Forced::Open)), 0);
    assert!(open.change.is_some() && !open.view.is_closed() && open.view.is_dark());
    assert!(!host.ask(&Ask::Probe(Bytes([1; 16])), 90_000).may_probe);
    let closed = host.ask(&Ask::Force(Some(Forced::Closed)), 90_000);
    assert!(closed.view.is_closed());
    assert!(host.ask(&Ask::Force(Some(Forced::Closed)), 90_001).change.is_none(), "held already");
    assert!(host.calls(50, 50, 91_000).view.is_closed(), "whatever the calls come to");
    assert!(host.ask(&Ask::Force(None), 92_000).view.is_closed());
    assert!(host.calls(50, 50, 93_000).change.is_some(), "and then proves itself anew");
}

#[test]
fn a_pause_holds_for_its_time_and_no_longer_than_the_longest() {
    let mut host = Host::default();
    let pause = |batch: u8, pause_ms| Ask::Note { batch: Bytes([batch; 16]), calls: vec![], pause_ms };
    let until = host.ask(&pause(1, Some(20_000)), 0).view.paused_until;
    assert_eq!(until, START.plus(20_000));
    assert_eq!(host.ask(&pause(2, Some(1_000)), 500).view.paused_until, until, "never shorter");
    let long = host.ask(&pause(3, Some(u64::MAX)), 1_000).view.paused_until;
    assert_eq!(long, START.plus(1_000 + PAUSE_MS_MAX));
}

#[test]
fn slow_calls_open_it_and_only_those_that_come_to_nothing_make_it_dark() {
    let mut host = Host::default();
    let second = START.0 / SECOND_MS;
    let calls = |made, slow, hung| vec![Calls { second, made, slow, hung, ..Calls::default() }];
    let note = |calls, batch| Ask::Note { batch: Bytes([batch; 16]), calls, pause_ms: None };
    let opened = host.ask(&note(calls(20, 3, 0), 1), 0);
    assert_eq!(opened.change.map(|change| change.to), Some(Stand::Open));
    assert!(!opened.view.is_dark(), "slow, and better than nothing");
    assert!(!host.ask(&note(calls(0, 17, 9), 2), 0).view.is_dark());
    assert!(host.ask(&note(calls(0, 0, 1), 3), 0).view.is_dark(), "half of them came to nothing");
}

#[test]
fn a_probe_that_was_not_made_leaves_no_trace_and_the_next_one_free() {
    let mut host = opened();
    let before = host.ask(&Ask::Look, OPEN_MS).view;
    for token in 1..40 {
        assert!(host.ask(&Ask::Probe(Bytes([token; 16])), OPEN_MS).may_probe);
        let given_back = host.ask(&Ask::Probed { token: Bytes([token; 16]), is_well: None }, OPEN_MS);
        assert_eq!(given_back.change, None);
    }
    let after = host.ask(&Ask::Look, OPEN_MS).view;
    assert_eq!((after.since, after.changes), (before.since, before.changes));
}

//! The guard's rules one by one.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use tiffin_shared::guard::Around;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::BATCH_COUNTS_MAX;
use tiffin_shared::guard::Cause;
use tiffin_shared::guard::Command;
use tiffin_shared::guard::Count;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::Kind;
use tiffin_shared::guard::Level;
use tiffin_shared::guard::Mode;
use tiffin_shared::guard::Policy;
use tiffin_shared::guard::Rates;
use tiffin_shared::guard::Reply;
use tiffin_shared::guard::STATE_BYTES_MAX;
use tiffin_shared::guard::State;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use self::common::fixtures::START;
use self::common::guard::batch;
use self::common::host::Host;

/// A guard under virtual time.
struct Watch {
    host: Host,
    now: UnixMs,
    kind: Kind,
    policy: Policy,
    around: Around,
    batches: u64,
}

impl Watch {
    fn new(kind: Kind) -> Self {
        let (policy, around) = (Policy::default(), Around::default());
        Self { host: Host::default(), now: START, kind, policy, around, batches: 0 }
    }

    fn ask(&mut self, ask: Ask) -> Reply {
        let command = Command { kind: self.kind, policy: self.policy, around: self.around, ask };
        self.host.ask::<Guard>(&command, self.now)
    }

    fn note(&mut self, count: Count) -> Reply {
        self.batches += 1;
        self.ask(Ask::Note { batch: batch(self.batches), counts: vec![count] })
    }

    /// Orders sent now, of which some are verified at once.
    fn sends(&mut self, sends: u32, verified: u32) -> Reply {
        self.note(Count { at: self.now, sends, verified, ..Count::default() })
    }

    fn refused(&mut self, refused: u32) -> Reply {
        self.note(Count { at: self.now, refused, ..Count::default() })
    }

    fn wait(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.plus(ms);
        self
    }

    /// 80 orders, none verified, and time to settle.
    fn pumped(kind: Kind) -> Self {
        let mut watch = Self::new(kind);
        watch.sends(80, 0);
        watch.wait(3 * MINUTE_MS);
        watch
    }
}

fn level(reply: &Reply) -> (Level, Option<Cause>) {
    reply.verdict.map_or((Level::Open, None), |standing| (standing.level, Some(standing.because)))
}

const BLOCKED: (Level, Option<Cause>) = (Level::Block, Some(Cause::NoConversion));
const OVER_BUDGET: (Level, Option<Cause>) = (Level::Challenge, Some(Cause::UnverifiedBudget));
const POOR: (Level, Option<Cause>) = (Level::Challenge, Some(Cause::LowConversion));
const OPEN: (Level, Option<Cause>) = (Level::Open, None);

#[test]
fn fresh_orders_challenge_and_only_settled_ones_block() {
    let mut watch = Watch::new(Kind::Prefix);
    assert_eq!(level(&watch.sends(20, 0)), OPEN);
    assert_eq!(level(&watch.sends(1, 0)), OVER_BUDGET);
    assert_eq!(level(&watch.sends(500, 0)), OVER_BUDGET);
    assert_eq!(level(&watch.wait(MINUTE_MS + 59 * SECOND_MS).ask(Ask::Tick)), OVER_BUDGET);
    let blocked = watch.wait(31 * SECOND_MS).ask(Ask::Tick);
    assert_eq!(level(&blocked), BLOCKED);
    assert_eq!(blocked.verdict.unwrap().until, watch.now.plus(12 * HOUR_MS));
}

#[test]
fn a_tick_is_asked_for_when_a_burst_settles_and_when_a_verdict_ends() {
    let mut watch = Watch::new(Kind::Prefix);
    let change = watch.sends(80, 0).change.unwrap();
    watch.ask(Ask::Told(change));
    watch.now = watch.host.wake_at().unwrap();
    assert!(watch.now <= START.plus(150 * SECOND_MS));
    let blocked = watch.ask(Ask::Tick);
    assert_eq!(level(&blocked), BLOCKED);
    watch.ask(Ask::Told(blocked.change.unwrap()));
    assert_eq!(watch.host.wake_at(), Some(blocked.verdict.unwrap().until));
}

#[test]
fn a_change_is_told_until_the_list_has_it() {
    let mut watch = Watch::new(Kind::Prefix);
    let change = watch.sends(30, 0).change;
    assert!(change.is_some());
    assert_eq!(watch.host.wake_at(), Some(START.plus(10 * SECOND_MS)));
    assert_eq!(watch.wait(10 * SECOND_MS).ask(Ask::Tick).change, change);
    assert_eq!(watch.ask(Ask::Told(change.unwrap())).change, None);
    assert_eq!(watch.sends(1, 0).change, None);
}

#[test]
fn a_block_lapses_by_itself_and_its_evidence_with_it() {
    let mut watch = Watch::pumped(Kind::Prefix);
    assert_eq!(level(&watch.ask(Ask::Tick)), BLOCKED);
    watch.wait(12 * HOUR_MS - 1);
    assert_eq!(level(&watch.refused(0)), BLOCKED);
    assert_eq!(level(&watch.wait(1).ask(Ask::Tick)), OPEN);
    assert_eq!(level(&watch.sends(20, 0)), OPEN);
}

#[test]
fn a_block_goes_on_for_twelve_hours_more_while_orders_are_turned_away() {
    let mut watch = Watch::pumped(Kind::Prefix);
    let until = watch.ask(Ask::Tick).verdict.unwrap().until;
    watch.wait(11 * HOUR_MS + MINUTE_MS);
    assert_eq!(watch.refused(20).verdict.unwrap().until, until, "a few people");
    assert_eq!(watch.refused(1).verdict.unwrap().until, until.plus(12 * HOUR_MS));
    assert_eq!(watch.refused(1_000).verdict.unwrap().until, until.plus(12 * HOUR_MS));
}

#[test]
fn a_country_that_does_not_convert_either_keeps_a_prefix_from_being_blocked() {
    let mut watch = Watch::pumped(Kind::Prefix);
    watch.around.country = Some(Rates { sends: 180, verified: 10 });
    assert_eq!(level(&watch.ask(Ask::Tick)), POOR);
    watch.around.country = Some(Rates { sends: 180, verified: 60 });
    assert_eq!(level(&watch.ask(Ask::Tick)), BLOCKED);
    // The pump is nearly all there is: the rest says nothing.
    let mut watch = Watch::pumped(Kind::Prefix);
    watch.around.country = Some(Rates { sends: 99, verified: 0 });
    assert_eq!(level(&watch.ask(Ask::Tick)), BLOCKED);
}

#[test]
fn no_conversion_is_judged_before_reports_have_come_in_for_a_while() {
    let mut watch = Watch::pumped(Kind::Prefix);
    watch.around.sound_since = watch.now;
    assert_eq!(level(&watch.ask(Ask::Tick)), OVER_BUDGET);
    // What waited for the end of the outage does not count, what is ordered after it does.
    watch.sends(700, 0);
    watch.wait(2 * MINUTE_MS + 30 * SECOND_MS);
    watch.sends(80, 0);
    watch.wait(2 * MINUTE_MS + 30 * SECOND_MS - 1);
    assert_eq!(level(&watch.ask(Ask::Tick)), OVER_BUDGET);
    let judged = watch.wait(1).ask(Ask::Tick);
    assert_eq!((level(&judged), judged.figures.settled.sends), (BLOCKED, 80));
}

#[test]
fn a_busy_past_allows_for_more_and_silence_at_the_usual_volume_is_no_pump() {
    let mut watch = Watch::new(Kind::Prefix);
    for _ in 0..180 {
        watch.sends(10, 6);
        watch.wait(MINUTE_MS);
    }
    let calm = watch.ask(Ask::Tick);
    assert_eq!((level(&calm), calm.figures.best >= 60), (OPEN, true));
    // The provider takes messages and delivers none for a quarter of an hour.
    for _ in 0..15 {
        assert_eq!(level(&watch.sends(10, 0)), OPEN);
        watch.wait(MINUTE_MS);
    }
    let silent = watch.ask(Ask::Tick);
    assert_eq!((level(&silent), silent.figures.settled.verified), (OPEN, 0));
    assert!(silent.figures.settled.sends > 90);
    // A pump on top of it.
    assert_eq!(level(&watch.sends(60, 0)), OVER_BUDGET);
}

#[test]
fn verifications_count_where_their_order_was_sent() {
    let mut watch = Watch::new(Kind::Prefix);
    watch.sends(20, 0);
    watch.wait(9 * MINUTE_MS);
    watch.note(Count { at: START, verified: 15, ..Count::default() });
    let settled = watch.ask(Ask::Tick).figures.settled;
    assert_eq!(settled, Rates { sends: 20, verified: 15 });
    // More than were sent: a part of the evidence was lost.
    watch.note(Count { at: START, verified: 15, ..Count::default() });
    assert_eq!(watch.ask(Ask::Tick).figures.settled.verified, 20);
}

#[test]
fn a_batch_counts_once() {
    let mut watch = Watch::new(Kind::Prefix);
    let counts = vec![Count { at: START, sends: 15, ..Count::default() }];
    for _ in 0..3 {
        let reply = watch.ask(Ask::Note { batch: batch(9), counts: counts.clone() });
        assert_eq!(reply.figures.recent.sends, 15);
    }
}

#[test]
fn an_operator_releases_a_subject_and_its_evidence() {
    let mut watch = Watch::pumped(Kind::Prefix);
    assert_eq!(level(&watch.ask(Ask::Tick)), BLOCKED);
    let released = watch.ask(Ask::Release);
    assert_eq!((level(&released), released.change.is_some()), (OPEN, true));
    assert_eq!(level(&watch.sends(20, 0)), OPEN);
    assert_eq!(level(&watch.sends(1, 0)), OVER_BUDGET);
}

#[test]
fn in_record_only_mode_the_verdict_says_so_and_a_change_of_mode_is_told() {
    let mut watch = Watch::new(Kind::Prefix);
    watch.policy.mode = Mode::RecordOnly;
    let recorded = watch.sends(30, 0);
    assert_eq!(recorded.verdict.unwrap().mode, Mode::RecordOnly);
    watch.ask(Ask::Told(recorded.change.unwrap()));
    watch.policy.mode = Mode::Enforce;
    let enforced = watch.sends(1, 0);
    assert_eq!((enforced.verdict.unwrap().mode, enforced.change.is_some()), (Mode::Enforce, true));
}

#[test]
fn a_country_is_challenged_for_a_third_of_its_past_and_never_blocked() {
    let mut watch = Watch::new(Kind::Country);
    watch.sends(100, 80);
    watch.wait(DAY_MS);
    watch.sends(1_000, 400);
    assert_eq!(level(&watch.wait(3 * MINUTE_MS).ask(Ask::Tick)), OPEN, "half of its past");
    watch.wait(HOUR_MS * 3);
    watch.sends(3_000, 600);
    let dropped = watch.wait(3 * MINUTE_MS).ask(Ask::Tick);
    assert_eq!(level(&dropped).0, Level::Challenge);
    watch.wait(HOUR_MS * 3);
    watch.sends(30_000, 0);
    let dead = watch.wait(3 * MINUTE_MS).ask(Ask::Tick);
    assert_eq!(level(&dead), (Level::Challenge, Some(Cause::CountryDrop)));
}

#[test]
fn a_loud_drop_of_a_country_is_seen_before_its_hour_is_poor() {
    let mut watch = Watch::new(Kind::Country);
    for _ in 0..180 {
        watch.sends(6, 4);
        watch.wait(MINUTE_MS);
    }
    watch.sends(400, 0);
    let dropped = watch.wait(3 * MINUTE_MS).ask(Ask::Tick);
    assert_eq!(level(&dropped), (Level::Challenge, Some(Cause::CountryDrop)));
    assert!(dropped.figures.hour.verified * 4 > dropped.figures.hour.sends);
}

#[test]
fn a_challenge_that_comes_again_lasts_longer() {
    let mut watch = Watch::new(Kind::Prefix);
    let mut lasts = Vec::new();
    for _ in 0..3 {
        watch.sends(40, 2);
        watch.wait(3 * MINUTE_MS);
        let standing = watch.ask(Ask::Tick).verdict.unwrap();
        assert_eq!(standing.because, Cause::LowConversion);
        lasts.push(standing.until.since(watch.now) / MINUTE_MS);
        watch.now = standing.until.plus(25 * HOUR_MS);
        watch.ask(Ask::Tick);
    }
    assert_eq!(lasts, [30, 60, 120]);
}

#[test]
fn a_spray_of_guesses_is_challenged_before_its_two_hundredth() {
    let mut watch = Watch::new(Kind::Guesses);
    let mut wrong = 0;
    let found = loop {
        wrong += 1;
        let reply = watch.note(Count { at: watch.now, failed_guesses: 1, ..Count::default() });
        watch.wait(10 * SECOND_MS);
        if let Some(found) = reply.verdict {
            break found;
        }
    };
    assert_eq!((wrong, found.level, found.because), (101, Level::Challenge, Cause::FailedGuesses));
    // People mistype one in four.
    let mut watch = Watch::new(Kind::Guesses);
    for _ in 0..1_000 {
        let reply = watch.note(Count { at: watch.now, verified: 3, failed_guesses: 1, ..Count::default() });
        assert_eq!(level(&reply), OPEN);
        watch.wait(SECOND_MS);
    }
}

#[test]
fn a_state_is_bounded_at_its_widest() {
    let mut watch = Watch::new(Kind::Prefix);
    let wide = u32::MAX / 500;
    let everything = |at| Count { at, sends: wide, verified: wide, failed_guesses: wide, refused: wide };
    let mut longest = 0;
    for round in 0..40 {
        let counts = (0..BATCH_COUNTS_MAX as u64).map(|nth| match round % 3 {
            0 => everything(watch.now.minus(nth * 30 * SECOND_MS)),
            1 => everything(watch.now.minus(nth * HOUR_MS)),
            _ => everything(watch.now.minus(nth * DAY_MS)),
        });
        let counts = counts.collect();
        watch.ask(Ask::Note { batch: batch(round), counts });
        longest = longest.max(watch.host.body().unwrap().len());
        watch.wait(SECOND_MS);
    }
    assert!(longest > STATE_BYTES_MAX / 2 && longest <= STATE_BYTES_MAX, "{longest} bytes");
}

#[test]
fn the_stored_form_stays() {
    let mut watch = Watch::new(Kind::Prefix);
    watch.sends(30, 1);
    let grounds = r#""grounds":[1795082400000,30,1,600000],"#;
    let stored = concat!(
        r#"{"clock":1795082400000,"counts":{"slots":[[59836080,30,1,0,0]],"hours":[[498634,30,1,0,0]],"#,
        r#""days":[[20776,30,1,0]]},"standing":{"level":"challenge","until":1795083000000,"#,
        r#""because":"unverified_budget","mode":"enforce"},"grounds":[1795082400000,30,1,600000],"#,
        r#""strikes":0,"struck_at":0,"seq":1795082400001,"told":1795082400000,"batches":["AAAAAAAAAAAAAAAAAAAAAQ"]}"#,
    );
    assert_eq!(watch.host.body(), Some(stored));
    // As it was before a verdict knew its grounds.
    let older: State = serde_json::from_str(&stored.replace(grounds, "")).unwrap();
    assert_eq!(serde_json::to_string(&older).unwrap(), stored.replace(grounds, ""));
    let policy = r#"{"mode":"record_only","prefix_floor":30}"#;
    let read: Policy = serde_json::from_str(policy).unwrap();
    assert_eq!(read, Policy { mode: Mode::RecordOnly, prefix_floor: 30, ..Policy::default() });
}

use super::*;

const NOW: UnixMs = UnixMs(1_795_082_400_000);
const BOTH: &[Channel] = &[Channel::Whatsapp, Channel::Voice];

/// Sent, overdue by a second, with a minute of its life left and nothing that could change.
fn overdue() -> Situation<'static> {
    Situation {
        state: OrderState::Sent,
        reason: None,
        expected_by: Some(UnixMs(NOW.0 - 1_000)),
        window_ms: 11_800,
        begun_by: UnixMs(NOW.0 - 9_000),
        next_at: None,
        is_all_unknown: false,
        is_checked: false,
        is_locked: false,
        may_change: &[],
        resend_at: None,
        can_cancel: true,
        expires_at: NOW.plus(5 * MINUTE_MS),
    }
}

type Row = (&'static str, Situation<'static>, Do, Option<u64>, &'static str);

fn over() -> Vec<Row> {
    let in_state = |state, reason| Situation { state, reason, ..overdue() };
    let failed = |reason| in_state(OrderState::Failed, reason);
    let landline = "this address cannot be reached (landline): another one is needed";
    vec![
        (
            "verified",
            in_state(OrderState::Verified, None),
            Do::None,
            None,
            "the user proved to have the code",
        ),
        ("cancelled", in_state(OrderState::Cancelled, None), Do::None, None, "it was called off"),
        ("expired", in_state(OrderState::Expired, None), Do::None, None, "the life of its code is over"),
        ("failed for good", failed(Some(Reason::Landline)), Do::None, None, landline),
        (
            "failed by the provider",
            failed(Some(Reason::ProviderDown)),
            Do::Escalate,
            None,
            "it could not be delivered (provider_down)",
        ),
        (
            "failed by our account",
            failed(Some(Reason::AuthFailed)),
            Do::Escalate,
            None,
            "it could not be delivered (auth_failed)",
        ),
        ("failed", failed(None), Do::Escalate, None, "it could not be delivered (no way was left)"),
    ]
}

fn waiting() -> Vec<Row> {
    let life = Some(5 * MINUTE_MS);
    let locked = Situation { is_locked: true, is_checked: true, ..overdue() };
    let checked = Situation { is_checked: true, may_change: BOTH, resend_at: Some(NOW), ..overdue() };
    let unchecked = Situation { is_locked: true, expected_by: Some(NOW.plus(4_000)), ..overdue() };
    let delivered = Situation { state: OrderState::Delivered, expected_by: None, ..overdue() };
    let inside =
        Situation { expected_by: Some(NOW.plus(4_000)), next_at: Some(NOW.plus(4_000)), ..overdue() };
    let begun = Situation { expected_by: None, begun_by: NOW.plus(2_000), ..overdue() };
    let begun = Situation { state: OrderState::Queued, ..begun };
    let paused =
        Situation { next_at: Some(NOW.plus(7_000)), may_change: BOTH, resend_at: Some(NOW), ..overdue() };
    let due = Situation { next_at: Some(UnixMs(NOW.0 - 1_000)), ..overdue() };
    let too_soon = Situation { may_change: BOTH, resend_at: Some(NOW.plus(3_000)), ..overdue() };
    vec![
        ("locked", locked, Do::None, None, "no guess is left: order anew"),
        ("locked by guesses at others", unchecked, Do::Wait, Some(4_000), "inside the usual window of 12 s"),
        ("checked", checked, Do::Wait, life, "somebody entered a code, so a message is in hand"),
        ("delivered", delivered, Do::Wait, life, "it arrived; the code can be entered until then"),
        ("inside its window", inside, Do::Wait, Some(4_000), "inside the usual window of 12 s"),
        ("queued", begun, Do::Wait, Some(2_000), "a gateway is about to be called"),
        ("a way comes free", paused, Do::Wait, Some(7_000), "another way is tried by itself"),
        ("a way is due", due, Do::Wait, Some(9_000), "another way is tried by itself"),
        (
            "another way, and too soon for it",
            too_soon,
            Do::Wait,
            Some(3_000),
            "overdue; from then on it can be sent another way",
        ),
    ]
}

fn acting() -> Vec<Row> {
    let life = Some(5 * MINUTE_MS);
    let another = Situation { may_change: BOTH, resend_at: Some(NOW), ..overdue() };
    let unknown = Situation { is_all_unknown: true, ..overdue() };
    let unknown_yet = Situation { is_all_unknown: true, may_change: BOTH, resend_at: Some(NOW), ..overdue() };
    let spent = Situation { may_change: BOTH, resend_at: None, ..overdue() };
    let long = Situation { expected_by: Some(UnixMs(NOW.0 - LONG_MS)), ..overdue() };
    let stuck = Situation { can_cancel: false, ..overdue() };
    let passed = Situation { next_at: Some(UnixMs(NOW.0 - NEXT_GRACE_MS)), ..overdue() };
    let nothing_left = Situation { state: OrderState::Accepted, expected_by: None, ..overdue() };
    let retry = "overdue, and another way is left: whatsapp, voice";
    let cancel = "overdue, and nothing is left to change";
    vec![
        ("overdue, another way", another, Do::Retry, life, retry),
        ("unknown, another way", unknown_yet, Do::Retry, life, retry),
        ("overdue, no way", overdue(), Do::Cancel, Some(LONG_MS - 1_000), cancel),
        ("overdue, no resend left", spent, Do::Cancel, Some(LONG_MS - 1_000), cancel),
        ("what should have come by itself did not", passed, Do::Cancel, Some(LONG_MS - 1_000), cancel),
        ("never left", nothing_left, Do::Cancel, Some(LONG_MS - 9_000), cancel),
        (
            "unknown everywhere",
            unknown,
            Do::Escalate,
            None,
            "overdue, and no provider says what became of it",
        ),
        ("overdue for long", long, Do::Escalate, None, "overdue for long, and nothing is left to change"),
        (
            "overdue, no way, no calling off",
            stuck,
            Do::Escalate,
            None,
            "overdue; it can be neither changed nor called off",
        ),
    ]
}

#[test]
fn every_row_of_the_triage_has_its_advice() {
    let rows: Vec<Row> = over().into_iter().chain(waiting()).chain(acting()).collect();
    for (name, situation, action, for_ms, because) in rows {
        let advice = advise(&situation, NOW);
        let told = advice.until.map(|until| until.since(NOW));
        assert_eq!((advice.action, told, advice.because.as_str()), (action, for_ms, because), "{name}");
        let may_change: &[Channel] = if action == Do::Retry { BOTH } else { &[] };
        assert_eq!(advice.may_change, may_change, "{name}");
    }
}

#[test]
fn advice_to_wait_or_to_act_never_outlives_the_code() {
    let life = Situation { expires_at: NOW.plus(500), ..overdue() };
    for (expected_by, next_at) in [(Some(NOW.plus(9_000)), None), (None, Some(NOW.plus(9_000))), (None, None)]
    {
        let situation = Situation { expected_by, next_at, ..life.clone() };
        let until = advise(&situation, NOW).until;
        assert!(until.is_none_or(|until| until <= situation.expires_at), "{until:?}");
    }
}

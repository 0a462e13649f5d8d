//! Gateways that misbehave in every way there is, each for a share of the load.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::repeats;
use tiffin_tests::chaos::tally;
use tiffin_tests::chaos::tally::Tally;
use tiffin_tests::stack::Backing;
use tokio::time::sleep;

use crate::common;

/// How long a fault lasts: a hundred orders, some of which it strikes before the breaker opens.
const LASTS: Duration = Duration::from_millis(2_000);

/// What a fault may cost.
#[derive(Clone, Copy, PartialEq)]
enum Promise {
    /// One message an order.
    Once,
    /// A second one by another way, once the usual time for a receipt is over.
    OnceUnlessSilent,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_gateway_that_misbehaves_loses_nothing_and_doubles_only_what_it_keeps_silent_about()
-> anyhow::Result<()> {
    let _turn = common::turn().await;
    let fleet = Fleet::start(Backing::Shared, &[ALL, ALL], first_first).await?;
    let (once, silent) = (Promise::Once, Promise::OnceUnlessSilent);
    let faults = [
        (json!({"mode": "http_500", "rate": 0.3}), once),
        (json!({"mode": "http_429", "rate": 0.5, "retry_after_s": 2}), once),
        (json!({"mode": "reset", "rate": 0.3}), once),
        (json!({"mode": "reset_taken", "rate": 0.3}), once),
        (json!({"mode": "timeout", "rate": 0.1}), once),
        (json!({"mode": "timeout_taken", "rate": 0.1}), once),
        (json!({"mode": "receipt_first"}), once),
        (json!({"mode": "duplicate_receipt"}), once),
        (json!({"mode": "out_of_order"}), once),
        (json!({"mode": "late_receipt", "rate": 0.2, "receipt_after_ms": 8_000}), silent),
        (json!({"mode": "accept_no_receipt", "rate": 0.2}), silent),
    ];
    for _ in 0..repeats(1) {
        for (script, promise) in &faults {
            let tally = under(&fleet, script).await?;
            match promise {
                Promise::Once => assert_eq!(tally.duplicates, 0, "{script}: {tally:?}"),
                Promise::OnceUnlessSilent => {
                    assert_eq!(tally.duplicates, tally.silent, "{script}: {tally:?}")
                }
            }
        }
    }
    Ok(())
}

/// The one that misbehaves is always tried first, whatever is known of it.
fn first_first(settings: &str) -> String {
    format!("{settings}priority = 1\n")
}

/// A breaker with an empty past, and orders while the fault lasts. Each is counted when it is settled.
async fn under(fleet: &Fleet, script: &Value) -> anyhow::Result<Tally> {
    fleet.force("twilio-sms", None).await?;
    common::fault(fleet, "twilio-sms", script).await?;
    let load = Load::ordinary(&fleet.feeder, common::LOAD);
    sleep(LASTS).await;
    load.stop().await?;
    let calls = common::calls(fleet, "twilio-sms").await?;
    let name = format!(
        "{} {}, {} calls, {} refused",
        script["mode"].as_str().unwrap_or_default(),
        script["rate"],
        calls["received"],
        calls["refused"]
    );
    let tally = tally::settle(fleet, &name).await?;
    common::holds(&tally);
    common::fault(fleet, "twilio-sms", &json!({"mode": "ok"})).await?;
    common::clear(fleet).await?;
    Ok(tally)
}

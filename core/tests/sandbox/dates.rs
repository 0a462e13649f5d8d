//! The list's filters by day, as a look-up at the provider uses them.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use chrono::DateTime;
use chrono::Days;
use chrono::NaiveDate;
use chrono::Utc;
use serde_json::Value;

use crate::common::ACCOUNT;
use crate::common::PHONE;
use crate::common::Sandbox;
use crate::common::TOKEN;
use crate::common::answer;

#[tokio::test]
async fn the_list_is_filtered_by_day_on_either_side() {
    let sandbox = Sandbox::start().await;
    sandbox.send(&[]).await;
    let (before, after) = (today() - Days::new(1), today() + Days::new(1));
    // The day may end between the message and the look-up, so that no case ends at today itself.
    let cases = [
        (format!("DateSent>={before}"), 1),
        (format!("DateSent%3E={before}"), 1),
        (format!("DateSent%3E={after}&DateSent%3C={after}"), 0),
        (format!("DateSent<={after}"), 1),
        (format!("DateSent<={before}"), 0),
        (format!("DateSent={before}"), 0),
        (format!("DateSent=%3E%3D{before}"), 1),
        (format!("DateSent=%3C%3D{before}"), 0),
        (format!("DateSent>={before}T10:00:00Z"), 1),
        (format!("To=%2B919876543210&From=%2B15005550006&DateSent>={before}"), 1),
        (format!("To=%2B919876543211&DateSent>={before}"), 0),
        (format!("From=%2B15005550007&DateSent>={before}"), 0),
    ];
    for (query, count) in cases {
        let (status, page) = list(&sandbox, &query).await;
        assert_eq!((status, page["messages"].as_array().unwrap().len()), (200, count), "{query}");
    }
}

#[tokio::test]
async fn the_next_page_keeps_the_filters() {
    let sandbox = Sandbox::start().await;
    for _ in 0..3 {
        sandbox.send(&[]).await;
    }
    let since = today() - Days::new(1);
    let (_, first) = list(&sandbox, &format!("To=%2B919876543210&DateSent>={since}&PageSize=2")).await;
    let next = first["next_page_uri"].as_str().unwrap().split_once('?').unwrap().1;
    assert!(next.contains(&format!("DateSent%3E={since}")), "{next}");
    let (_, second) = list(&sandbox, next).await;
    assert_eq!(
        (second["messages"].as_array().unwrap().len(), &second["messages"][0]["to"]),
        (1, &PHONE.into())
    );
}

#[tokio::test]
async fn a_date_that_is_none_is_refused() {
    let sandbox = Sandbox::start().await;
    for query in ["DateSent=yesterday", "DateSent>=2026-02-30", "DateSent<="] {
        let (status, body) = list(&sandbox, query).await;
        assert_eq!((status, &body["code"]), (400, &20_001.into()), "{query}");
        assert!(body["message"].as_str().unwrap().contains("YYYY-MM-DD"), "{body}");
    }
}

fn today() -> NaiveDate {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now: DateTime<Utc> =
        DateTime::from_timestamp_millis(i64::try_from(since.as_millis()).unwrap()).unwrap();
    now.date_naive()
}

async fn list(sandbox: &Sandbox, query: &str) -> (u16, Value) {
    let url = format!("{}?{query}", sandbox.messages_url());
    answer(sandbox.client.get(url).basic_auth(ACCOUNT, Some(TOKEN))).await
}

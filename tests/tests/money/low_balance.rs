//! Endpoints that cannot be told hold up no money.

use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::host;
use tiffin_core::journal;
use tiffin_core::journal::Stream;
use tiffin_core::money;
use tiffin_core::store::Key;
use tiffin_shared::id::TenantId;
use tiffin_shared::log;
use tiffin_shared::log::HEAD_ROWS_MAX;
use tiffin_shared::log::Log;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::Page;
use tiffin_shared::log::PageState;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Credited;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_tests::keys;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::wait;

const BILLING: &str = "\n[tenants.dev.billing]\ncurrency = \"USD\"\nlow_balance_micros = 5000\n\n\
    [webhooks]\nto_loopback = true\n\n[[webhooks.endpoints]]\ntenant = \"dev\"\nname = \"main\"\n\
    url = \"http://127.0.0.1:9/\"\n";

/// Until the first page's place is free, in a while, the tenant's log of events takes no more than its head holds.
async fn fill(app: &Arc<App>, stream: &Stream) -> anyhow::Result<()> {
    let append = |n: usize| {
        let row = NewRow { id: format!("e{n}"), body: json!({}) };
        journal::append(app, stream, row, DAY_MS)
    };
    append(0).await?;
    let head =
        app.store.apply::<Log>(&Key::log(&stream.to_string()), &log::Command::Read, host::now()).await?;
    let page = PageState { rows: Vec::new(), expires_at: host::now().plus(10 * SECOND_MS) };
    let key = Key::log_page(&stream.to_string(), head.began_at, 0);
    app.store.apply::<Page>(&key, &Some(page), host::now()).await?;
    for n in 1..HEAD_ROWS_MAX {
        append(n).await?;
    }
    assert!(
        matches!(append(HEAD_ROWS_MAX).await, Err(journal::Error::Full(_))),
        "nothing is lost in silence"
    );
    Ok(())
}

#[tokio::test]
async fn money_moves_on_while_the_log_of_events_takes_nothing_and_the_tenant_is_told_later()
-> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-low-")?;
    let settings = dir.path().join("tiffin.toml");
    std::fs::write(&settings, std::fs::read_to_string(keys::settings())? + BILLING)?;
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned();
    let more = Variables::from([("TIFFIN_WEBHOOK_DEV_MAIN_SECRET".to_owned(), secret)]);
    let config = Keys::make_for(&settings, &dir.path().join("keys"))?.config(&more)?;
    let app = App::start(config, &[Role::Deliver]).await?;
    let dev = TenantId::parse("dev")?;
    let (hooks, books) = (Stream::Hooks(dev.clone()), Stream::Money(dev.clone()));
    fill(&app, &hooks).await?;

    for (n, amount_micros) in [9_000, -8_000, 1, 2, 3].into_iter().enumerate() {
        let credit = Ask::Credit { amount_micros, reference: format!("r{n}"), note: None };
        let reply = money::ask_and_log(&app, &dev, credit).await?;
        assert_eq!(reply.credited, Some(Credited::Done));
    }
    // Five credits and the crossing: all of them in the books, none in the account.
    assert_eq!(journal::read(&app, &books, 0).await?.len(), 6);
    assert!(money::read(&app, &dev).await?.entries.is_empty());
    assert!(!money::wake(&app, "dev").await, "it rings again");
    let end = journal::end(&app, &hooks).await?;
    wait::until("the wake-up that tells", || async { Ok(money::wake(&app, "dev").await) }, |done| *done)
        .await?;
    assert_eq!(journal::end(&app, &hooks).await?, end + 1);
    assert!(money::read(&app, &dev).await?.tell.is_none());
    Ok(())
}

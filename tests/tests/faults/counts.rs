//! What the guard against pumping counts, while the store is away.

use tempfile::TempDir;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::guard;
use tiffin_core::guard::watched::Watched;
use tiffin_core::guard::watched::What;
use tiffin_core::host;
use tiffin_core::store::Key;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Around;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Command;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::Policy;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::News;
use tiffin_shared::wire::notice::Notice;
use tiffin_shared::wire::notice::What as Happened;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::servers::Server;
use tiffin_tests::wait;

fn note_sent(app: &App, orders: u8) -> anyhow::Result<()> {
    for n in 0..orders {
        let notice = Notice {
            order: OrderId::new([n; 16], LedgerId::new([n; 16])),
            tenant: TenantId::parse("dev")?,
            what: Happened::Verified,
            at: host::now(),
            country: Some(Country::parse("IN")?),
            prefix: Some(Bytes([1; 8])),
        };
        let news = News { header: None, sent_at: None, is_sent: true, is_verified: false };
        app.guards.note(&news, Some(&notice));
    }
    Ok(())
}

/// Orders of the country and of the prefix that their guards know of.
async fn known(app: &App) -> anyhow::Result<[u32; 2]> {
    let (tenant, country) = (TenantId::parse("dev")?, Country::parse("IN")?);
    let mut sends = [0; 2];
    for (sends, what) in sends.iter_mut().zip([What::Country(country), What::Prefix(country, Bytes([1; 8]))])
    {
        let watched = Watched { tenant: tenant.clone(), what };
        let (kind, policy, around) = (what.kind(), Policy::default(), Around::default());
        let command = Command { kind, policy, around, ask: Ask::Told(0) };
        *sends = app
            .store
            .apply::<Guard>(&Key::guard(&watched), &command, host::now())
            .await?
            .figures
            .recent
            .sends;
    }
    Ok(sends)
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn counts_wait_for_the_store_and_count_once() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-counts-")?;
    let mut redis = Server::redis(&dir.path().join("redis")).await?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let config = keys.config(&Variables::from([("REDIS_URL".to_owned(), redis.url())]))?;
    let app = App::start(config, &[Role::Callbacks]).await?;
    note_sent(&app, 5)?;
    guard::flush(&app).await;
    assert_eq!(known(&app).await?, [5, 5]);

    redis.stop();
    note_sent(&app, 3)?;
    guard::flush(&app).await;
    note_sent(&app, 4)?;
    guard::flush(&app).await;
    assert!(known(&app).await.is_err(), "the store is not away");
    redis.start().await?;
    let look = || async {
        guard::flush(&app).await;
        known(&app).await
    };
    wait::until("all counts", look, |sends| *sends == [12, 12]).await?;
    guard::flush(&app).await;
    assert_eq!(known(&app).await?, [12, 12]);
    Ok(())
}

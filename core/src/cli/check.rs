//! `tiffin check-config`: reads everything a process would, connects to store and bus, and says what is wrong.

use futures::future::join_all;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Tenant;
use tiffin_shared::order::WhenUnknown;
use tiffin_shared::text::Locale;
use tiffin_shared::text::dlt;
use tiffin_shared::wire::api::Channel;

use crate::app::App;
use crate::app::Role;
use crate::config::Config;
use crate::host;
use crate::sim_swap::is_checked;

/// Also tries each account's credentials where it is `live`; nothing is sent.
pub async fn run(config: Config, live: bool) -> anyhow::Result<()> {
    let (tenants, gateways) = (config.file.tenants.len(), config.file.gateways.len());
    let warnings = warnings(&config);
    let app = App::start(config, &[Role::Ingest, Role::Deliver, Role::Callbacks]).await?;
    let (store, bus) = (app.store.kind(), app.bus.kind());
    let (tenants, gateways) = (counted(tenants, "tenant"), counted(gateways, "gateway"));
    say(&format!("ok: {tenants}, {gateways}, store {store}, bus {bus}"));
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
    if live { try_all(&app).await } else { Ok(()) }
}

async fn try_all(app: &App) -> anyhow::Result<()> {
    let tries = app.gateways.all().iter().map(|gateway| gateway.check(&app.provider_client, host::now()));
    let mut failed = 0;
    for (gateway, tried) in app.gateways.all().iter().zip(join_all(tries).await) {
        let said = tried.as_ref().map_or_else(ToString::to_string, Clone::clone);
        say(&format!("{}: {said}", gateway.name()));
        failed += usize::from(tried.is_err());
    }
    let mut refused = None;
    if let Some(checker) = &app.sim_swap {
        let tried = checker.try_credentials(&app.provider_client).await;
        say(&format!("sim_swap: {}", tried.as_ref().map_or_else(ToString::to_string, Clone::clone)));
        refused = tried.err();
    }
    anyhow::ensure!(failed == 0, "{} cannot be used", counted(failed, "gateway"));
    refused.map_or(Ok(()), |trouble| Err(anyhow::anyhow!("sim_swap cannot be used: {trouble}")))
}

/// What boots, and will not do what is probably wanted.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = unpriced(config);
    warnings.extend(unserved(config));
    let Ok(india) = Country::parse("IN") else { return warnings };
    let texts_india =
        config.file.gateways.iter().any(|gateway| {
            gateway.kind.channel == Channel::Sms && gateway.settings.countries.allow(Some(india))
        });
    for (tenant, settings) in &config.file.tenants {
        for (name, service) in &settings.services {
            let goes_there = texts_india && settings.countries.allow(Some(india));
            let may_text = service.risk.permits(Channel::Sms, true, false);
            let registered = dlt::registration(service, &Locale::read("en"), false);
            if let (true, Err(missing)) = (goes_there && may_text, registered) {
                let place = format!("tenants.{tenant}.services.{name}");
                warnings.push(format!("{place}: no text message will go to India: {missing}"));
            }
        }
    }
    warnings
}

/// Of the SIMs of some numbers nobody will know, and they are refused.
fn unserved(config: &Config) -> Vec<String> {
    let Some(settings) = &config.file.sim_swap else { return Vec::new() };
    let Countries::These(served) = &settings.countries else { return Vec::new() };
    if settings.when_unknown == WhenUnknown::Send {
        return Vec::new();
    }
    let opens_more = |tenant: &Tenant| match &tenant.countries {
        Countries::All => true,
        Countries::These(open) => !open.is_subset(served),
    };
    let mut warnings = Vec::new();
    for (tenant, settings) in config.file.tenants.iter().filter(|(_, settings)| opens_more(settings)) {
        for (name, _) in settings.services.iter().filter(|(_, service)| is_checked(service, true)) {
            warnings.push(format!(
                "tenants.{tenant}.services.{name}: numbers outside sim_swap.countries get no text message and no call"
            ));
        }
    }
    warnings
}

fn unpriced(config: &Config) -> Vec<String> {
    let Ok(directory) = config.reread_directory() else { return Vec::new() };
    let warning = |(tenant, currency)| {
        format!("tenants.{tenant}.billing: no gateway has a price in {currency}: its orders cost nothing")
    };
    directory.unpriced().map(warning).collect()
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "what was asked for")]
    {
        println!("{line}");
    }
}

/// `1 tenant`, `2 tenants`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

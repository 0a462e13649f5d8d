//! `tiffin send`: one test message through one gateway, past queue, router and breaker.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::FutureExt as _;
use futures::future::ready;
use tiffin_shared::code::Code;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Service;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Class;
use tiffin_shared::order::Reason;
use tiffin_shared::phone::Phone;
use tiffin_shared::phone::classify;
use tiffin_shared::price::Money;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Sender;
use tiffin_shared::text::segment;
use tiffin_shared::wire::api::Channel;
use tokio::time::sleep;

use super::check::counted;
use crate::config::Config;
use crate::gateways::Gateway;
use crate::gateways::Gateways;
use crate::gateways::adapter::Message;
use crate::gateways::call;
use crate::gateways::callback::Fate;
use crate::gateways::codes::Codes;
use crate::gateways::compose::Composition;
use crate::gateways::smpp::NotTaken;
use crate::gateways::smpp::Smpp;
use crate::host;
use crate::money::price;
use crate::numbers;

/// The code in a test message. It belongs to no order.
const TEST_CODE: &str = "000000";
/// How often an SMSC is asked how the message fares, and the pause between: handsets that are on take seconds.
const QUERIES_MAX: u32 = 10;
const QUERY_PAUSE: Duration = Duration::from_millis(500);

/// What to send.
#[derive(Args)]
pub struct Arguments {
    /// A number as people write it, or a mailbox
    #[arg(long)]
    to: String,
    /// Whose number it is, where it has no country code: IN
    #[arg(long)]
    country: Option<String>,
    /// Through which gateway, as in the settings
    #[arg(long)]
    gateway: String,
    /// In whose words, as TENANT/SERVICE; the first service of the settings by default
    #[arg(long)]
    service: Option<String>,
    /// In which language
    #[arg(long, default_value = "en")]
    locale: String,
    /// As whom, where the gateway has several senders; the first that may go there by default
    #[arg(long)]
    from: Option<String>,
}

/// Sends it, and says what the provider said. Fails where it was not taken.
pub async fn run(config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    call::install_tls();
    let gateways =
        Gateways::new(&config.file.gateways, &config.environment, Codes::new(config.corrections()?)?)?;
    let gateway = gateways.named(&arguments.gateway).ok_or_else(|| {
        let names: Vec<_> = gateways.all().iter().map(|gateway| gateway.name().as_str()).collect();
        anyhow::anyhow!("--gateway {}: the gateways are {}", arguments.gateway, names.join(", "))
    })?;
    let phone = (gateway.channel() != Channel::Email).then(|| number(arguments)).transpose()?;
    let country = phone.as_ref().and_then(|phone| classify(phone).country);
    let service = service(&config, arguments.service.as_deref())?;
    let sender = sender(gateway, country, arguments.from.as_deref())?;
    let code = Code::parse(TEST_CODE)?;
    let reference = Reference { order: OrderId::new(host::random()?, LedgerId::new([0; 16])), n: 1 };
    let now = host::now();
    let composition = Composition {
        service,
        code: &code,
        phone: phone.as_ref(),
        email: phone.is_none().then_some(&arguments.to),
        country,
        locale: &arguments.locale,
        approves: None,
        ttl_ms: service.ttl_ms,
        expires_at: now.plus(service.ttl_ms),
        reference: &reference,
        public_url: &config.file.server.public_url,
        traceparent: None,
    };
    let directory = config.directory()?;
    let prices = price::lists(&directory, gateway).cloned().unwrap_or_default();
    let client = call::Client::new()?;
    // Its receipts are left for the workers.
    let sessions = gateway.sessions();
    if let Some(sessions) = sessions {
        sessions.start(Arc::new(|_| ready(Err(NotTaken)).boxed()));
    }
    let sending = composition.compose(gateway, sender.as_ref(), now, async |message| {
        say(&announcement(gateway, message, &prices.units(country)));
        let (outcome, code, _) = gateways.try_out(gateway, &client, message).await;
        let fate = match (&outcome, sessions) {
            (CallOutcome::Taken { .. }, Some(sessions)) => fate(sessions, message).await,
            _ => None,
        };
        (outcome, code, fate)
    });
    let (outcome, code, fate) =
        sending.await.unwrap_or_else(|reason| (CallOutcome::Failed(reason), None, None));
    if let Some(sessions) = sessions {
        sessions.close().await;
    }
    tell(outcome, code.as_deref())?;
    if let Some(fate) = fate {
        say(&format!("the SMSC says: {}", word(&fate)));
    }
    Ok(())
}

/// What the SMSC says of the message, asked until it is final or for some seconds.
async fn fate(sessions: &Smpp, message: &Message<'_>) -> Option<Fate> {
    let from = Some(message.from()).filter(|from| !from.is_empty());
    let mut said = None;
    for _ in 0..QUERIES_MAX {
        said = sessions.query(message.reference, from).await.or(said);
        if matches!(said, Some(Fate::Delivered | Fate::Failed { .. })) {
            break;
        }
        sleep(QUERY_PAUSE).await;
    }
    said
}

fn word(fate: &Fate) -> String {
    match fate {
        Fate::Delivered => "delivered".into(),
        Fate::Failed { code, fallback } => {
            format!("failed ({})", code.as_deref().unwrap_or_else(|| fallback.as_str()))
        }
        Fate::Sent | Fate::Underway => "on its way".into(),
    }
}

fn number(arguments: &Arguments) -> anyhow::Result<Phone> {
    let country = arguments.country.as_deref().map(Country::parse).transpose();
    let country = country.map_err(|error| anyhow::anyhow!("--country: {error}"))?;
    let read = numbers::read(&arguments.to, country).map_err(|error| anyhow::anyhow!("--to: {error}"))?;
    if let Some(extension) = read.extension {
        say(&format!("no message can go to an extension: {extension} is left out"));
    }
    Ok(read.phone)
}

/// What goes out, and what it costs by each list, to the country where it goes.
fn announcement(gateway: &Gateway, message: &Message<'_>, prices: &[Money]) -> String {
    let mut text = format!("sending through {}: {}", gateway.name(), message.text());
    let mut units = 1;
    if gateway.channel() == Channel::Sms {
        let segments = segment::count(message.text());
        units = segments.count as u64;
        text.push_str(&format!("\n{} in {:?}", counted(segments.count, "segment"), segments.encoding));
    }
    let total = |unit: &Money| Money { amount_micros: unit.amount_micros.saturating_mul(units), ..*unit };
    let prices: Vec<_> = prices.iter().map(|unit| total(unit).to_string()).collect();
    if !prices.is_empty() {
        text.push_str(&format!("\nits price by your lists: {}", prices.join(", ")));
    }
    text
}

fn service<'a>(config: &'a Config, wanted: Option<&str>) -> anyhow::Result<&'a Service> {
    let services = config.file.tenants.iter().flat_map(|(tenant, settings)| {
        settings.services.iter().map(move |(name, service)| (format!("{tenant}/{name}"), service))
    });
    let mut known = Vec::new();
    for (name, service) in services {
        if wanted.is_none_or(|wanted| wanted == name) {
            return Ok(service);
        }
        known.push(name);
    }
    match wanted {
        None => anyhow::bail!("the settings have no service: add one under [tenants.….services.…]"),
        Some(wanted) => anyhow::bail!("--service {wanted}: the services are {}", known.join(", ")),
    }
}

fn sender(
    gateway: &Gateway,
    country: Option<Country>,
    wanted: Option<&str>,
) -> anyhow::Result<Option<Sender>> {
    let Some(wanted) = wanted else {
        let may = gateway.senders(country).into_iter().next();
        let Some(sender) = may else { anyhow::bail!("{}: no sender may go there", gateway.name()) };
        return Ok(sender.map(|sender| sender.id.clone()));
    };
    let mut senders = gateway.settings().senders.iter().map(|sender| &sender.id);
    let sender = senders.find(|sender| sender.as_str() == wanted).cloned();
    anyhow::ensure!(sender.is_some(), "--from {wanted}: {} has no such sender", gateway.name());
    Ok(sender)
}

fn tell(outcome: CallOutcome, code: Option<&str>) -> anyhow::Result<()> {
    let code = code.map(|code| format!(", the provider's code {code}")).unwrap_or_default();
    match outcome {
        CallOutcome::Taken { provider_id } => {
            say(&format!("taken: the provider calls it {provider_id}"));
            Ok(())
        }
        CallOutcome::Failed(reason) => {
            anyhow::bail!("not sent: {}{code} ({})", reason.as_str(), what_to_do(reason))
        }
        CallOutcome::Throttled { .. } => {
            anyhow::bail!("not sent: the provider asks us to slow down{code}; try again later")
        }
        CallOutcome::Unknown => anyhow::bail!(
            "nobody can tell: the provider was called and gave no clear answer; look at its console before trying again"
        ),
    }
}

fn what_to_do(reason: Reason) -> &'static str {
    match reason.class() {
        Class::Blocked => "the user or a register keeps it off; another channel may do",
        Class::Configuration => "look at the account, its sender, template and registration",
        Class::Permanent => "this address does not take it",
        Class::Throttled => "wait a while",
        Class::Transient => "it may go well after a while",
        Class::Unknown => {
            "look at the provider's console for what its code means, and at delivery.codes_path"
        }
    }
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "what was asked for")]
    {
        println!("{line}");
    }
}

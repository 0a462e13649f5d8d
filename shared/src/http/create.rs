//! Reading `POST /v1/orders`: everything that can be refused before a ledger is asked.

use std::net::IpAddr;

use super::Front;
use super::Request;
use super::Visit;
use super::findings::Findings;
use super::findings::Refused;
use super::policy;
use super::preflight::Facts;
use super::quote::QUOTE_CHARS_MAX;
use super::supply::Wish;
use crate::bytes;
use crate::bytes::Bytes;
use crate::directory::Caller;
use crate::directory::KeyKind;
use crate::directory::Service;
use crate::id::LedgerId;
use crate::id::ServiceId;
use crate::keys::IndexKey;
use crate::ledger::Create;
use crate::ledger::Standing;
use crate::mailbox;
use crate::phone::Kind;
use crate::phone::Phone;
use crate::price::AMOUNT_MICROS_MAX;
use crate::problem::Code;
use crate::problem::Problem;
use crate::risk::Factor;
use crate::risk::Factors;
use crate::risk::Origin;
use crate::trace::Trace;
use crate::trace::Traceparent;
use crate::wire::api::Channel;
use crate::wire::api::ChannelChoice;
use crate::wire::api::CheckName;
use crate::wire::api::CreateOrder;
use crate::wire::object::Object;

/// The longest idempotency key.
pub(crate) const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// The longest name a caller may give an order.
pub(crate) const CLIENT_REF_CHARS_MAX: usize = 64;
/// Pairs of metadata, and their lengths: kept with the order for a day.
pub(crate) const METADATA_PAIRS_MAX: usize = 10;
pub(crate) const METADATA_KEY_CHARS_MAX: usize = 40;
pub(crate) const METADATA_VALUE_CHARS_MAX: usize = 120;
/// BCP 47 section 4.4.1.
pub(crate) const LOCALE_CHARS_MAX: usize = 35;
const LOCALE_DEFAULT: &str = "en";

/// An order that may go to a ledger, and what is needed before it does.
pub(super) struct Draft {
    pub(super) create: Create,
    /// What was looked at.
    pub(super) facts: Facts,
    /// What it is refused with, unless it was accepted before.
    pub(super) refusal: Option<Problem>,
    /// The client's address, where one is known.
    pub(super) client_ip: Option<IpAddr>,
    /// The answer to a challenge.
    pub(super) answer: Option<String>,
}

pub(super) fn parse(front: &Front, visit: &Visit<'_>, caller: &Caller<'_>) -> Result<Draft, Refused> {
    let (Visit { request, directory, .. }, index) = (visit, &front.index);
    let key = idempotency_key(request)?;
    is_json(request)?;
    let Object(body): Object<CreateOrder> = bytes::read_json(&request.body)
        .map_err(|error| invalid(format!("The body is not a valid order: {}", without_values(&error))))?;
    check(&body, caller.key.kind)?;
    let mut findings = Findings::new(caller.key.kind);
    let Target { phone, email, service: (service_id, service), number } =
        target(&body, caller, &mut findings)?;
    let country = number.as_ref().and_then(|number| number.country);
    let risk = service.risk.max(body.risk.unwrap_or_default());
    // What goes by mail alone leads to no phone, now or on a resend: it is not counted there.
    let phone = phone.filter(|_| body.channel != ChannelChoice::Email);
    let (by_phone, by_email) = (phone.is_some(), email.is_some());
    let named = (service_id, service);
    let wish = Wish { visit, index, caller, body: &body, service: named, country, risk, by_phone, by_email };
    let supply = wish.supply(&mut findings)?;
    let (channel, safer_channel) = (supply.channel, supply.safer_channel);
    let (ledger, to) = counted(index, phone.as_ref(), email, channel);
    let prefix = phone.as_ref().map(|phone| index.prefix(caller.id, phone));
    let mut factors = known_factors(&body, number.as_ref());
    let is_suspect = policy::guard(visit, caller, prefix.zip(country), &mut factors)
        .map_err(|problem| findings.refuse(CheckName::Country, problem))?;
    let (client_ip, origin) = client(&body, caller.key.kind, visit);
    let is_stranger = caller.key.kind == KeyKind::Publishable || body.client.is_some();
    let create = Create {
        ledger,
        tenant: caller.id.clone(),
        service: service_id.clone(),
        limits: caller.tenant.limits,
        ceilings: directory.ceilings,
        // May be anyone: an app's user, or the user whose connection a server tells of.
        standing: if is_stranger { Standing::Stranger } else { Standing::Server },
        solved: None,
        is_suspect,
        origin,
        geo: caller.tenant.geo.clone(),
        factors,
        services: vec![directory.ways_of(service_id, service)],
        safer_channel,
        channels: supply.channels,
        risk,
        waiting_ms: service.waiting_ms,
        country,
        prefix,
        code: body.code.clone(),
        digits: service.digits,
        ttl_ms: service.ttl_ms,
        channel,
        max_price_micros: supply.max_price_micros,
        sms_segments: supply.sms_segments,
        trace: Some(trace(visit, caller.key.kind)),
        idempotency_key: index.fingerprint(caller.key.kind.prefix(), key.as_bytes()),
        fingerprint: fingerprint(&request.body, index)?,
        to,
        email: email.map(str::to_owned),
        phone,
        locale: body.locale.unwrap_or_else(|| LOCALE_DEFAULT.to_owned()),
        binding: body.binding,
        client_ref: body.client_ref,
        metadata: body.metadata.unwrap_or_default(),
    };
    let refusal = findings.refusal.take();
    let facts = Facts::new(findings.into_checks(), supply.quote, supply.predicted);
    Ok(Draft { create, facts, refusal, client_ip, answer: body.challenge })
}

/// Whom a code is for, and what for.
struct Target<'a> {
    phone: Option<Phone>,
    email: Option<&'a str>,
    service: (&'a ServiceId, &'a Service),
    number: Option<policy::Number>,
}

fn target<'a>(
    body: &'a CreateOrder,
    caller: &Caller<'a>,
    findings: &mut Findings,
) -> Result<Target<'a>, Refused> {
    let (phone, email) = match addresses(body) {
        Err(problem) if problem.code == Code::InvalidPhone => {
            return Err(findings.refuse(CheckName::Number, problem));
        }
        other => other?,
    };
    let service = service(&body.service, caller);
    let service = service.map_err(|problem| findings.refuse(CheckName::Service, problem))?;
    findings.pass(CheckName::Service, format!("{} is open to this key", service.0));
    let number = match phone.as_ref().map(|phone| policy::number(phone, caller)).transpose() {
        Err(problem) if problem.code == Code::InvalidPhone => {
            return Err(findings.refuse(CheckName::Number, problem));
        }
        Err(problem) => return Err(findings.refuse(CheckName::Country, problem)),
        Ok(number) => number,
    };
    let address = number.as_ref().map_or_else(|| "a mailbox".to_owned(), policy::Number::text);
    match number.as_ref().map(|number| number.kind) {
        Some(Kind::FixedLine) => {
            let detail = format!("{address}: few of them take text messages; all of them take calls");
            findings.warn(CheckName::Number, detail);
        }
        Some(Kind::Voip) => {
            findings
                .warn(CheckName::Number, format!("{address}: it counts as a risk, for anyone can rent one"));
        }
        _ => findings.pass(CheckName::Number, address),
    }
    let country = number.as_ref().and_then(|number| number.country);
    let country = country.map_or_else(|| "the address".to_owned(), |country| country.to_string());
    findings.pass(CheckName::Country, format!("{country} is open"));
    Ok(Target { phone, email, service, number })
}

/// Where an order counts, and its masked address. What may ever reach a phone counts at the phone, whichever channel comes
/// first: else every mailbox that is named beside it would bring limits of its own.
fn counted(
    index: &IndexKey,
    phone: Option<&Phone>,
    email: Option<&str>,
    first: Channel,
) -> (LedgerId, String) {
    let email = email.unwrap_or_default();
    match phone {
        Some(phone) if first == Channel::Email => {
            (index.ledger("phone", phone.e164()), mailbox::masked(email))
        }
        Some(phone) => (index.ledger("phone", phone.e164()), phone.masked()),
        None => (index.ledger("email", &email.to_ascii_lowercase()), mailbox::masked(email)),
    }
}

/// The caller's trace, where its server names one. Whoever holds an app must not write into the traces of others, nor say
/// what is recorded.
fn trace(visit: &Visit<'_>, kind: KeyKind) -> Trace {
    let named = visit.request.header("traceparent").filter(|_| kind == KeyKind::Secret);
    Trace::of(named.and_then(Traceparent::parse), visit.entropy)
}

/// What the request itself says of its risk.
fn known_factors(body: &CreateOrder, number: Option<&policy::Number>) -> Factors {
    let mut factors = Factors::default();
    if number.is_some_and(|number| number.kind == Kind::Voip) {
        factors.insert(Factor::VoipNumber);
    }
    if body.binding.is_some() {
        factors.insert(Factor::Payment);
    }
    factors
}

fn addresses(body: &CreateOrder) -> Result<(Option<Phone>, Option<&str>), Problem> {
    let phone = body.to.phone.as_deref().map(Phone::parse).transpose();
    let phone = phone.map_err(|error| Problem::new(Code::InvalidPhone, format!("to.phone: {error}.")))?;
    let email = body.to.email.as_deref().map(email).transpose()?;
    if phone.is_none() && email.is_none() {
        return Err(invalid("to: give a phone or an email"));
    }
    Ok((phone, email))
}

/// Where the user is: as the host sees it, or as the caller's server tells it.
fn client(body: &CreateOrder, kind: KeyKind, visit: &Visit<'_>) -> (Option<IpAddr>, Option<Origin>) {
    match (kind, &body.client) {
        (KeyKind::Publishable, _) => (visit.peer.ip, visit.peer.origin),
        (KeyKind::Secret, Some(client)) => (client.ip, client.country.map(|whereabouts| whereabouts.0)),
        (KeyKind::Secret, None) => (None, None),
    }
}

/// The parser's words, less what it read, be it a value or the name of a field: that may be a phone number.
pub(super) fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // What is sent may hold these words too: the parser's own are the last.
    if let Some((_, expected)) = text.rsplit_once(", expected") {
        return format!("expected{expected}");
    }
    // The rest are fixed words: of a field that is missing or stands twice, of what is no JSON, and those of our own types.
    if error.is_data() && text.starts_with("unknown ") {
        return format!("a name is unknown at line {} column {}", error.line(), error.column());
    }
    text
}

pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    let detail: String = detail.into();
    Problem::new(Code::InvalidRequest, format!("{detail}."))
}

/// A structured-field string (draft-ietf-httpapi-idempotency-key-header); bare visible ASCII is taken too.
pub(super) fn idempotency_key(request: &Request) -> Result<&str, Problem> {
    let Some(value) = request.header("idempotency-key").map(str::trim) else {
        let detail =
            "Send `Idempotency-Key: \"…\"`, a new random value for each order. Repeat it when you retry.";
        return Err(Problem::new(Code::IdempotencyKeyMissing, detail));
    };
    let key = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let is_visible = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\';
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_CHARS_MAX || !key.bytes().all(is_visible) {
        return Err(invalid(
            "Idempotency-Key must be 1 to 255 visible ASCII characters without quotes inside",
        ));
    }
    Ok(key)
}

fn check(body: &CreateOrder, kind: KeyKind) -> Result<(), Problem> {
    if kind == KeyKind::Publishable && body.client.is_some() {
        return Err(invalid(
            "client: only secret keys may tell of the client; with a publishable key it is seen",
        ));
    }
    // That both are one person's, only the tenant's server can know: a stranger would name a victim's and their own.
    if kind == KeyKind::Publishable && body.to.phone.is_some() && body.to.email.is_some() {
        return Err(invalid("to: with a publishable key give a phone or an email, not both"));
    }
    // Whoever holds an app holds its key: a stranger must not choose words of a message.
    if kind == KeyKind::Publishable && body.binding.is_some() {
        return Err(invalid("binding: only secret keys may name a payment"));
    }
    if kind == KeyKind::Publishable && body.code.is_some() {
        return Err(invalid("code: only secret keys may bring a code of their own"));
    }
    // Prices are the tenant's business, and a quote tells of them.
    if kind == KeyKind::Publishable && (body.max_price.is_some() || body.quote.is_some()) {
        return Err(invalid("max_price, quote: only secret keys may say what an order may cost"));
    }
    if body.max_price.is_some_and(|money| money.amount_micros > AMOUNT_MICROS_MAX) {
        return Err(invalid(format!("max_price.amount_micros must be at most {AMOUNT_MICROS_MAX}")));
    }
    if body.quote.as_deref().is_some_and(|text| text.chars().count() > QUOTE_CHARS_MAX) {
        return Err(invalid(format!(
            "quote must be as the preflight gave it: at most {QUOTE_CHARS_MAX} characters"
        )));
    }
    let is_printable = |text: &str| !text.chars().any(|char| char.is_control() || is_bidi(char));
    let fits = |text: &str, max: usize| text.chars().count() <= max && is_printable(text);
    if body.client_ref.as_deref().is_some_and(|text| !fits(text, CLIENT_REF_CHARS_MAX)) {
        return Err(invalid("client_ref must be at most 64 printable characters"));
    }
    let locale_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_locale =
        |text: &str| (2..=LOCALE_CHARS_MAX).contains(&text.len()) && text.bytes().all(locale_char);
    if body.locale.as_deref().is_some_and(|text| !is_locale(text)) {
        return Err(invalid("locale must be a BCP 47 tag, such as \"en\" or \"pt-BR\""));
    }
    let metadata = body.metadata.as_ref();
    let pair_fits = |(key, value): (&String, &String)| {
        !key.is_empty() && fits(key, METADATA_KEY_CHARS_MAX) && fits(value, METADATA_VALUE_CHARS_MAX)
    };
    if metadata.is_some_and(|pairs| pairs.len() > METADATA_PAIRS_MAX || !pairs.iter().all(pair_fits)) {
        return Err(invalid(
            "metadata holds at most 10 pairs, keys of 40 and values of 120 printable characters",
        ));
    }
    Ok(())
}

/// Turns the direction of what follows: a text that people read then seems to say something else.
fn is_bidi(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn email(text: &str) -> Result<&str, Problem> {
    let is_address = mailbox::is_address(text).then_some(text);
    is_address.ok_or_else(|| invalid("to.email must be an address, such as \"user@example.com\""))
}

fn service<'a>(name: &str, caller: &Caller<'a>) -> Result<(&'a ServiceId, &'a Service), Problem> {
    let known = ServiceId::parse(name).ok().and_then(|id| caller.tenant.services.get_key_value(&id));
    known.filter(|(id, _)| caller.is_for(id)).ok_or_else(|| {
        let own = caller.tenant.services.keys().filter(|id| caller.is_for(id));
        let names: Vec<_> = own.map(ServiceId::as_str).collect();
        Problem::new(Code::UnknownService, format!("Your services are: {}.", names.join(", ")))
    })
}

/// Of the content, not its spelling: spaces and the order of fields do not make another request.
/// Nor does a challenge: it is solved for an order that was asked for without it. Nor a quote: who asks again after a minute
/// has another.
fn fingerprint(body: &[u8], index: &IndexKey) -> Result<Bytes<16>, Problem> {
    let mut value: serde_json::Value = bytes::read_json(body).map_err(|_| invalid("the body is not JSON"))?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("challenge");
        fields.remove("quote");
    }
    let canonical = serde_json::to_vec(&value).map_err(|_| invalid("the body is not JSON"))?;
    Ok(index.fingerprint("order", &canonical))
}

pub(super) fn is_json(request: &Request) -> Result<(), Problem> {
    let Some(value) = request.header("content-type") else { return Ok(()) };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(invalid("Send `Content-Type: application/json`"))
}

//! The packet as a page: one file, no script, nothing from elsewhere; for people, and for paper.

mod words;

use std::fmt::Write as _;

use tiffin_shared::bytes;
use tiffin_shared::evidence::Charged;
use tiffin_shared::evidence::Clock;
use tiffin_shared::evidence::Costs;
use tiffin_shared::evidence::Evidence;
use tiffin_shared::evidence::Exchange;
use tiffin_shared::evidence::Field;
use tiffin_shared::evidence::Media;
use tiffin_shared::evidence::Received;
use tiffin_shared::evidence::Text;
use tiffin_shared::evidence::Tried;
use tiffin_shared::evidence::Upload;
use tiffin_shared::http::PAGE_POLICY;
use tiffin_shared::order::AttemptState;
use tiffin_shared::price::Money;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::OrderState;

use self::words::capital;
use self::words::escape;
use self::words::name;
use super::Packet;

const CSS: &str = include_str!("page/page.css");
/// Characters of a link that a table shows: enough to compare by eye. The packet has all.
const LINK_CHARS: usize = 12;

/// The whole page.
pub fn page(packet: &Packet) -> String {
    let evidence = &packet.evidence;
    // `frame-ancestors` is for the header: a page cannot say it of itself.
    let policy = PAGE_POLICY.replace("; frame-ancestors 'none'", "");
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"content-security-policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Evidence for order {}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n",
        evidence.order
    );
    out.push_str(&head(evidence));
    out.push_str(&seal(packet));
    out.push_str("<main>\n");
    out.push_str(&timeline(evidence));
    out.push_str("<h2 id=\"attempts\">Attempts</h2>\n");
    if evidence.attempts.is_empty() {
        let why = match evidence.erased_at {
            Some(_) => "Erased: what was sent is no longer known.",
            None => "No provider was called.",
        };
        writeln!(out, "<p class=\"none\">{why}</p>").ok();
    }
    evidence.attempts.iter().for_each(|tried| out.push_str(&attempt(tried)));
    if let Some(paid) = &evidence.costs {
        out.push_str(&costs(paid));
    }
    out.push_str(&clocks(&evidence.clocks));
    out.push_str(&uploads(&packet.uploads));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn head(evidence: &Evidence) -> String {
    let Evidence { account, risk, .. } = evidence;
    let text = |value: &Option<String>| value.as_deref().map(escape);
    let risk = risk.as_ref().map(|risk| {
        let factors: Vec<_> = risk.factors.iter().map(|factor| name(factor.as_str())).collect();
        format!("{}: {}", words::of(&risk.tier), factors.join(", "))
    });
    let advice = evidence
        .advice
        .as_ref()
        .map(|advice| format!("{}: {}", capital(&name(&words::of(&advice.action))), escape(&advice.because)));
    let rows = [
        ("Account", account.tenant.as_ref().map(|tenant| escape(tenant.as_str()))),
        ("Account email", text(&account.email)),
        ("Request", evidence.request.as_ref().map(|id| format!("<code>{}</code>", escape(id)))),
        ("Trace", evidence.trace.map(|id| format!("<code>{id}</code>"))),
        ("Service", evidence.service.as_ref().map(|service| escape(service.as_str()))),
        ("Sent to", text(&evidence.to)),
        ("Country", evidence.country.map(|country| escape(&country.to_string()))),
        ("Ordered by", evidence.channel.map(|channel| name(channel.as_str()))),
        ("Ordered", evidence.created_at.map(time)),
        ("Code lived until", evidence.expires_at.map(time)),
        ("Risk", risk),
        ("Advice", advice),
        ("Erased on request", evidence.erased_at.map(time)),
        ("Made", Some(time(evidence.made_at))),
    ];
    let class = match evidence.state {
        OrderState::Delivered | OrderState::Verified => " good",
        OrderState::Failed | OrderState::Expired => " bad",
        _ => "",
    };
    let reason =
        evidence.reason.map(|reason| format!(" <span class=\"faint\">{}</span>", name(reason.as_str())));
    let open = if evidence.is_closed { "" } else { " <span class=\"faint\">still open</span>" };
    format!(
        "<header>\n<p class=\"kind\">Tiffin evidence packet</p>\n<h1>Order <span class=\"mono\">{}</span></h1>\n\
         <p><span class=\"state{class}\">{}</span>{}{open}</p>\n{}</header>\n",
        evidence.order,
        name(&words::of(&evidence.state)),
        reason.unwrap_or_default(),
        list(&rows)
    )
}

fn seal(packet: &Packet) -> String {
    let read: serde_json::Value = serde_json::from_str(&packet.text).unwrap_or_default();
    let part = |part: &str| {
        let text = read.get("seal").and_then(|seal| seal.get(part)).and_then(serde_json::Value::as_str);
        text.map(|text| format!("<code>{}</code>", escape(text)))
    };
    let head = format!("<code>{}</code>", bytes::encode(&packet.evidence.head.0));
    let rows = [("Key", part("key")), ("Signature", part("signature")), ("Timeline's head", Some(head))];
    format!(
        "<section class=\"seal\" aria-label=\"Seal\">\n<p>Core signed this packet with Ed25519. This page is for reading: what \
         is signed is the JSON of the same packet, which <code>tiffin order evidence --verify FILE</code> checks with core's \
         public key alone.</p>\n{}</section>\n",
        list(&rows)
    )
}

fn timeline(evidence: &Evidence) -> String {
    let mut out = "<h2 id=\"timeline\">Timeline</h2>\n<table>\n<caption>Times are UTC, by core's clock. Each link covers the \
         entry and the link before it.</caption>\n<thead><tr><th scope=\"col\">#</th><th scope=\"col\">Time</th><th \
         scope=\"col\">What happened</th><th scope=\"col\">Link</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for entry in &evidence.timeline {
        let link = bytes::encode(&entry.link.0);
        writeln!(
            out,
            "<tr><td class=\"n\">{}</td><td class=\"at\">{}</td><td>{}</td><td class=\"link mono\">{}…</td></tr>",
            entry.n,
            clock(entry.at),
            words::happening(&entry.what),
            link.get(..LINK_CHARS).unwrap_or(&link)
        )
        .ok();
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

fn attempt(tried: &Tried) -> String {
    let class = match tried.state {
        AttemptState::Delivered => "good",
        AttemptState::Failed => "bad",
        _ => "",
    };
    let rows = [
        ("Sender", tried.sender.as_ref().map(|sender| escape(sender.as_str()))),
        (
            "Provider's message id",
            tried.provider_id.as_ref().map(|id| format!("<code>{}</code>", escape(id))),
        ),
        ("Reason", tried.reason.map(|reason| name(reason.as_str()))),
        ("Changed", Some(escape(&tried.changed))),
        ("Called", Some(time(tried.called_at))),
    ];
    let kind = tried.kind.as_ref().map(|kind| format!(" ({})", escape(kind))).unwrap_or_default();
    let mut out = format!(
        "<section class=\"attempt\">\n<h3>Attempt {}: {} through {}{kind} <span class=\"state {class}\">{}</span></h3>\n{}",
        tried.n,
        name(tried.channel.as_str()),
        escape(tried.gateway.as_str()),
        name(&words::of(&tried.state)),
        list(&rows)
    );
    tried.exchanges.iter().for_each(|exchange| out.push_str(&self::exchange(exchange)));
    tried.receipts.iter().for_each(|receipt| out.push_str(&self::receipt(receipt)));
    if tried.exchanges.is_empty() {
        out.push_str("<p class=\"none\">Nothing is kept of what was said to the provider.</p>\n");
    }
    if tried.has_more {
        out.push_str("<p class=\"none\">There was more than is kept.</p>\n");
    }
    out.push_str("</section>\n");
    out
}

fn exchange(exchange: &Exchange) -> String {
    let took_ms = exchange.ended_at.since(exchange.began_at);
    let mut out = format!(
        "<h4>{}: {} to {} ({took_ms} ms)</h4>\n<p class=\"label\">Request; the code is shown as zeros</p>\n<pre>{}</pre>\n",
        capital(&name(&exchange.purpose)),
        clock(exchange.began_at),
        clock(exchange.ended_at),
        escape(&exchange.request.line)
    );
    let auth =
        exchange.request.auth.iter().map(|auth| Field { name: "who we are".into(), value: auth.clone() });
    let headers: Vec<_> = exchange.request.headers.iter().cloned().chain(auth).collect();
    out.push_str(&fields(&headers));
    out.push_str(&body(exchange.request.body.as_ref()));
    match (&exchange.reply, &exchange.failure) {
        (Some(reply), _) => {
            write!(out, "<p class=\"label\">Reply</p>\n<pre>{}</pre>\n", escape(&reply.status)).ok();
            out.push_str(&fields(&reply.headers));
            out.push_str(&body(reply.body.as_ref()));
        }
        (None, failure) => {
            let why = failure.as_deref().unwrap_or("no reply");
            writeln!(out, "<p class=\"label bad\">{}</p>", escape(why)).ok();
        }
    }
    out
}

fn receipt(receipt: &Received) -> String {
    let (class, proven) = if receipt.is_proven { ("good", "proven") } else { ("bad", "a hint: not proven") };
    let rows = [
        ("Proof", Some(format!("<span class=\"{class}\">{proven}</span>, {}", escape(&receipt.scheme)))),
        ("Provider's code", receipt.code.as_deref().map(escape)),
        ("Provider's time", receipt.provider_time.as_deref().map(escape)),
    ];
    format!(
        "<h4>Receipt: {}, {}</h4>\n{}{}{}",
        name(&receipt.fate),
        clock(receipt.at),
        list(&rows),
        fields(&receipt.headers),
        body(receipt.body.as_ref())
    )
}

fn costs(costs: &Costs) -> String {
    let money = |micros: u64| {
        let amount = Money { amount_micros: micros, currency: costs.currency };
        Some(escape(&amount.to_string()))
    };
    let rows = [
        ("Held", money(costs.held_micros)),
        ("Charged", money(costs.captured_micros)),
        ("Released", money(costs.released_micros)),
        ("Refunded", money(costs.refunded_micros)),
    ];
    let one = |charge: &Charged| {
        let price = money(charge.micros).unwrap_or_default();
        format!("<p>Attempt {}: {price}, {}</p>\n", charge.n, name(&charge.state))
    };
    let charges: String = costs.charges.iter().map(one).collect();
    format!("<h2 id=\"costs\">Costs</h2>\n{}{charges}", list(&rows))
}

fn clocks(clocks: &[Clock]) -> String {
    let mut out = "<h2 id=\"clocks\">Clocks</h2>\n".to_owned();
    if clocks.is_empty() {
        out.push_str("<p class=\"none\">No provider told its time.</p>\n");
        return out;
    }
    out.push_str("<table>\n<thead><tr><th scope=\"col\">Provider</th><th scope=\"col\">Theirs minus ours</th></tr></thead>\n<tbody>\n");
    for Clock { gateway, offset_ms, error_ms, samples } in clocks {
        let gateway = escape(gateway.as_str());
        let replies = if *samples == 1 { "1 reply".to_owned() } else { format!("{samples} replies") };
        writeln!(out, "<tr><td>{gateway}</td><td>{offset_ms:+} ms ± {error_ms} ms, from {replies}</td></tr>")
            .ok();
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

fn uploads(uploads: &[Upload]) -> String {
    let mut out = "<h2 id=\"uploads\">Added by support</h2>\n".to_owned();
    if uploads.is_empty() {
        out.push_str("<p class=\"none\">Nothing.</p>\n");
    }
    for (n, upload) in (1..).zip(uploads) {
        let note = upload.note.as_deref().map(|note| format!(" {}", escape(note))).unwrap_or_default();
        let by = upload.by.as_deref().map(|by| format!(" by {}", escape(by))).unwrap_or_default();
        let media = upload.media.as_str();
        let digest = upload.sha256.map(|it| format!(", SHA-256 <code>{}</code>", bytes::encode(&it.0)));
        // Base64 and a type of ours: nothing of it can leave the attribute.
        let shown = match (&upload.removed, upload.media) {
            (Some(gone), _) => {
                format!("<p class=\"none\">Removed by {} at {}.</p>", escape(&gone.by), time(gone.at))
            }
            (None, Media::Text) => format!("<pre>{}</pre>", escape(&upload.content)),
            (None, Media::Jpeg | Media::Png | Media::Webp) => {
                format!(
                    "<img src=\"data:{media};base64,{}\" alt=\"Picture added by support\">",
                    upload.content
                )
            }
        };
        write!(
            out,
            "<figure>\n<figcaption>{n}. {}{by} {media}, {} bytes{}{note}</figcaption>\n{shown}\n</figure>\n",
            time(upload.at),
            upload.bytes,
            digest.unwrap_or_default()
        )
        .ok();
    }
    out
}

fn list(rows: &[(&str, Option<String>)]) -> String {
    let rows = rows.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let rows: String = rows.map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")).collect();
    if rows.is_empty() { rows } else { format!("<dl>\n{rows}</dl>\n") }
}

fn fields(fields: &[Field]) -> String {
    let line = |field: &Field| format!("{}: {}", field.name, field.value);
    let lines = fields.iter().map(line).collect::<Vec<_>>().join("\n");
    if lines.is_empty() { lines } else { format!("<pre>{}</pre>\n", escape(&lines)) }
}

fn body(body: Option<&Text>) -> String {
    let Some(Text { text, is_cut }) = body else { return String::new() };
    // As it is kept, spread out to be read.
    let pretty = serde_json::from_str::<serde_json::Value>(text).ok().filter(|json| !json.is_number());
    let pretty = pretty.and_then(|json| serde_json::to_string_pretty(&json).ok());
    let more = if *is_cut { "\n… (cut)" } else { "" };
    format!("<pre>{}{more}</pre>\n", escape(pretty.as_deref().unwrap_or(text)))
}

fn time(at: UnixMs) -> String {
    format!("<time datetime=\"{0}\">{0}</time>", at.rfc3339())
}

/// Without the `T`, so that it breaks where a line is short.
fn clock(at: UnixMs) -> String {
    let text = at.rfc3339();
    format!("<time datetime=\"{text}\">{}</time>", text.replace('T', " ").trim_end_matches('Z'))
}

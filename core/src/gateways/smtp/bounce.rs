//! Bounces: what a mail server reports of a message it took, or of one it handed on (RFC 3464).
//!
//! A report names its message by our tag, and the tag's check is all that is believed of it: whoever was sent a message
//! can report on that one, and nobody can on another.

use mail_parser::MessageParser;
use mail_parser::MimeHeaders;
use mail_parser::PartType;
use tiffin_shared::reference::Reference;

use super::reply::is_enhanced;
use super::tag::Tags;

/// Headers of the report that may bear the address it was sent to.
const RECIPIENT_HEADERS: [&str; 5] = ["To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];
/// Headers of the message sent back that bear its tag.
const ORIGINAL_HEADERS: [&str; 2] = ["Message-ID", "Return-Path"];

/// A report on one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which.
    pub attempt: Reference,
    /// The tag that said so.
    pub tag: String,
    /// What became of it.
    pub action: Action,
    /// `5.1.1`; more exact where the server that refused was.
    pub status: String,
}

/// RFC 3464, 2.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It will not arrive.
    Failed,
    /// It is still tried.
    Delayed,
    /// It is in the mailbox.
    Delivered,
    /// It was handed to a server that sends no reports, or to several mailboxes.
    Relayed,
}

/// Not a report on a message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No `multipart/report` with a readable `message/delivery-status`: an automatic reply, or an older kind of bounce.
    #[error("not a delivery report")]
    Format,
    /// No tag of ours, or two different ones.
    #[error("the report does not name one message of ours")]
    Tag,
}

/// Reads a report.
pub fn read(raw: &[u8], tags: &Tags) -> Result<Report, Error> {
    let message = MessageParser::default().parse(raw).ok_or(Error::Format)?;
    if !message.is_content_type("multipart", "report") {
        return Err(Error::Format);
    }
    let is_status = |part: &&mail_parser::MessagePart<'_>| {
        part.is_content_type("message", "delivery-status")
            || part.is_content_type("message", "global-delivery-status")
    };
    let part = message.parts.iter().find(is_status).ok_or(Error::Format)?;
    let status = String::from_utf8_lossy(part.contents()).into_owned();
    let mut groups = groups(&status);
    let of_message = groups.next().ok_or(Error::Format)?;
    let of_recipient = groups.next().ok_or(Error::Format)?;

    let mut named = String::new();
    let mut note = |text: &str| {
        named.push_str(text);
        named.push('\n');
    };
    field(&of_message, "Original-Envelope-Id").into_iter().for_each(&mut note);
    RECIPIENT_HEADERS.iter().filter_map(|name| message.header_raw(*name)).for_each(&mut note);
    for part in &message.parts {
        let headers = match &part.body {
            PartType::Message(original) => {
                ORIGINAL_HEADERS.iter().filter_map(|name| original.header_raw(*name)).for_each(&mut note);
                continue;
            }
            PartType::Text(text) if part.is_content_type("text", "rfc822-headers") => text,
            _ => continue,
        };
        let lines = unfolded(headers);
        ORIGINAL_HEADERS.iter().filter_map(|name| field(&lines, name)).for_each(&mut note);
    }
    let (tag, attempt) = one(tags.find(&named)).ok_or(Error::Tag)?;
    let action = match field(&of_recipient, "Action").ok_or(Error::Format)?.to_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        // Exim says so, too, of what it handed to a server that sends no reports.
        "delivered" if field(&of_recipient, "Remote-MTA").is_some() => Action::Relayed,
        "delivered" => Action::Delivered,
        "relayed" | "expanded" => Action::Relayed,
        _ => return Err(Error::Format),
    };
    let status = status_of(&of_recipient).ok_or(Error::Format)?;
    Ok(Report { attempt, tag: tag.to_owned(), action, status })
}

/// `Status`, or what the server that refused said (`Diagnostic-Code: smtp; 550 5.1.1 …`) where the status is one of the
/// catch-alls `x.0.0` that some servers always write.
fn status_of(of_recipient: &[(String, String)]) -> Option<String> {
    let first =
        |text: &str| text.split_whitespace().next().filter(|word| is_enhanced(word)).map(str::to_owned);
    let status = field(of_recipient, "Status").and_then(first);
    let is_vague = status.as_ref().is_none_or(|status| status.ends_with(".0.0"));
    let said = field(of_recipient, "Diagnostic-Code").filter(|_| is_vague).and_then(|text| {
        let (kind, text) = text.split_once(';')?;
        let is_smtp = kind.trim().eq_ignore_ascii_case("smtp");
        // Behind the digits, after a space or a hyphen; or of a report that left the digits out.
        let words =
            text.split(|char: char| char.is_whitespace() || char == '-').filter(|word| !word.is_empty());
        is_smtp.then(|| words.take(3).find(|word| is_enhanced(word)).map(str::to_owned)).flatten()
    });
    said.or(status)
}

/// The groups of fields, which empty lines part (RFC 3464, 2.1).
fn groups(text: &str) -> impl Iterator<Item = Vec<(String, String)>> {
    let text = text.replace("\r\n", "\n");
    let groups: Vec<_> = text.split("\n\n").map(unfolded).filter(|group| !group.is_empty()).collect();
    groups.into_iter()
}

/// Names and values of header fields, with continuation lines joined (RFC 5322, 2.2.3).
fn unfolded(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    fields
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The one thing that all of them are.
fn one<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests;

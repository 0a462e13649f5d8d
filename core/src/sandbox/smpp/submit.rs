//! A message that came, and what the faults make of it.

use std::sync::Arc;

use rusmpp::Command;
use rusmpp::pdus::SubmitSm;
use rusmpp::pdus::SubmitSmResp;
use rusmpp::types::COctetString;

use super::line::Line;
use super::line::Out;
use super::receipt;
use super::session::respond;
use crate::gateways::smpp::status;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::clock;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Refusal;
use crate::sandbox::taking::Silence;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

/// Digits of a number: ITU-T E.164 section 6.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A part of a long message that is not the one that makes it whole.
pub(super) fn part(sequence: u32) -> Command {
    match message_id() {
        Some(id) => taken(&id, sequence),
        None => refused(status::RSYSERR, sequence),
    }
}

/// A whole message: answers in its own time.
pub(super) async fn whole(
    pdu: SubmitSm,
    text: String,
    sequence: u32,
    line: Arc<Line>,
    sandbox: Arc<Sandbox>,
) {
    let known = |account: &&Account| account.gateway() == line.gateway;
    let Some(account) = sandbox.accounts.iter().find(known) else { return };
    let to = format!("+{}", pdu.destination_addr.as_str());
    let taking = Taking::begin(&sandbox, account, Some(Pair::new(&to, &text))).await;
    let taken_or_not = taking.end(|| {
        let message = message(account, &pdu, to, text)?;
        Ok((message, receipt::teller(&sandbox, &line.gateway, &pdu)))
    });
    let answer = match taken_or_not.await {
        Taken::Yes(message) => taken(&message.entry.id, sequence),
        Taken::No(Refusal::Code(code)) => refused(read_status(&code), sequence),
        Taken::No(Refusal::Internal) => refused(status::RSYSERR, sequence),
        Taken::No(Refusal::Invalid(status)) => refused(status, sequence),
        Taken::No(Refusal::TooMany(_)) => refused(status::RTHROTTLED, sequence),
        Taken::Silence(Silence::Held) => return,
        Taken::Silence(Silence::Cut) => return drop(line.out.send(Out::Cut).await),
    };
    // It fails where the session is over: the answer is lost, as at any SMSC.
    line.out.send(Out::Pdu(Box::new(answer))).await.ok();
}

fn message(account: &Account, pdu: &SubmitSm, to: String, text: String) -> Result<Message, u32> {
    let digits = pdu.destination_addr.as_str();
    if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RINVDSTADR);
    }
    let id = message_id().ok_or(status::RSYSERR)?;
    let (channel, gateway) = (account.channel(), account.gateway().to_owned());
    let entry = Entry { to, channel, gateway, at: String::new(), text, id };
    let from = Some(pdu.source_addr.as_str().to_owned()).filter(|from| !from.is_empty());
    Ok(Message { from, ..Message::queued(entry, clock::now_ms()) })
}

fn taken(id: &str, sequence: u32) -> Command {
    let id = id.parse().unwrap_or_else(|_impossible| COctetString::null());
    respond(status::ROK, sequence, SubmitSmResp::new(id, Vec::new()).into())
}

fn refused(status: u32, sequence: u32) -> Command {
    respond(status, sequence, SubmitSmResp::new(COctetString::null(), Vec::new()).into())
}

/// `0x0000000B`, or `11`.
fn read_status(code: &str) -> u32 {
    let by_hex = code.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
    by_hex.or_else(|| code.parse().ok()).filter(|status| *status != status::ROK).unwrap_or(RSUBMITFAIL)
}

/// 16 hexadecimal digits.
fn message_id() -> Option<String> {
    getrandom::u64().ok().map(|number| format!("{number:016x}"))
}

/// SMPP 3.4, 5.1.3: invalid destination address, and submit failed.
const RINVDSTADR: u32 = 0x0B;
const RSUBMITFAIL: u32 = 0x45;

//! One connection: who it is, then its requests.

use std::sync::Arc;
use std::time::Duration;

use futures::SinkExt;
use futures::StreamExt as _;
use rusmpp::Command;
use rusmpp::CommandId;
use rusmpp::CommandStatus;
use rusmpp::Pdu;
use rusmpp::pdus::BindReceiverResp;
use rusmpp::pdus::BindTransceiverResp;
use rusmpp::pdus::BindTransmitterResp;
use rusmpp::pdus::CancelSm;
use rusmpp::pdus::QuerySm;
use rusmpp::pdus::QuerySmResp;
use rusmpp::types::EmptyOrFullCOctetString;
use rusmpp::values::MessageState;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::line::Line;
use super::line::Out;
use super::submit;
use super::text::Unfinished;
use crate::gateways::smpp::status;
use crate::gateways::smpp::wire::Frame;
use crate::gateways::smpp::wire::Wire;
use crate::sandbox::Account;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::state::Sandbox;

/// PDUs that wait to be written: a large window, and as many receipts.
const OUT_MAX: usize = 2_048;
/// How long a stranger may keep the connection.
const BIND_TIMEOUT: Duration = Duration::from_secs(10);
/// SMPP 3.4, 5.1.3: the query failed.
const RQUERYFAIL: u32 = 0x67;
/// The message cannot be cancelled.
const RCANCELFAIL: u32 = 0x11;

/// Until the peer unbinds or hangs up, or the sandbox closes.
pub(super) async fn run(stream: TcpStream, sandbox: Arc<Sandbox>) {
    // It fails on a connection that is gone already, which the first read will tell.
    let _set = stream.set_nodelay(true);
    let mut framed = Framed::new(stream, Wire::default());
    let (out, outs) = mpsc::channel(OUT_MAX);
    let Ok(Some(line)) = timeout(BIND_TIMEOUT, bind(&mut framed, &sandbox, out)).await else { return };
    let line = Arc::new(line);
    sandbox.smpp.add(Arc::clone(&line));
    tokio::select! {
        () = serve(framed, outs, &line, &sandbox) => {}
        () = sandbox.closed() => {}
    }
    sandbox.smpp.remove(&line);
}

/// The first PDU; nothing where it is no bind that is allowed.
async fn bind(
    framed: &mut Framed<TcpStream, Wire>,
    sandbox: &Sandbox,
    out: mpsc::Sender<Out>,
) -> Option<Line> {
    let Some(Ok(Frame::Command(command))) = framed.next().await else { return None };
    let (system_id, password) = match command.pdu()? {
        Pdu::BindTransceiver(bind) => (&bind.system_id, &bind.password),
        Pdu::BindTransmitter(bind) => (&bind.system_id, &bind.password),
        Pdu::BindReceiver(bind) => (&bind.system_id, &bind.password),
        _ => return None,
    };
    let known =
        |account: &&Account| account.kind() == "smpp" && account.key("system_id") == system_id.as_str();
    let account = sandbox.accounts.iter().find(known);
    let status = match account {
        None => status::RINVSYSID,
        Some(account) if account.secret("password") != password.as_str() => status::RINVPASWD,
        Some(_) => status::ROK,
    };
    let name = system_id.clone();
    let answer: Pdu = match command.id() {
        CommandId::BindTransmitter => BindTransmitterResp::new(name, None).into(),
        CommandId::BindReceiver => BindReceiverResp::new(name, None).into(),
        _ => BindTransceiverResp::new(name, None).into(),
    };
    framed.send(&respond(status, command.sequence_number(), answer)).await.ok()?;
    let gateway = account.filter(|_| status == status::ROK)?.gateway().to_owned();
    Some(Line::new(gateway, command.id() != CommandId::BindTransmitter, out))
}

async fn serve(
    mut framed: Framed<TcpStream, Wire>,
    mut outs: mpsc::Receiver<Out>,
    line: &Arc<Line>,
    sandbox: &Arc<Sandbox>,
) {
    let unfinished = Arc::new(Unfinished::default());
    loop {
        tokio::select! {
            frame = framed.next() => match frame {
                Some(Ok(Frame::Command(command))) => {
                    let is_over = command.id() == CommandId::Unbind;
                    if let Some(answer) = answer(*command, line, sandbox, &unfinished)
                        && framed.send(&answer).await.is_err()
                    {
                        return;
                    }
                    if is_over {
                        return;
                    }
                }
                Some(Ok(Frame::Malformed { sequence, .. })) => {
                    let answer = respond(status::RINVCMDLEN, sequence, Pdu::GenericNack);
                    if framed.send(&answer).await.is_err() {
                        return;
                    }
                }
                Some(Err(_)) | None => return,
            },
            out = outs.recv() => match out {
                Some(Out::Pdu(command)) => {
                    let fed = framed.feed(&*command).await;
                    if fed.is_err() || (outs.is_empty() && flush(&mut framed).await.is_err()) {
                        return;
                    }
                }
                Some(Out::Cut) => {
                    // It fails on a connection that is gone already.
                    let _set = framed.get_ref().set_zero_linger();
                    return;
                }
                None => return,
            },
        }
    }
}

async fn flush(framed: &mut Framed<TcpStream, Wire>) -> Result<(), crate::gateways::smpp::wire::WireError> {
    SinkExt::<&Command>::flush(framed).await
}

/// The answer; nothing where it comes later, or never.
fn answer(
    command: Command,
    line: &Arc<Line>,
    sandbox: &Arc<Sandbox>,
    unfinished: &Arc<Unfinished>,
) -> Option<Command> {
    let (sequence, status) = (command.sequence_number(), u32::from(command.status()));
    match (command.id(), command.pdu()) {
        (CommandId::SubmitSm, Some(Pdu::SubmitSm(pdu))) => {
            let (line, sandbox) = (Arc::clone(line), Arc::clone(sandbox));
            match unfinished.add(pdu) {
                // What takes its time holds up nobody else.
                Some(text) => {
                    drop(tokio::spawn(submit::whole(pdu.clone(), text, sequence, line, sandbox)));
                    None
                }
                None => Some(submit::part(sequence)),
            }
        }
        (CommandId::QuerySm, Some(Pdu::QuerySm(pdu))) => Some(query(pdu, sequence, line, sandbox)),
        (CommandId::CancelSm, Some(Pdu::CancelSm(pdu))) => Some(cancel(pdu, sequence, line, sandbox)),
        (CommandId::EnquireLink, _) => Some(respond(status::ROK, sequence, Pdu::EnquireLinkResp)),
        (CommandId::Unbind, _) => Some(respond(status::ROK, sequence, Pdu::UnbindResp)),
        (CommandId::DeliverSmResp | CommandId::GenericNack, _) => {
            line.answered(sequence, status);
            None
        }
        (CommandId::EnquireLinkResp | CommandId::UnbindResp, _) => None,
        _ => Some(respond(status::RINVCMDID, sequence, Pdu::GenericNack)),
    }
}

fn query(pdu: &QuerySm, sequence: u32, line: &Line, sandbox: &Sandbox) -> Command {
    let message = sandbox.inbox.find(pdu.message_id.as_str());
    let message = message.filter(|message| message.entry.gateway == line.gateway);
    let state = message.as_ref().map(|message| match message.status {
        _ if message.is_stopped => MessageState::Deleted,
        Status::Queued => MessageState::Accepted,
        Status::Sent => MessageState::Enroute,
        Status::Delivered => MessageState::Delivered,
        Status::Undelivered => MessageState::Undeliverable,
    });
    let status = if state.is_some() { status::ROK } else { RQUERYFAIL };
    let state = state.unwrap_or(MessageState::Unknown);
    let answer = QuerySmResp::new(pdu.message_id.clone(), EmptyOrFullCOctetString::empty(), state, 0);
    respond(status, sequence, answer.into())
}

/// Stops what is in the queue, where the sender is the one that it went out with.
fn cancel(pdu: &CancelSm, sequence: u32, line: &Line, sandbox: &Sandbox) -> Command {
    let message = sandbox.inbox.find(pdu.message_id.as_str());
    let is_own = |message: &Message| {
        message.entry.gateway == line.gateway
            && message.from.as_deref().unwrap_or_default() == pdu.source_addr.as_str()
    };
    let is_stopped =
        message.filter(is_own).is_some_and(|message| sandbox.inbox.stop(&message.entry.id, clock::now_ms()));
    let status = if is_stopped { status::ROK } else { RCANCELFAIL };
    respond(status, sequence, Pdu::CancelSmResp)
}

/// An answer.
pub(super) fn respond(status: u32, sequence: u32, pdu: Pdu) -> Command {
    Command::new(CommandStatus::from(status), sequence, pdu)
}

//! Messages a second over one session: from the call of `send` to its answer, and the bare codec on the same wire as the floor.
//! Both against one SMSC in a process's other thread that answers at once.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use futures::SinkExt;
use futures::StreamExt;
use futures::stream;
use rusmpp::Command;
use rusmpp::CommandStatus;
use rusmpp::Pdu;
use rusmpp::pdus::BindTransceiver;
use rusmpp::pdus::BindTransceiverResp;
use rusmpp::pdus::SubmitSm;
use rusmpp::pdus::SubmitSmResp;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::OctetString;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::smpp::NotTaken;
use tiffin_core::gateways::smpp::Smpp;
use tiffin_core::gateways::smpp::keys::Keys;
use tiffin_shared::id::GatewayId;
use tiffin_shared::secret::Secret;
use tiffin_tests::message::PHONE;
use tiffin_tests::message::Parts;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

use crate::figures::float;
use crate::figures::median;
use crate::figures::rounded;

const MESSAGES: usize = 20_000;
const WINDOWS: [usize; 3] = [1, 10, 50];
const ROUNDS: usize = 5;
const TEXT: &str = "482915 is your Tiffin code.";

pub async fn measure() -> anyhow::Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    let mut rows = Vec::new();
    for window in WINDOWS {
        let (mut floors, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floors.push(bare(port, window).await?);
            ours.push(sessions(port, window).await?);
        }
        let (floor, ours) = (median(floors), median(ours));
        rows.push(json!({
            "window": window,
            "per_second": rounded(ours),
            "floor_per_second": rounded(floor),
            "ratio": rounded(ours / floor),
        }));
    }
    serving.abort();
    Ok(json!({ "messages": MESSAGES, "rounds": ROUNDS, "windows": rows }))
}

/// An SMSC that takes everything.
async fn answer(stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let (mut out, mut frames) = Framed::new(stream, CommandCodec::new()).split();
    let mut count = 0_u64;
    while let Some(Ok(command)) = frames.next().await {
        let sequence = command.sequence_number();
        let answer: Pdu = match command.pdu() {
            Some(Pdu::BindTransceiver(_)) => BindTransceiverResp::default().into(),
            Some(Pdu::SubmitSm(_)) => {
                count += 1;
                SubmitSmResp::new(count.to_string().parse()?, Vec::new()).into()
            }
            Some(Pdu::Unbind) => Pdu::UnbindResp,
            _ => continue,
        };
        out.send(Command::new(CommandStatus::EsmeRok, sequence, answer)).await?;
    }
    Ok(())
}

/// The codec alone, with as many messages under way.
async fn bare(port: u16, window: usize) -> anyhow::Result<f64> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut framed = Framed::new(stream, CommandCodec::new());
    let bind = Command::new(CommandStatus::EsmeRok, 1, BindTransceiver::default());
    framed.send(bind).await?;
    framed.next().await.context("no answer to the bind")??;
    let submit = SubmitSm::builder()
        .source_addr("ACME".parse()?)
        .destination_addr("919876543210".parse()?)
        .short_message(OctetString::from_slice(TEXT.as_bytes())?)
        .build();
    let begun = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    while answered < MESSAGES {
        while sent < MESSAGES && sent - answered < window {
            sent += 1;
            let command = Command::new(CommandStatus::EsmeRok, u32::try_from(sent + 1)?, submit.clone());
            framed.feed(command).await?;
        }
        SinkExt::<Command>::flush(&mut framed).await?;
        framed.next().await.context("the SMSC hung up")??;
        answered += 1;
    }
    Ok(float(MESSAGES) / begun.elapsed().as_secs_f64())
}

/// A gateway with one session; a caller for each place in its window, and one more.
async fn sessions(port: u16, window: usize) -> anyhow::Result<f64> {
    let keys: Keys = toml::from_str(&format!(
        "host = '127.0.0.1'\nport = {port}\nsystem_id = 'bench'\nwindow = {window}"
    ))?;
    let name = GatewayId::parse("smsc").map_err(|_| anyhow::anyhow!("no name"))?;
    let smpp = Smpp::new(&name, keys, Secret::new("bench".to_owned()), None);
    smpp.start(Arc::new(|_| Box::pin(async { Err(NotTaken) })));
    // The session is up once the first is taken.
    send(&smpp, 0).await?;
    let begun = Instant::now();
    let numbers = 1..=u32::try_from(MESSAGES)?;
    let mut sending = stream::iter(numbers).map(|n| send(&smpp, n)).buffer_unordered(window + 1);
    while let Some(sent) = sending.next().await {
        sent?;
    }
    let figure = float(MESSAGES) / begun.elapsed().as_secs_f64();
    drop(sending);
    smpp.close().await;
    Ok(figure)
}

async fn send(smpp: &Smpp, n: u32) -> anyhow::Result<()> {
    let parts = Parts::new(PHONE, n, TEXT);
    let answered = smpp.send(&parts.message()).await;
    anyhow::ensure!(matches!(answered, Answered::Taken { .. }), "{answered:?}");
    Ok(())
}

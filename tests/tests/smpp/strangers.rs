//! A peer that does not speak SMPP, or does so badly: the session ends, and the next one works.

use anyhow::Context;
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tiffin_core::gateways::adapter::Answered;
use tiffin_tests::wait;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::common::Account;

const BIND: [u8; 16] = head(0x8000_0009, 1);

const fn head(id: u32, sequence: u32) -> [u8; 16] {
    let (id, sequence) = (id.to_be_bytes(), sequence.to_be_bytes());
    let [a, b, c, d] = id;
    let [e, f, g, h] = sequence;
    [0, 0, 0, 16, a, b, c, d, 0, 0, 0, 0, e, f, g, h]
}

/// Takes the bind.
async fn bound(listener: &TcpListener) -> anyhow::Result<TcpStream> {
    let (mut stream, _) = listener.accept().await?;
    read_pdu(&mut stream).await?;
    stream.write_all(&BIND).await?;
    Ok(stream)
}

async fn read_pdu(stream: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut rest = vec![0; usize::try_from(length)?.checked_sub(4).context("a length")?];
    stream.read_exact(&mut rest).await?;
    Ok(rest)
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_ends_a_session_and_the_next_one_works() -> anyhow::Result<()> {
    let mut runner = TestRunner::default();
    let noise = proptest::collection::vec(proptest::num::u8::ANY, 1..400);
    let mut nonsense: Vec<Vec<u8>> = vec![
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0xff; 16],
        vec![0, 0, 0, 15, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2],
        // A deliver_sm whose body ends in the middle, over and over.
        [&[0, 0, 0, 20, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9][..], b"CMT\0"].concat().repeat(10),
    ];
    for _ in 0..8 {
        let drawn = noise.new_tree(&mut runner).map_err(|reason| anyhow::anyhow!("{reason}"))?;
        nonsense.push(drawn.current());
    }
    for bytes in nonsense {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let account = Account::with(listener.local_addr()?.port(), "secret08", "")?;
        let mut stream = bound(&listener).await?;
        stream.write_all(&bytes).await?;
        // Noise may be the beginning of a long PDU: its end is waited for, until the peer hangs up.
        drop(stream);
        let serving = async {
            let mut stream = bound(&listener).await?;
            let submit = read_pdu(&mut stream).await?;
            let sequence = submit.get(8..12).context("a sequence number")?.to_vec();
            let answer = [&[0, 0, 0, 18, 0x80, 0, 0, 4, 0, 0, 0, 0][..], &sequence, b"7\0"].concat();
            stream.write_all(&answer).await?;
            anyhow::Ok(stream)
        };
        let sending = async {
            // The first ones may still meet the first session, or none.
            let look = || account.send_code(1);
            wait::until("a session that works", look, |answered| matches!(answered, Answered::Taken { .. }))
                .await
        };
        let (stream, answered) = tokio::join!(serving, sending);
        let _stream = stream?;
        assert_eq!(answered?, Answered::Taken { provider_id: "7".into() }, "{bytes:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_knocks_without_a_bind_is_waited_for() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let account = Account::with(listener.local_addr()?.port(), "secret08", "")?;
    let (_stream, _) = listener.accept().await?;
    assert!(matches!(account.send_code(1).await?, Answered::Refused(_)));
    Ok(())
}

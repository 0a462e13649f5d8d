//! The sender's resolver against names that lead beside us, whatever they led to before.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use reqwest::Url;
use tiffin_core::webhooks::send::Lookup;
use tiffin_core::webhooks::send::Sender;
use tokio::net::TcpListener;
use tokio::net::UdpSocket;

const HEADERS: fn() -> tiffin_shared::webhook::Headers =
    || ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, "x".to_owned()));

/// A name server whose answers live for no time: each question is answered with the next list.
async fn name_server(answers: Vec<Vec<Ipv4Addr>>) -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (at, asked) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            let answer = &answers[count.fetch_add(1, Ordering::SeqCst) % answers.len()];
            let mut reply = question[..length].to_vec();
            reply[2..4].copy_from_slice(&[0x81, 0x80]);
            reply[7] = u8::try_from(answer.len()).unwrap();
            for address in answer {
                // The name of the question, type A, class IN, TTL 0, four bytes.
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                reply.extend(address.octets());
            }
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    (at, asked)
}

struct Dns(SocketAddr);

impl Lookup for Dns {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let server = self.0;
        Box::pin(async move {
            let socket = UdpSocket::bind("127.0.0.1:0").await?;
            let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            for label in host.split('.') {
                question.push(u8::try_from(label.len()).unwrap());
                question.extend(label.as_bytes());
            }
            question.extend([0, 0, 1, 0, 1]);
            socket.send_to(&question, server).await?;
            let mut reply = [0; 512];
            let (length, _) = socket.recv_from(&mut reply).await?;
            let records = reply[question.len()..length].chunks_exact(16);
            let address = |record: &[u8]| Ipv4Addr::new(record[12], record[13], record[14], record[15]);
            Ok(records.map(|record| SocketAddr::from((address(record), 0))).collect())
        })
    }
}

/// Counts whoever connects.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, connected) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = connected.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, connected)
}

#[tokio::test]
async fn a_name_that_is_bound_anew_to_an_address_beside_us_is_not_called() {
    let [loopback, public] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(93, 184, 215, 14)];
    let metadata = Ipv4Addr::new(169, 254, 169, 254);
    // An honest name has no such address: with one of them, none is used.
    let answers =
        vec![vec![loopback], vec![public, loopback], vec![loopback, public], vec![metadata, public]];
    let rounds = answers.len();
    let (server, asked) = name_server(answers).await;
    let (port, connected) = listener().await;
    let sender = Sender::new(Arc::new(Dns(server))).unwrap();
    for scheme in ["http", "https"] {
        for round in 0..rounds {
            let url: Url = format!("{scheme}://rebind.example.com:{port}/").parse().unwrap();
            let before = asked.load(Ordering::SeqCst);
            let sent = sender.send(url, HEADERS().into(), "{}".into()).await;
            assert_eq!(sent.status, None);
            assert!(sent.error.unwrap().contains("public internet"), "round {round}: {sent:?}");
            assert_eq!(asked.load(Ordering::SeqCst), before + 1, "asked once: there is no second answer");
        }
    }
    assert_eq!(connected.load(Ordering::SeqCst), 0);

    // The same name and name server, without the guard: the test could fail.
    struct Plain(Dns);
    impl reqwest::dns::Resolve for Plain {
        fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
            let looking = self.0.lookup(name.as_str().to_owned());
            Box::pin(async move { Ok(Box::new(looking.await?.into_iter()) as reqwest::dns::Addrs) })
        }
    }
    let client = reqwest::Client::builder().dns_resolver(Arc::new(Plain(Dns(server))));
    let client = client.timeout(std::time::Duration::from_millis(300)).no_proxy().build().unwrap();
    client.get(format!("http://rebind.example.com:{port}/")).send().await.unwrap_err();
    assert_eq!(connected.load(Ordering::SeqCst), 1);
}

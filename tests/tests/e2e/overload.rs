//! More requests than a process serves at once.

use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_full_server_turns_requests_away_at_once_and_recovers() -> anyhow::Result<()> {
    let more = [("TIFFIN_SERVER_REQUESTS_MAX", "1")];
    let stack = Stack::start_with(Front::Standalone, Backing::Memory, &more).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let address = client.edge.trim_start_matches("http://");
    // Requests whose bodies never end hold all the places for bodies, of which there are eight for each request.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut connection = TcpStream::connect(address).await?;
        let head = "POST /v1/orders HTTP/1.1\r\nhost: tiffin\r\ncontent-length: 100\r\n\r\n{";
        connection.write_all(head.as_bytes()).await?;
        slow.push(connection);
    }

    let (key, order) = (fresh_key(), login(&phone));
    let look = || client.create(&key, &order);
    let refused = wait::until("a refusal", look, |reply| reply.status == 503).await?;
    assert_eq!(refused.code(), Some("unavailable"));
    assert_eq!(refused.header("retry-after"), Some("2"));

    // They hold them for a few seconds only, whether or not they go away.
    let accepted = wait::until("acceptance", look, |reply| reply.status == 202).await?;
    drop(slow);
    assert_eq!(client.until_state(&accepted.id()?, "delivered").await?["attempts"][0]["n"], 1);
    assert_eq!(client.inbox(&phone).await?.len(), 1);
    Ok(())
}

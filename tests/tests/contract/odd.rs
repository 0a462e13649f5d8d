//! Methods and paths that no client library sends: both fronts answer them with the same problem.

use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::chunked;

/// As it stands, without what a library would make of it.
async fn ask(client: &Client, method: &str, path: &str, headers: &str) -> anyhow::Result<Reply> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: tiffin\r\nauthorization: Bearer {}\r\nconnection: close\r\n{headers}\r\n",
        client.key
    );
    chunked::send(&client.edge, head.as_bytes()).await
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_not_found_alike() -> anyhow::Result<()> {
    for front in [Front::Edge, Front::Standalone] {
        let stack = Stack::start(front, Backing::Memory).await?;
        let client = &stack.client;
        let path = format!("/v1/orders/{}", client.order(&fresh_phone()).await?);
        for method in ["PROPFIND", "MKCOL", "SEARCH", "PURGE", "TRACE", "PUT", "PATCH", "DELETE", "REPORT"] {
            for path in [path.as_str(), "/healthz", "/openapi.json"] {
                let reply = ask(client, method, path, "content-length: 0\r\n").await?;
                let told = (reply.status, reply.code(), reply.header("content-type"));
                let expected = (404, Some("not_found"), Some("application/problem+json"));
                assert_eq!(told, expected, "{front:?} {method} {path}: {reply:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn dots_in_a_path_are_read_alike() -> anyhow::Result<()> {
    for front in [Front::Edge, Front::Standalone] {
        let stack = Stack::start(front, Backing::Memory).await?;
        let client = &stack.client;
        let id = client.order(&fresh_phone()).await?;
        let paths = [
            (format!("/v1/orders/../orders/{id}"), 200),
            (format!("/v1/./orders/%2e/{id}"), 200),
            (format!("/../../v1/%2E%2e/v1/orders/{id}"), 200),
            (format!("/v1/orders/{id}/."), 404),
            (format!("/v1//orders/{id}"), 404),
            (format!("/v1/orders/{id}/events/../../x"), 404),
        ];
        for (path, status) in paths {
            let reply = ask(client, "GET", &path, "").await?;
            assert_eq!(reply.status, status, "{front:?} {path}: {reply:?}");
            assert_eq!(reply.code(), (status == 404).then_some("not_found"), "{front:?} {path}");
        }
    }
    Ok(())
}

/// It would stand in a header of the reply.
#[tokio::test]
async fn an_origin_beyond_ascii_is_refused_alike() -> anyhow::Result<()> {
    for front in [Front::Edge, Front::Standalone] {
        let stack = Stack::start(front, Backing::Memory).await?;
        let app = stack.client.with_key(&stack.keys.publishable);
        let id = app.order(&fresh_phone()).await?;
        let path = format!("/v1/orders/{id}");
        let reply = ask(&app, "GET", &path, "origin: https://caf\u{e9}.example\r\n").await?;
        assert_eq!((reply.status, reply.code()), (400, Some("invalid_request")), "{front:?}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        let good = ask(&app, "GET", &path, "origin: https://cafe.example\r\n").await?;
        assert_eq!(good.header("access-control-allow-origin"), Some("https://cafe.example"), "{good:?}");
    }
    Ok(())
}

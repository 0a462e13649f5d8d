//! Telling the edge: one signed request, with the client's deadline, taken when it answers 200.

use tiffin_shared::http::internal::Outgoing;
use tokio::time::Instant;

use crate::app::App;
use crate::metrics::Push;

/// The edge has not taken it, as far as we know. It may be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was not reached, or did not answer in time.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// It answered something else.
    #[error("the edge answered {0}")]
    Status(u16),
}

/// What is read of an answer: a directory's revoked keys at the most.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Sends once. What the edge answered.
pub async fn post(app: &App, push: Push, outgoing: Outgoing) -> Result<Vec<u8>, Error> {
    let began_at = Instant::now();
    let posted = send(app, outgoing).await;
    app.metrics.pushed(push, began_at.elapsed(), posted.is_ok());
    posted
}

async fn send(app: &App, outgoing: Outgoing) -> Result<Vec<u8>, Error> {
    let url = format!("{}{}", app.config.file.server.edge_url, outgoing.path);
    let mut request = app.edge_client.post(url).body(outgoing.body);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let mut response = request.send().await?;
    if response.status().as_u16() != 200 {
        return Err(Error::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > REPLY_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

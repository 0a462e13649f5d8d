//! Telling the edge: one signed request, with the client's deadline, taken when it answers 200.

use tiffin_shared::http::internal::Outgoing;

use crate::app::App;

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

/// Sends once.
pub async fn post(app: &App, outgoing: Outgoing) -> Result<(), Error> {
    let url = format!("{}{}", app.config.file.server.edge_url, outgoing.path);
    let mut request = app.edge_client.post(url).body(outgoing.body);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    match request.send().await?.status().as_u16() {
        200 => Ok(()),
        status => Err(Error::Status(status)),
    }
}

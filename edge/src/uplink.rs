//! Handing a job to core: signed, with a deadline.

use std::time::Duration;

use futures_util::future::Either;
use futures_util::future::select;
use tiffin_shared::http::internal;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::HANDOVER_TIMEOUT_MS;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;
use worker::AbortController;
use worker::Delay;
use worker::Fetch;
use worker::Headers;
use worker::Method;
use worker::Request;
use worker::RequestInit;
use worker::RequestRedirect;
use worker::console_warn;

use crate::host;
use crate::settings::Settings;

/// Tries once. The order's id when core has taken the job into its queue.
pub async fn hand_over(settings: &Settings, job: &Job) -> Option<OrderId> {
    match post(settings, job).await {
        Ok(202) => serde_json::from_str::<Header>(&job.header).ok().map(|header| header.order),
        Ok(status) => {
            console_warn!("core refused a job with {status}; the outbox keeps it");
            None
        }
        Err(error) => {
            console_warn!("core was not reached: {error}; the outbox keeps the job");
            None
        }
    }
}

async fn post(settings: &Settings, job: &Job) -> worker::Result<u16> {
    let entropy = host::entropy().map_err(|error| worker::Error::RustError(error.to_string()))?;
    let outgoing = internal::job(job, settings.edge.signing.current(), &entropy, host::now())?;
    let headers = Headers::new();
    for (name, value) in &outgoing.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(outgoing.body.into()));
    let request = Request::new_with_init(&format!("{}{}", settings.core_url, outgoing.path), &init)?;

    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let answer = std::pin::pin!(fetch.send_with_signal(&signal));
    let deadline = std::pin::pin!(Delay::from(Duration::from_millis(HANDOVER_TIMEOUT_MS)));
    match select(answer, deadline).await {
        Either::Left((response, _)) => Ok(response?.status_code()),
        Either::Right(((), _)) => {
            controller.abort();
            Err(worker::Error::RustError("no answer in time".into()))
        }
    }
}

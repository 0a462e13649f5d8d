//! Exports orders' spans over OTLP/HTTP. Orders never wait for it: what does not fit in the queue is dropped and counted.

mod otlp;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::StatusCode;
use tiffin_shared::backoff::Backoff;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Errand;
use tiffin_shared::order::spans;
use tiffin_shared::order::spans::Span;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::trace::Traceparent;
use tiffin_shared::wire::job::Header;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::app::App;
use crate::config;
use crate::config::Config;
use crate::config::Telemetry;
use crate::host;
use crate::metrics::SpanMeter;

/// Spans in one request: some hundred kilobytes of JSON.
const BATCH_MAX: usize = 512;
/// How long a span may wait for others to go with.
const PERIOD: Duration = Duration::from_secs(1);
/// For one request, with its answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often one batch is sent; then it is dropped.
const TRIES_MAX: u32 = 5;
/// The longest wait that a collector may ask for, in seconds.
const RETRY_AFTER_S_MAX: u64 = 30;
const BACKOFF: Backoff = Backoff { base_ms: SECOND_MS, max_ms: 30 * SECOND_MS };

/// Where orders' traces go.
pub struct Exporter {
    settings: Telemetry,
    client: reqwest::Client,
    queue: Mutex<VecDeque<Span>>,
    is_full: Notify,
    dropped: AtomicU64,
    meter: SpanMeter,
}

/// What became of a request.
enum Answer {
    Taken,
    /// The same may go well later.
    Later(Option<Duration>),
    Refused,
}

impl Exporter {
    /// As configured.
    pub fn new(config: &Config) -> Result<Self, config::Error> {
        let settings = config.file.telemetry.clone();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(settings.headers(&config.environment)?)
            .build()
            .map_err(|error| config::Error::Invalid {
                place: "telemetry".into(),
                reason: format!("cannot set up TLS: {error}"),
            })?;
        let (queue, is_full) = (Mutex::default(), Notify::new());
        let (dropped, meter) = (AtomicU64::new(0), SpanMeter::default());
        Ok(Self { settings, client, queue, is_full, dropped, meter })
    }

    /// Whether spans go anywhere.
    pub fn is_on(&self) -> bool {
        self.settings.is_on()
    }

    /// Counts what is exported and what is not.
    pub fn meter(&self) -> &SpanMeter {
        &self.meter
    }

    /// Spans that were never exported, since the process began.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whose call about this order is part of which trace, where its edge knew of one.
    pub fn traceparent(&self, header: &Header) -> Option<Traceparent> {
        let trace = header.trace?;
        let (span, is_sampled) = match trace.parent {
            // Who exports nothing passes on what it was given.
            Some(parent) if !self.is_on() => (parent.span, parent.is_sampled),
            _ => {
                (spans::root(&trace, &header.order), self.is_on() && trace.is_sampled(self.settings.ratio()))
            }
        };
        Some(Traceparent { trace: trace.id, span, is_sampled })
    }

    /// The same for a provider: none unless the operator wants it told.
    pub fn for_provider(&self, header: &Header) -> Option<String> {
        let traceparent = self.traceparent(header).filter(|_| self.settings.to_providers);
        traceparent.map(|traceparent| traceparent.to_string())
    }

    /// Has what this errand tells exported, as far as it is sampled and there is room.
    pub fn tell(&self, order: &OrderId, errand: &Errand) {
        let trace = errand.timeline.job.as_ref().and_then(|header| header.trace);
        if !self.is_on() || !trace.is_some_and(|trace| trace.is_sampled(self.settings.ratio())) {
            return;
        }
        let spans = spans::told(order, errand);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let room = usize::try_from(self.settings.queue_max).unwrap_or(usize::MAX).saturating_sub(queue.len());
        self.drop_some(spans.len().saturating_sub(room));
        queue.extend(spans.into_iter().take(room));
        if queue.len() >= BATCH_MAX {
            self.is_full.notify_one();
        }
    }

    fn drop_some(&self, spans: usize) {
        self.meter.dropped(spans);
        self.dropped.fetch_add(u64::try_from(spans).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn take(&self) -> Vec<Span> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let most = queue.len().min(BATCH_MAX);
        queue.drain(..most).collect()
    }

    async fn export(&self, batch: &[Span]) {
        let body = otlp::request(&self.settings.service_name, batch);
        for tries in 0..TRIES_MAX {
            let wait = match self.post(&body).await {
                Answer::Taken => return self.meter.exported(batch.len()),
                Answer::Refused => break,
                Answer::Later(wait) => wait,
            };
            let random = host::random::<8>().map_or(0, u64::from_be_bytes);
            sleep(wait.unwrap_or(Duration::from_millis(BACKOFF.delay_ms(tries, random)))).await;
        }
        self.drop_some(batch.len());
        tracing::warn!(spans = batch.len(), dropped = self.dropped(), "spans were not exported");
    }

    /// OTLP/HTTP names the statuses after which the same request may be sent again.
    async fn post(&self, body: &serde_json::Value) -> Answer {
        let Ok(response) = self.client.post(&self.settings.otlp_url).json(body).send().await else {
            return Answer::Later(None);
        };
        let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let seconds = header.and_then(|text| text.trim().parse::<u64>().ok());
        match response.status() {
            status if status.is_success() => Answer::Taken,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                Answer::Later(seconds.map(|s| Duration::from_secs(s.min(RETRY_AFTER_S_MAX))))
            }
            status => {
                tracing::warn!(status = status.as_u16(), "the collector refuses spans");
                Answer::Refused
            }
        }
    }
}

/// Exports until `stop` changes. What is left then is [`flush`]ed.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let exporter = &app.telemetry;
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = sleep(PERIOD) => {}
            () = exporter.is_full.notified() => {}
        }
        loop {
            let batch = exporter.take();
            if batch.is_empty() {
                break;
            }
            tokio::select! {
                // Of an order that a flush would come too late for.
                _ = stop.changed() => return exporter.drop_some(batch.len()),
                () = exporter.export(&batch) => {}
            }
        }
    }
}

/// Exports what is left, for as long as the caller lets it.
pub async fn flush(app: &App) {
    loop {
        let batch = app.telemetry.take();
        if batch.is_empty() {
            return;
        }
        app.telemetry.export(&batch).await;
    }
}

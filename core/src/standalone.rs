//! The public API on core: the loop around the shared HTTP layer that the worker also is.

use std::convert::Infallible;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use tiffin_shared::challenge::turnstile;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::factor;
use tiffin_shared::factor::Factor;
use tiffin_shared::http;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Question;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::http::desk::DESK_PATH;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::ledger::Ask;
use tiffin_shared::time::UnixMs;
use tiffin_shared::visitor::Visitor;

use crate::app::App;
use crate::desk;
use crate::evidence;
use crate::host;
use crate::http::health;
use crate::http::overload;
use crate::http::read;
use crate::http::respond;
use crate::ledgers;
use crate::store::Key;
use crate::watchers;
use crate::watchers::Place;

/// Every path of the public API.
pub fn router(app: Arc<App>) -> Router {
    Router::new().fallback(serve).with_state(app)
}

/// Processes that deliver, and serve no public API themselves, tell how orders fare.
async fn events(app: &Arc<App>, request: &http::Request, entropy: &Entropy, now: UnixMs) -> Response {
    let Some(cores) = app.ledgers.as_ref().map(|ledgers| &ledgers.cores) else {
        return respond(http::Response::unavailable("This process hosts no ledgers.", entropy));
    };
    let events = match internal::read_events(request, cores, now) {
        Ok(events) => events,
        Err(problem) => return respond(http::Response::refused(&problem, entropy)),
    };
    let count = events.len();
    let telling = events.into_iter().map(|event| async move {
        let order = event.order.clone();
        // Its own: two ledgers may both hand over, and seal.
        let told = match host::entropy() {
            Ok(own) => ledgers::ask(app, order.ledger(), Ask::Event(event), own, now).await,
            Err(error) => Err(error.into()),
        };
        told.inspect_err(|error| tracing::error!(%error, "ledger did not answer")).err().map(|_| order)
    });
    let missed = join_all(telling).await.into_iter().flatten().collect();
    respond(internal::told(count, missed, entropy))
}

async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let now = host::now();
    let Ok(entropy) = host::entropy() else {
        tracing::error!("the operating system's random generator failed");
        return health::no_randomness();
    };
    let Some(ledgers) = &app.ledgers else {
        return respond(http::Response::unavailable("This process does not serve the public API.", &entropy));
    };
    let at_work = request.extensions().get::<overload::Place>().cloned();
    let body_bytes_max = http::body_bytes_max(request.uri().path());
    let request = match read(request, body_bytes_max).await {
        Ok(request) => request,
        Err(problem) => return respond(http::Response::refused(&problem, &entropy)),
    };
    if request.is_read() && request.path == "/readyz" {
        return health::readyz(State(app)).await;
    }
    if request.method == "POST" && request.path == DESK_PATH {
        return desk::take(&app, &request, &entropy, now).await;
    }
    if request.method == "POST" && request.path == EVENTS_PATH {
        return events(&app, &request, &entropy, now).await;
    }
    let directory = app.directory.current();
    let peer = Peer { ip: Some(peer_ip(&app, &request, address)), origin: None };
    let visit = Visit { directory: &directory, request: &request, peer, entropy: &entropy, now };
    let mut turn = ledgers.edge.front.begin(&visit);
    let mut found_no_place = false;
    loop {
        turn = match turn {
            Turn::Ask(pending) => {
                let answer = match pending.question() {
                    Some(question) => {
                        let waits = Waits::of(&app, question, peer, now);
                        if let (Waits::Seated(_), Some(at_work)) = (&waits, &at_work) {
                            at_work.give_back();
                        }
                        found_no_place |= matches!(waits, Waits::Full);
                        ask(&app, question, &waits, entropy.clone(), now).await
                    }
                    None => None,
                };
                ledgers.edge.front.answer(*pending, answer)
            }
            Turn::Document(reply) => {
                return respond(http::Response { body: http::OPENAPI.to_owned(), ..reply });
            }
            Turn::Reply(reply) if found_no_place => return respond(reply.without_waiting()),
            Turn::Reply(reply) => return respond(reply),
            Turn::Stream(stream) => return respond_stream(app, *stream, peer),
        }
    }
}

/// The connection's address, or what the proxy in front says of it, where there is one that overwrites that header.
fn peer_ip(app: &App, request: &http::Request, address: SocketAddr) -> IpAddr {
    let header = app.config.file.server.client_ip_header.as_deref();
    let told = header.and_then(|name| request.header(name)).and_then(|value| value.trim().parse().ok());
    told.unwrap_or_else(|| address.ip())
}

/// Whether a question waits for news.
enum Waits {
    /// It does not, or it has its place.
    Not,
    /// It would, and there is no place.
    Full,
    /// It does.
    Seated(Place),
}

impl Waits {
    fn of(app: &Arc<App>, question: &Question, peer: Peer, now: UnixMs) -> Self {
        let Question::Ledger { hold: Some(hold), .. } = question else { return Self::Not };
        let Some(front) = app.ledgers.as_ref().map(|ledgers| &ledgers.edge.front) else { return Self::Full };
        let places = front.places(question, peer, usize::from(app.config.file.server.watchers_max));
        let place = places.and_then(|places| Place::take(app, &places, hold.until(), now));
        place.map_or(Self::Full, Self::Seated)
    }

    /// For a stream, which has its place from one question to the next.
    fn again(self, app: &Arc<App>, question: &Question, peer: Peer, now: UnixMs) -> Self {
        let (Self::Seated(mut place), Question::Ledger { hold: Some(hold), .. }) = (self, question) else {
            return Self::of(app, question, peer, now);
        };
        if place.stay(hold.until()) { Self::Seated(place) } else { Self::of(app, question, peer, now) }
    }
}

async fn ask(
    app: &Arc<App>,
    question: &Question,
    waits: &Waits,
    entropy: Entropy,
    now: UnixMs,
) -> Option<Answer> {
    match question {
        Question::Ledger { ledger, ask, hold } => {
            let asked = match (waits, hold) {
                (Waits::Seated(_), Some(hold)) => watchers::wait(app, *ledger, ask, *hold).await,
                (Waits::Full | Waits::Not | Waits::Seated(_), _) => {
                    ledgers::ask(app, *ledger, ask.clone(), entropy, now).await
                }
            };
            let asked = asked.inspect_err(|error| tracing::error!(%error, "ledger did not answer"));
            asked.ok().map(Answer::Ledger)
        }
        Question::Evidence(ask) => {
            let asked = evidence::answer(app, ask).await;
            let asked =
                asked.inspect_err(|error| tracing::warn!(%error, "an evidence packet cannot be made"));
            asked.ok().map(Answer::Evidence)
        }
        Question::Factor(ask) => {
            let keys = app.ledgers.as_ref()?.edge.factors.clone();
            let key = Key::factor(ask.factor());
            let command = factor::Command { keys, entropy, ask: ask.clone() };
            let asked = app.store.apply::<Factor>(&key, &command, now).await;
            asked
                .inspect_err(|error| tracing::error!(%error, "factor did not answer"))
                .ok()
                .map(Answer::Factor)
        }
        Question::Turnstile(outgoing) => match turnstile(app, outgoing).await {
            Ok((status, body)) => Some(Answer::Turnstile(status, body)),
            Err(error) => {
                tracing::warn!(%error, "Turnstile did not answer");
                None
            }
        },
        Question::Visitor { visitor, command } => {
            let asked = app.store.apply::<Visitor>(&Key::visitor(*visitor), command, now).await;
            let asked =
                asked.inspect_err(|error| tracing::error!(%error, "a network's limits did not answer"));
            asked.ok().map(Answer::Visitor)
        }
    }
}

/// Asks Cloudflare about a token: status, and what is read of the body.
async fn turnstile(app: &App, outgoing: &turnstile::Outgoing) -> Result<(u16, Vec<u8>), reqwest::Error> {
    let request = app.edge_client.post(&outgoing.url).header("content-type", outgoing.content_type);
    let mut response = request.body(outgoing.body.expose().clone()).send().await?;
    let (status, mut body) = (response.status().as_u16(), Vec::new());
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > turnstile::REPLY_BYTES_MAX {
            break;
        }
    }
    Ok((status, body))
}

/// Writes the pieces of a stream as they come, until it is over or nobody listens.
fn respond_stream(app: Arc<App>, mut stream: http::Stream, peer: Peer) -> Response {
    let Some((head, first)) = stream.begun() else { return health::no_randomness() };
    let next = move |(app, mut stream, waits): (Arc<App>, http::Stream, Waits)| async move {
        let now = host::now();
        let question = stream.question(now)?;
        let waits = waits.again(&app, &question, peer, now);
        let piece = match waits {
            Waits::Full => stream.full(),
            Waits::Not | Waits::Seated(_) => {
                stream.piece(ask(&app, &question, &waits, host::entropy().ok()?, now).await)
            }
        };
        Some((piece, (app, stream, waits)))
    };
    let state = (app, stream, Waits::Not);
    let pieces = stream::once(std::future::ready(first)).chain(stream::unfold(state, next));
    let mut response = respond(head);
    *response.body_mut() = Body::from_stream(pieces.map(Ok::<_, Infallible>));
    response
}

//! Requests in, replies out: the loop around the shared HTTP layer.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future;
use futures_util::future::Either;
use futures_util::stream;
use tiffin_shared::directory::Directory;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::factor;
use tiffin_shared::http;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Question;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::http::desk;
use tiffin_shared::http::desk::DESK_PATH;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::DIRECTORY_PATH;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Event;
use tiffin_shared::problem::Problem;
use tiffin_shared::time::UnixMs;
use worker::Delay;
use worker::Env;
use worker::Request;
use worker::Response;
use worker::ResponseBuilder;
use worker::console_error;

use crate::directory;
use crate::document;
use crate::host;
use crate::inbound;
use crate::objects;
use crate::outbound;
use crate::settings::Settings;
use crate::uplink;
use crate::watchers::Waits;

/// How long a ledger may take to hear of its order: one that hangs must not keep the others' answers from core, which waits
/// four seconds.
const TELL_TIMEOUT: Duration = Duration::from_secs(2);

/// The period of the platform's rate limiter.
const PREFILTER_MS: u64 = 60_000;

/// Answers one request.
pub async fn serve(request: Request, env: Env) -> worker::Result<Response> {
    let begun = host::now();
    let Ok(entropy) = host::entropy() else {
        console_error!("the platform's random generator failed");
        return Response::error("no randomness", 503);
    };
    let mut sent = inbound::head(&request);
    // Before everything that may be missing, full or slow: being alive is no question of those.
    if sent.is_read() && sent.path == "/healthz" {
        return respond(http::Response::ready(r#"{"status":"ok"}"#, &entropy));
    }
    let settings = match Settings::load(&env) {
        Ok(settings) => settings,
        Err(error) => {
            console_error!("the edge is not configured: {error}");
            return respond(http::Response::unavailable("The edge is not configured.", &entropy));
        }
    };
    if sent.is_read() && sent.path == "/readyz" {
        return respond(ready(&settings, &entropy, begun));
    }
    let peer = inbound::peer(&request, &sent);
    let from_core =
        sent.method == "POST" && matches!(sent.path.as_str(), DESK_PATH | DIRECTORY_PATH | EVENTS_PATH);
    if from_core {
        // A body costs memory: who cannot have signed it is not asked for it.
        if let Err(problem) = internal::claim(&sent, &settings.cores, begun) {
            return respond(http::Response::refused(&problem, &entropy));
        }
    }
    // Core is one address, and sends an event for each step of an order. Directories are few.
    if sent.path != EVENTS_PATH && inbound::flooded(&env, &settings, peer).await {
        let detail = "Too many requests from your network.";
        return respond(http::Response::refused(&Problem::rate_limited(detail, PREFILTER_MS), &entropy));
    }
    sent.body = match inbound::body(request, &sent).await {
        Ok(body) => body,
        Err(problem) => return respond(http::Response::refused(&problem, &entropy)),
    };
    // Not before: who holds a body back must not have it decided as of when its head came.
    let (request, now) = (sent, host::now());
    if from_core {
        let call = Call { env: &env, settings: &settings, request: &request, entropy: entropy.clone(), now };
        let replied = match request.path.as_str() {
            DESK_PATH => operate(&call).await,
            DIRECTORY_PATH => push(&call).await,
            _ => events(&call).await,
        };
        return respond(replied.unwrap_or_else(|problem| http::Response::refused(&problem, &entropy)));
    }
    let directory = match known(&env, &settings, now).await {
        Ok(directory) => directory,
        Err(problem) => return respond(http::Response::refused(&problem, &entropy)),
    };
    let visit = Visit { directory: &directory, request: &request, peer, entropy: &entropy, now };
    answer(&visit, env, settings).await
}

/// The loop around the front door.
async fn answer(visit: &Visit<'_>, env: Env, settings: Rc<Settings>) -> worker::Result<Response> {
    let Visit { peer, entropy, now, .. } = *visit;
    let mut turn = settings.edge.front.begin(visit);
    let mut found_no_place = false;
    loop {
        turn = match turn {
            Turn::Ask(pending) => {
                let answer = match pending.question() {
                    Some(question) => {
                        let waits = Waits::of(&settings.edge.front, question, peer, now);
                        let (answer, is_full) = ask(&env, question, &waits, entropy.clone(), now).await;
                        found_no_place |= is_full;
                        answer
                    }
                    None => None,
                };
                settings.edge.front.answer(*pending, answer)
            }
            Turn::Document(reply) => {
                return respond(http::Response { body: document::openapi(), ..reply });
            }
            Turn::Reply(reply) if found_no_place => return respond(reply.without_waiting()),
            Turn::Reply(reply) => return respond(reply),
            Turn::Stream(stream) => return respond_stream(env, settings, *stream, peer),
        }
    }
}

/// The answer, if there is one; and whether it should have waited for news, and found no place to.
async fn ask(
    env: &Env,
    question: &Question,
    waits: &Waits,
    entropy: Entropy,
    now: UnixMs,
) -> (Option<Answer>, bool) {
    let mut is_full = matches!(waits, Waits::Full);
    let answered = match question {
        Question::Ledger { ledger, ask, hold } => {
            let event = Event { now, entropy, ask: ask.clone() };
            let hold = hold.filter(|_| matches!(waits, Waits::Seated(_)));
            objects::ledger(env, *ledger, event, hold).await.map(|told| {
                is_full |= told.is_full;
                Answer::Ledger(told.outcome)
            })
        }
        Question::Evidence(ask) => match Settings::load(env) {
            Ok(settings) => uplink::evidence(&settings, ask, &entropy, now).await.map(Answer::Evidence),
            Err(error) => Err(worker::Error::RustError(error.to_string())),
        },
        Question::Factor(ask) => {
            let event = factor::Event { now, entropy, ask: ask.clone() };
            objects::factor(env, &event).await.map(Answer::Factor)
        }
        Question::Turnstile(outgoing) => {
            let asked = outbound::turnstile(outgoing).await;
            asked.map(|(status, body)| Answer::Turnstile(status, body))
        }
        Question::Visitor { visitor, command } => {
            objects::visitor(env, *visitor, command).await.map(Answer::Visitor)
        }
    };
    let answer = answered.inspect_err(|error| console_error!("who was asked did not answer: {error}")).ok();
    (answer, is_full)
}

/// A call of core's.
struct Call<'a> {
    env: &'a Env,
    settings: &'a Settings,
    request: &'a http::Request,
    entropy: Entropy,
    now: UnixMs,
}

/// The directory that is in use.
async fn known(env: &Env, settings: &Settings, now: UnixMs) -> Result<Arc<Directory>, Problem> {
    directory::current(env, settings, now).await.map_err(|error| {
        console_error!("there is no directory: {error}");
        Problem::unavailable("The edge has no directory yet.")
    })
}

/// Core has a new directory.
async fn push(call: &Call<'_>) -> Result<http::Response, Problem> {
    let push = internal::read_directory(call.request, &call.settings.cores, call.now)?;
    let pushed = directory::push(call.env, push).await;
    match pushed.and_then(|pushed| Ok(serde_json::to_string(&pushed)?)) {
        Ok(body) => Ok(http::Response::ready(&body, &call.entropy)),
        Err(error) => {
            console_error!("the directory could not be kept: {error}");
            Err(Problem::unavailable("The directory could not be kept."))
        }
    }
}

/// An operator's errand to one ledger.
async fn operate(call: &Call<'_>) -> Result<http::Response, Problem> {
    let Call { env, settings, request, entropy, now } = call;
    let errand = desk::read(request, &settings.cores, *now)?;
    let directory = known(env, settings, *now).await?;
    let (ledger, asked) = match desk::question(&settings.edge.front, &directory, errand) {
        Ok(desk::Question::Ask(ledger, asked)) => (ledger, *asked),
        Ok(desk::Question::Answered(answered)) => return Ok(desk::reply(Some(answered), entropy)),
        Ok(desk::Question::Networks(asks)) => {
            let mut replies = Vec::new();
            for (visitor, command) in asks {
                replies.push(objects::visitor(env, visitor, &command).await.map_err(|error| {
                    console_error!("a network's limits did not answer: {error}");
                    Problem::unavailable("The network's limits did not answer.")
                })?);
            }
            return Ok(desk::reply(desk::networks(&replies), entropy));
        }
        Err(problem) => return Ok(desk::reply(Some(problem.into()), entropy)),
    };
    let question = Question::Ledger { ledger, ask: asked, hold: None };
    let answered = match ask(env, &question, &Waits::Not, entropy.clone(), *now).await {
        (Some(Answer::Ledger(outcome)), _) => Some(desk::Answered::Outcome(Box::new(outcome))),
        _ => None,
    };
    Ok(desk::reply(answered, entropy))
}

/// Ready when jobs can be sealed; the ledgers answer for themselves.
fn ready(settings: &Settings, entropy: &Entropy, now: UnixMs) -> http::Response {
    match settings.keys(now) {
        Ok(_) => http::Response::ready(r#"{"status":"ready"}"#, entropy),
        Err(error) => {
            console_error!("the edge is not ready: {error}");
            http::Response::unavailable("The edge's keys cannot be used.", entropy)
        }
    }
}

/// Core tells how orders fare: each to its ledger, side by side.
async fn events(call: &Call<'_>) -> Result<http::Response, Problem> {
    let (env, now) = (call.env, call.now);
    let events = internal::read_events(call.request, &call.settings.cores, now)?;
    let count = events.len();
    let telling = events.into_iter().map(|event| async move {
        let order = event.order.clone();
        let question = Question::Ledger { ledger: order.ledger(), ask: Ask::Event(event), hold: None };
        // Its own: two ledgers may both hand over, and seal.
        let told = match host::entropy() {
            Ok(own) => {
                let told = std::pin::pin!(ask(env, &question, &Waits::Not, own, now));
                match future::select(told, Delay::from(TELL_TIMEOUT)).await {
                    Either::Left(((told, _), _)) => told,
                    Either::Right(_) => None,
                }
            }
            Err(_) => None,
        };
        told.is_none().then_some(order)
    });
    let missed = future::join_all(telling).await.into_iter().flatten().collect();
    Ok(internal::told(count, missed, &call.entropy))
}

fn respond(reply: http::Response) -> worker::Result<Response> {
    let builder = head(&reply)?;
    // These have no body (RFC 9110 section 15), and the platform insists.
    if reply.status == 204 || reply.status == 304 {
        return Ok(builder.empty());
    }
    Ok(builder.fixed(reply.body.into_bytes()))
}

fn head(reply: &http::Response) -> worker::Result<ResponseBuilder> {
    let mut builder = ResponseBuilder::new().with_status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder)
}

/// Writes the pieces of a stream as they come, until it is over or nobody listens.
fn respond_stream(
    env: Env,
    settings: Rc<Settings>,
    mut stream: http::Stream,
    peer: Peer,
) -> worker::Result<Response> {
    let Some((reply, first)) = stream.begun() else { return Response::error("the stream is over", 500) };
    let next = move |(env, mut stream, waits): (Env, http::Stream, Waits)| {
        let settings = settings.clone();
        async move {
            let now = host::now();
            let question = stream.question(now)?;
            let waits = waits.again(&settings.edge.front, &question, peer, now);
            let piece = match ask(&env, &question, &waits, host::entropy().ok()?, now).await {
                (_, true) => stream.full(),
                (answer, false) => stream.piece(answer),
            };
            Some((piece, (env, stream, waits)))
        }
    };
    let pieces = stream::once(future::ready(first)).chain(stream::unfold((env, stream, Waits::Not), next));
    head(&reply)?.from_stream(pieces.map(|piece| Ok::<_, worker::Error>(piece.into_bytes())))
}

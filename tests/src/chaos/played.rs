//! The edge that core tells: takes events and directories, and remembers what it was told of each order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tiffin_shared::http::internal;
use tiffin_shared::id::OrderId;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::event::OrderEvents;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Listens until dropped.
pub struct Played {
    told: Told,
    _serving: JoinSet<()>,
}

type Told = Arc<Mutex<HashMap<OrderId, OrderEvent>>>;

impl Played {
    /// On a port of this machine.
    pub async fn listen(port: u16) -> anyhow::Result<Self> {
        let told = Told::default();
        let router = Router::new()
            .route(internal::EVENTS_PATH, post(events))
            .route(internal::DIRECTORY_PATH, post(async || StatusCode::OK))
            .with_state(told.clone());
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { told, _serving: serving })
    }

    /// What core last told of an order.
    pub fn told(&self, order: &OrderId) -> Option<OrderEvent> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(order).cloned()
    }
}

/// As the ledger does: the highest number wins, whatever comes when.
async fn events(State(told): State<Told>, body: Bytes) -> (StatusCode, &'static str) {
    let Ok(OrderEvents { events }) = serde_json::from_slice(&body) else {
        return (StatusCode::BAD_REQUEST, "");
    };
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for event in events {
        if told.get(&event.order).is_none_or(|known| known.seq < event.seq) {
            told.insert(event.order.clone(), event);
        }
    }
    (StatusCode::OK, r#"{"missed":[]}"#)
}

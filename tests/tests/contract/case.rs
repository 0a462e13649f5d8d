//! One bad request: a correct order with one thing wrong, and the refusal it must get.

use reqwest::Method;
use serde_json::Value;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Stack;

use crate::chunked;

/// What cases refer to in a running installation.
pub struct Ground {
    /// Shows the secret key.
    pub client: Client,
    /// `pk_…`
    pub publishable: String,
    /// A live order.
    pub order: String,
}

impl Ground {
    /// With a delivered order.
    pub async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let client = stack.client.clone();
        let order = client.order(&fresh_phone()).await?;
        client.until_state(&order, "delivered").await?;
        Ok(Self { client, publishable: stack.keys.publishable.clone(), order })
    }
}

/// A bad request.
pub struct Case {
    /// What is wrong with it.
    pub name: &'static str,
    /// HTTP status it must get.
    pub status: u16,
    /// Problem code it must get.
    pub code: &'static str,
    /// Whose bucket it must not touch, where it is an order.
    pub phone: Option<String>,
    /// The headers it is sent with.
    pub headers: Vec<(&'static str, String)>,
    method: Method,
    path: String,
    body: Vec<u8>,
    is_chunked: bool,
}

impl Case {
    /// A correct order, to be spoilt.
    pub fn order(ground: &Ground, name: &'static str, status: u16, code: &'static str) -> Self {
        let phone = fresh_phone();
        Self {
            name,
            status,
            code,
            headers: vec![
                ("authorization", format!("Bearer {}", ground.client.key)),
                ("content-type", "application/json".to_owned()),
                ("idempotency-key", fresh_key()),
            ],
            method: Method::POST,
            path: "/v1/orders".to_owned(),
            body: login(&phone).to_string().into_bytes(),
            phone: Some(phone),
            is_chunked: false,
        }
    }

    /// Another call, without a body.
    pub fn call(
        ground: &Ground,
        name: &'static str,
        method: Method,
        path: impl Into<String>,
        (status, code): (u16, &'static str),
    ) -> Self {
        let case = Self::order(ground, name, status, code).without("content-type").without("idempotency-key");
        Self { method, path: path.into(), body: Vec::new(), phone: None, ..case }
    }

    /// Expects another refusal.
    pub fn refused(self, status: u16, code: &'static str) -> Self {
        Self { status, code, ..self }
    }

    /// Changes the JSON of the body.
    pub fn edit(self, change: impl FnOnce(&mut Value)) -> Self {
        let mut body = serde_json::from_slice(&self.body).unwrap_or_default();
        change(&mut body);
        Self { body: body.to_string().into_bytes(), ..self }
    }

    /// Sets one field of the body.
    pub fn with(self, field: &str, value: Value) -> Self {
        self.edit(|body| body[field] = value)
    }

    /// Replaces the body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Replaces a header.
    pub fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        let mut case = self.without(name);
        case.headers.push((name, value.into()));
        case
    }

    /// Leaves a header out.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Sends the body in chunks, without telling its length.
    pub fn chunked(self) -> Self {
        Self { is_chunked: true, ..self }
    }

    /// The header it is sent with.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Sends it.
    pub async fn send(&self, client: &Client) -> anyhow::Result<Reply> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if self.is_chunked {
            return chunked::post(&client.edge, &self.path, &headers, &self.body).await;
        }
        let url = format!("{}{}", client.edge, self.path);
        client.raw(self.method.clone(), url, &headers, self.body.clone()).await
    }
}

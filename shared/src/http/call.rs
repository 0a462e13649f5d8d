//! The calls of the public API by method and path.

use crate::id::OrderId;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Cancel(OrderId),
    Create,
    Events(OrderId),
    Evidence(OrderId),
    Factor(FactorCall),
    Fetch(OrderId),
    Preflight,
    Resend(OrderId),
    Verify(OrderId),
}

impl Call {
    pub(super) fn find(method: &str, path: &str) -> Option<Self> {
        if method == "POST" && path == "/v1/preflight" {
            return Some(Self::Preflight);
        }
        if let Some(rest) = path.strip_prefix("/v1/factors") {
            return FactorCall::find(method, rest).map(Self::Factor);
        }
        let rest = path.strip_prefix("/v1/orders")?;
        let mut segments = rest.split('/');
        // An empty first segment: the path goes on with a slash, or ends here.
        if segments.next() != Some("") {
            return None;
        }
        let order = |id: &str| OrderId::parse(id).ok();
        Some(match (method, segments.next(), segments.next(), segments.next()) {
            ("POST", None, None, None) => Self::Create,
            ("GET" | "HEAD", Some(id), None, None) => Self::Fetch(order(id)?),
            ("GET", Some(id), Some("events"), None) => Self::Events(order(id)?),
            ("GET", Some(id), Some("evidence"), None) => Self::Evidence(order(id)?),
            ("POST", Some(id), Some("cancel"), None) => Self::Cancel(order(id)?),
            ("POST", Some(id), Some("resend"), None) => Self::Resend(order(id)?),
            ("POST", Some(id), Some("verify"), None) => Self::Verify(order(id)?),
            _ => return None,
        })
    }
}

/// A call of a factor. Its id is read with the caller's key in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FactorCall {
    Enrol,
    Remove(String),
    Verify(String),
}

impl FactorCall {
    fn find(method: &str, rest: &str) -> Option<Self> {
        let mut segments = rest.split('/');
        if segments.next() != Some("") {
            return None;
        }
        Some(match (method, segments.next(), segments.next(), segments.next()) {
            ("POST", None, None, None) => Self::Enrol,
            ("DELETE", Some(id), None, None) => Self::Remove(id.to_owned()),
            ("POST", Some(id), Some("verify"), None) => Self::Verify(id.to_owned()),
            _ => return None,
        })
    }
}

//! Statuses and errors, as Infobip writes them.

use serde_json::Value;
use serde_json::json;

use crate::sandbox::inbox::Status;

/// A status by its name, which begins with its group's.
pub(super) struct Name<'a>(pub(super) &'a str);

impl Name<'_> {
    /// Where a message is.
    pub(super) fn of(status: Status) -> Self {
        Self(match status {
            Status::Queued => "PENDING_ACCEPTED",
            Status::Sent => "DELIVERED_TO_OPERATOR",
            Status::Delivered => "DELIVERED_TO_HANDSET",
            Status::Undelivered => "UNDELIVERABLE_NOT_DELIVERED",
        })
    }

    /// With its group.
    pub(super) fn resource(&self) -> Value {
        let group = ["PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED"];
        let group = group.into_iter().zip(1..).find(|(name, _)| self.0.starts_with(name));
        let (group, id) = group.unwrap_or(("REJECTED", 5));
        json!({ "groupId": id, "groupName": group, "id": id, "name": self.0, "description": self.0 })
    }
}

/// The error of a failure, or that there is none.
pub(super) fn error(failure: Option<&str>) -> Value {
    let (group, id, name) = failure.map_or(("OK", 0, "NO_ERROR"), |name| ("HANDSET_ERRORS", 1, name));
    json!({ "groupId": id, "groupName": group, "id": id, "name": name, "description": name, "permanent": false })
}

//! Adapters to the providers that carry a code to a phone or a mailbox.

pub mod twilio;

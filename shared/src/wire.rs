//! What travels: the public API's bodies, jobs from edge to worker, events from core to edge.

pub mod api;
pub mod event;
pub mod factor;
pub mod job;
pub mod notice;
pub mod object;

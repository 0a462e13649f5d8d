//! The delivery tier of Tiffin: gateways and the provider sandbox they are tried against.

pub mod gateways;
pub mod sandbox;

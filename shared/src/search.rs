//! Finding orders: by what is asked for, among those that are open and those that their tenants' logs have.
//!
//! A log's page holds 64 closed orders. Beside it stands its [`Summary`], 16 bytes of each order, which says for certain
//! which of them cannot be meant: what is searched for is found without reading the others.

mod cursor;
mod filter;
mod found;
mod summary;

pub use self::cursor::Closed;
pub use self::cursor::Cursor;
pub use self::cursor::Open;
pub use self::filter::Filter;
pub use self::found::Found;
pub use self::found::Spent;
pub use self::summary::Summary;

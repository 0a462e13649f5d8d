//! End to end, over real parts, through the public door.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod order;
mod overload;

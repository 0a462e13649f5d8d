//! AWS's own SDKs as judges: botocore of our requests and their signatures, its validator for JavaScript of the posts that the
//! sandbox signs, and posts signed by another's hand of what our adapter takes.

mod common;
mod posts;
mod requests;

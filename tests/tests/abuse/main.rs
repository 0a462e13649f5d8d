//! Abuse: floods, scans, forgeries and races from the outside, and what the limits let through.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod caller;
mod challenge;
mod destinations;
mod directory;
mod door;
mod enumeration;
mod eviction;
mod fleet;
mod flood;
mod letting_go;
mod lockout;
mod networks;
mod objects;
mod places;
mod quotas;
mod quotas_tenant;
mod races;
mod scope;
mod sites;
mod snapshots;
mod solver;
mod spoofing;
mod tenants;
mod versions;

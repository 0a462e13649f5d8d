//! `make bench`: each figure with its floor, taken in the same run. Results go to `target/bench/*.json`. With names as
//! arguments only these: `cargo run --release -p tiffin-tests --bin bench ledger_step throughput`.

mod console_million;
mod delivery;
mod edge_start;
mod figures;
mod ledger_step;
mod live_state;
mod load;
mod memory;
mod order_cost;
mod order_search;
mod peers;
mod postings;
mod smpp_throughput;
mod throughput;
mod wasm_size;

use crate::figures::save;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let names: Vec<_> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if is_wanted("wasm_size") {
        save("wasm_size", &wasm_size::measure()?)?;
    }
    if is_wanted("ledger_step") {
        save("ledger_step", &ledger_step::measure()?)?;
    }
    if is_wanted("edge_start") {
        save("edge_start", &edge_start::measure().await?)?;
    }
    if is_wanted("throughput") {
        save("throughput", &throughput::measure().await?)?;
    }
    if is_wanted("isolate_memory") {
        save("isolate_memory", &memory::measure().await?)?;
    }
    if is_wanted("order_cost") {
        save("order_cost", &order_cost::measure().await?)?;
    }
    if is_wanted("order_search") {
        save("order_search", &order_search::measure().await?)?;
    }
    if is_wanted("console_million") {
        save("console_million", &console_million::measure().await?)?;
    }
    if is_wanted("smpp_throughput") {
        save("smpp_throughput", &smpp_throughput::measure().await?)?;
    }
    if is_wanted("delivery_throughput") {
        save("delivery_throughput", &delivery::throughput::measure().await?)?;
    }
    if is_wanted("delivery_latency") {
        save("delivery_latency", &delivery::latency::measure().await?)?;
    }
    if is_wanted("delivery_backlog") {
        save("delivery_backlog", &delivery::backlog::measure().await?)?;
    }
    if is_wanted("live_state") {
        save("live_state", &live_state::measure().await?)?;
    }
    if is_wanted("postings") {
        save("postings", &postings::measure().await?)?;
    }
    if is_wanted("delivery_workers") {
        save("delivery_workers", &delivery::workers::measure().await?)?;
    }
    Ok(())
}

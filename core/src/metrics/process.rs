//! The process itself, under the names that every Prometheus client gives them. Read from `/proc` at each look; absent where
//! there is none.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::EncodeMetric;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::deliver::seconds;
use super::limits::count;
use crate::host;

/// Linux's unit of processor time, on every machine that Rust's standard library runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// Of a page of memory, as `/proc/self/status` counts them.
const KIB: u64 = 1_024;
/// Fields of `/proc/self/stat` behind the name of the program: user and system time.
const TIMES_AT: usize = 11;

#[derive(Debug)]
struct Process {
    began_at_s: f64,
}

pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Process { began_at_s: seconds(host::now().0) }));
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "When the process began to count";
        gauge(&mut encoder, "process_start_time_seconds", help, self.began_at_s)?;
        if let Some(bytes) = resident_bytes() {
            gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            gauge(&mut encoder, "process_open_fds", "Files and connections open", count(open.count()))?;
        }
        if let Some(most) = files_max() {
            gauge(&mut encoder, "process_max_fds", "Files and connections that may be open", most)?;
        }
        if let Some(used) = cpu_seconds() {
            let counter = ConstCounter::new(used);
            let help = "Processor time, user and system";
            let of = encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                EncodeMetric::metric_type(&counter),
            )?;
            counter.encode(of)?;
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: f64) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(value);
    let of = encoder.encode_descriptor(name, help, None, EncodeMetric::metric_type(&gauge))?;
    gauge.encode(of)
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(count(usize::try_from(kib.saturating_mul(KIB)).ok()?))
}

fn files_max() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name may hold anything, a parenthesis too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(TIMES_AT)? + ticks(TIMES_AT + 1)?) / TICKS_PER_SECOND)
}

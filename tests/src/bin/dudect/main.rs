//! Whether what compares secrets takes a time that tells nothing of them, after dudect:
//!
//! ```sh
//! nice -n -5 cargo run --release -p tiffin-tests --bin dudect            # 10^6 times of each pair
//! cargo run --release -p tiffin-tests --bin dudect -- 50000 ledger                   # another number, some pairs only
//! ```
//!
//! Prints Welch's t of each pair: over all times, and the largest after cutting off slow ones. dudect's own reading: above 10
//! something differs for certain, below 5 nothing is seen. A last pair that does leak shows that the ruler works.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

mod pairs;

use std::hint::black_box;
use std::time::Instant;

use tiffin_core::host;
use tiffin_tests::welch;

const SAMPLES: usize = 1_000_000;
/// Thrown away: caches and clocks settle.
const WARM_UP: usize = 10_000;

fn main() -> anyhow::Result<()> {
    let samples = std::env::args().nth(1).map_or(Ok(SAMPLES), |text| text.parse())?;
    let only = std::env::args().nth(2).unwrap_or_default();
    println!("{:58} {:>10} {:>8} {:>8} {:>12}", "pair", "samples", "t", "max |t|", "median, ns");
    pairs::all(&Ruler { samples, coins: u64::from_le_bytes(host::random()?) | 1, only })
}

/// Times one call at a time.
struct Ruler {
    samples: usize,
    coins: u64,
    only: String,
}

impl Ruler {
    /// Times `act` on one of two inputs, which of them a coin decides each time. Both are copied to the same place before.
    fn pair<I: Clone, T>(&self, name: &str, inputs: &[I; 2], act: impl Fn(&I) -> T) {
        if !name.contains(&self.only) {
            return;
        }
        let mut times = [Vec::with_capacity(self.samples), Vec::with_capacity(self.samples)];
        let mut coins = self.coins;
        for at in 0..self.samples + WARM_UP {
            // Xorshift: the coin must not follow a pattern that the processor learns.
            coins ^= coins << 13;
            coins ^= coins >> 7;
            coins ^= coins << 17;
            let is_right = coins >> 63 == 1;
            let [left, right] = inputs;
            let input = if is_right { right.clone() } else { left.clone() };
            let begun = Instant::now();
            black_box(act(black_box(&input)));
            let took = begun.elapsed();
            if at >= WARM_UP {
                let [left, right] = &mut times;
                let class = if is_right { right } else { left };
                class.push(took.as_nanos() as f64);
            }
        }
        let [left, right] = times;
        let seen = welch::compare(&left, &right);
        let (t, max_t, median) = (seen.t, seen.max_t.abs(), seen.median_difference);
        println!("{name:58} {:>10} {t:>8.2} {max_t:>8.2} {median:>12.1}", self.samples);
    }
}

//! Whether a stranger can tell by the time of the answer what became of an order, or whether there ever was one:
//!
//! ```sh
//! scripts/build-edge.sh && cargo build --release --bin tiffin
//! cargo run --release -p tiffin-tests --bin timing            # 3,000 guesses of each class on each host; or a number
//! ```
//!
//! Guesses with a publishable key at the public door of both hosts, over loopback, one at a time. The classes take turns in
//! an order that is drawn anew each time. Nothing is asserted: it prints each class against a wrong guess.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

mod ground;

use std::time::Instant;

use tiffin_core::host;
use tiffin_tests::stack::Front;
use tiffin_tests::welch;

use self::ground::CLASSES;
use self::ground::Ground;
use self::ground::TURNS;

const SAMPLES: usize = 3_000;
const WRONG: &str = "wrong";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let samples = std::env::args().nth(1).map_or(Ok(SAMPLES), |text| text.parse())?;
    for front in [Front::Edge, Front::Standalone] {
        let ground = Ground::prepare(front, samples.div_ceil(TURNS)).await?;
        let times = measure(&ground).await?;
        print(front, &times);
    }
    Ok(())
}

/// Milliseconds by class.
async fn measure(ground: &Ground) -> anyhow::Result<Vec<Vec<f64>>> {
    let mut times = vec![Vec::new(); CLASSES.len()];
    for at in 0..ground.orders() {
        ground.warm(at).await?;
        for turn in 0..TURNS {
            let ip = ground::fresh_ip();
            for class in shuffled()? {
                let begun = Instant::now();
                ground.guess(class, at, turn, &ip).await?;
                let took = begun.elapsed().as_secs_f64() * 1_000.0;
                times.get_mut(class).into_iter().for_each(|times| times.push(took));
            }
        }
    }
    Ok(times)
}

fn shuffled() -> anyhow::Result<Vec<usize>> {
    let draws: [u8; CLASSES.len()] = host::random()?;
    let mut order: Vec<_> = draws.into_iter().zip(0..).collect();
    order.sort_unstable();
    Ok(order.into_iter().map(|(_, class)| class).collect())
}

fn print(front: Front, times: &[Vec<f64>]) {
    println!("\n{front:?}, milliseconds; the last three against `{WRONG}`");
    println!("{:46} {:>6} {:>8} {:>12} {:>8} {:>8}", "class", "n", "median", "difference", "t", "max |t|");
    let classes = || CLASSES.into_iter().zip(times);
    let Some((_, wrong)) = classes().find(|(name, _)| *name == WRONG) else { return };
    for (name, sample) in classes() {
        let seen = welch::compare(sample, wrong);
        let (median, difference) = (welch::median(sample), seen.median_difference);
        let (t, max_t) = (seen.t, seen.max_t.abs());
        println!("{name:46} {:>6} {median:>8.3} {difference:>12.3} {t:>8.2} {max_t:>8.2}", sample.len());
    }
}

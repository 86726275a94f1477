//! `cargo xtask demo`: the story of a shop that takes money back, told with the real thing.
//!
//! A `rescind serve` in a process of its own with its components and a new database, a simulated acquirer and a webhook
//! receiver on free ports. Every answer is checked: the story ends with what was as expected, or names the step that
//! was not.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(clippy::arithmetic_side_effects, reason = "counts of steps; overflow stops the run")]
#![allow(clippy::indexing_slicing, reason = "only JSON is indexed, where what is missing reads as null")]

mod story;

use rescind_tests::teller::Teller;
use std::process::ExitCode;
use std::time::Instant;

#[tokio::main]
async fn main() -> ExitCode {
    let begun = Instant::now();
    let mut teller = Teller::aloud();
    match story::tell(&mut teller).await {
        Ok(()) => {
            println!("\n({} s)", begun.elapsed().as_secs());
            println!("demo: {} steps, all as expected", teller.steps());
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("\ndemo: {} was not as expected: {reason:#}", teller.now());
            ExitCode::FAILURE
        }
    }
}

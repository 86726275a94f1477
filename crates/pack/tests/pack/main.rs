//! Packs and the tools for them. One test program, for link time.

#[cfg(test)]
mod backtests;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod lints;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod suites;
#[cfg(test)]
mod world;

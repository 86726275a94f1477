//! `cargo xtask simulate`: many runs, by seed. Fails at the first that breaks an invariant, with its story.

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use rescind_simulate::minimise::minimise;
use rescind_simulate::model::Model;
use rescind_simulate::run::{Plan, run};
use rescind_simulate::shop::Shop;
use rescind_simulate::summary::Summary;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Runs the service over bad stores, crashes and races.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed. Run n has seed + n.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs, over all stores together.
    #[arg(long, default_value_t = 6_000)]
    runs: u64,
    /// Only over this store.
    #[arg(long)]
    store: Option<Model>,
    /// What is done in a run, at least.
    #[arg(long, default_value_t = 34)]
    deeds: usize,
    /// What goes wrong in a run, at least.
    #[arg(long, default_value_t = 8)]
    faults: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Makes each known mistake, and says how many runs it takes to find it.
    #[cfg(feature = "planted")]
    #[arg(long)]
    mistakes: bool,
    /// Tells the story of the first run, whether it fails or not.
    #[arg(long)]
    story: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    if options.story {
        let shop = Shop::open(options.store.unwrap_or(Model::Embedded))?;
        let outcome = run(&shop, &Plan::of(options.seed, options.deeds, options.faults), true);
        for line in &outcome.story {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{:#?}", outcome.violations)?;
        return Ok(());
    }
    #[cfg(feature = "planted")]
    if options.mistakes {
        return mistakes(&options, &mut out);
    }
    #[allow(clippy::disallowed_methods, reason = "a measurement of the runs, on the machine's own clock")]
    let begun = std::time::Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let summary = std::thread::scope(|scope| -> Result<Summary> {
        let workers: Vec<_> =
            (0..options.jobs.max(1)).map(|_| scope.spawn(|| work(&options, &next, &failed))).collect();
        let mut all = Summary::default();
        for worker in workers {
            let one = worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?;
            all.merge(one?);
        }
        Ok(all)
    })?;
    let took = begun.elapsed();
    write!(out, "{summary}")?;
    let runs: u64 = summary.by_model.values().map(|met| met.runs).sum();
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = runs.saturating_mul(1_000).checked_div(ms).unwrap_or(0);
    writeln!(out, "\n{runs} runs, no violation, {ms} ms, {rate} runs/s")?;
    Ok(())
}

/// Trials for each mistake.
#[cfg(feature = "planted")]
const TRIALS: usize = 5;

/// Makes each mistake in turn and looks for it, over each store in turn, from several seeds on. A mistake that is not found
/// within the runs that were asked for is one too many.
#[cfg(feature = "planted")]
fn mistakes(options: &Options, out: &mut impl std::io::Write) -> Result<()> {
    use rescind_service::planted::{Mistake, make};
    let mut missed = Vec::new();
    for mistake in Mistake::ALL {
        let mut took: Vec<u64> = Vec::new();
        let mut how = String::new();
        for trial in 0..TRIALS {
            // A shop opens without mistakes, but for the one about what is found out when it opens.
            make(Some(mistake).filter(|mistake| *mistake == Mistake::CreatePlainly));
            let models: Vec<Model> = options.store.map_or_else(|| Model::ALL.to_vec(), |one| vec![one]);
            let shops: Vec<Shop> = models.iter().map(|model| Shop::open(*model)).collect::<Result<_>>()?;
            make(Some(mistake));
            let count = u64::try_from(shops.len()).unwrap_or(1);
            let seed = options.seed.wrapping_add(u64::try_from(trial).unwrap_or(0).wrapping_mul(1_000_000));
            for number in 0..options.runs {
                let at = usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
                let shop = shops.get(at).context("no store")?;
                let outcome = run(shop, &Plan::of(seed.wrapping_add(number), options.deeds, options.faults), false);
                if let Some(violation) = outcome.violations.first() {
                    took.push(number.saturating_add(1));
                    how = format!("{}: {}", shop.model.name(), violation.chars().take(110).collect::<String>());
                    break;
                }
            }
        }
        took.sort_unstable();
        if took.len() < TRIALS {
            missed.push(mistake);
        }
        let median = took.get(took.len().checked_div(2).unwrap_or(0)).copied().unwrap_or(0);
        writeln!(
            out,
            "{:<20} found in {} of {TRIALS} trials, median {median} runs; {how}",
            format!("{mistake:?}"),
            took.len()
        )?;
    }
    make(None);
    if missed.is_empty() { Ok(()) } else { bail!("not always found: {missed:?}") }
}

/// Takes one run after the other until there are no more.
fn work(options: &Options, next: &AtomicU64, failed: &AtomicBool) -> Result<Summary> {
    let models: Vec<Model> = options.store.map_or_else(|| Model::ALL.to_vec(), |one| vec![one]);
    let shops: Vec<Shop> = models.iter().map(|model| Shop::open(*model)).collect::<Result<_>>()?;
    let count = u64::try_from(shops.len()).unwrap_or(1);
    let mut summary = Summary::default();
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= options.runs || failed.load(Ordering::SeqCst) {
            return Ok(summary);
        }
        let at = usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        let shop = shops.get(at).context("no store")?;
        let plan = Plan::of(options.seed.wrapping_add(number), options.deeds, options.faults);
        let outcome = run(shop, &plan, false);
        if !outcome.violations.is_empty() {
            failed.store(true, Ordering::SeqCst);
            let (small, told) = minimise(shop, &plan);
            let mut story = told.story.join("\n");
            story.push('\n');
            bail!(
                "seed {} over {} breaks: {:#?}\n\nthe least that does, {} deeds and {} faults:\n{story}\nbroken: {:#?}\nrun again with --seed {} --store {} --runs 1",
                plan.seed,
                shop.model.name(),
                outcome.violations,
                small.deeds.len(),
                small.faults.len(),
                told.violations,
                plan.seed,
                shop.model.name(),
            );
        }
        summary.add(shop.model, &outcome);
    }
}

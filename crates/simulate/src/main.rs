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

/// Most of what a run does is to read records, look at them and drop them: the memory they take is a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the service over bad stores, crashes and races.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed. Run n has seed + n.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs, over all stores together: 6,000. To find a mistake: 30,000 at most.
    #[arg(long)]
    runs: Option<u64>,
    /// Only over this store.
    #[arg(long)]
    store: Option<Model>,
    /// Commands in a run, at least.
    #[arg(long, default_value_t = 31)]
    commands: usize,
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
    /// Of the mistakes only this one, by its name in the list.
    #[cfg(feature = "planted")]
    #[arg(long)]
    only: Option<String>,
    /// Tells the story of the first run, whether it fails or not.
    #[arg(long)]
    story: bool,
}

/// Runs, if nobody says how many.
const RUNS: u64 = 6_000;

/// Runs in which a mistake has to be found, if nobody says how many.
#[cfg(feature = "planted")]
const RUNS_TO_FIND: u64 = 30_000;

fn main() -> Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    if options.story {
        let shops = Shops::open(options.store.unwrap_or(Model::Embedded))?;
        #[cfg(feature = "planted")]
        {
            use rescind_service::planted::{Mistake, make};
            let only = options.only.as_deref();
            make(Mistake::ALL.into_iter().find(|mistake| Some(format!("{mistake:?}").as_str()) == only));
        }
        let plan = Plan::of(options.seed, options.commands, options.faults);
        let outcome = run(shops.of(&plan), &plan, true);
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
    let shared = Shared::default();
    let (done, heard) = std::sync::mpsc::channel();
    let summary = std::thread::scope(|scope| -> Result<Summary> {
        let workers: Vec<_> = (0..options.jobs.max(1))
            .map(|_| {
                let done = done.clone();
                let (options, shared) = (&options, &shared);
                scope.spawn(move || {
                    let result = work(options, shared);
                    // Whoever waits for it hears of it, or has stopped waiting.
                    let _heard = done.send(()).is_ok();
                    result
                })
            })
            .collect();
        let mut working = workers.len();
        while working > 0 {
            if heard.recv_timeout(PROGRESS).is_ok() {
                working = working.saturating_sub(1);
            } else {
                let runs = shared.done.load(Ordering::SeqCst);
                writeln!(
                    out,
                    "{runs} of {} runs, no violation, {} runs/s",
                    options.runs.unwrap_or(RUNS),
                    rate(runs, begun.elapsed())
                )?;
            }
        }
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
    writeln!(out, "\n{runs} runs, no violation, {} ms, {} runs/s", took.as_millis(), rate(runs, took))?;
    let wrong = summary.faults_of_its_own();
    if wrong.is_empty() { Ok(()) } else { bail!("the runs are not what they are said to be: {wrong:#?}") }
}

/// How often a long series says how far it is.
const PROGRESS: std::time::Duration = std::time::Duration::from_secs(30);

/// What workers share.
#[derive(Default)]
struct Shared {
    next: AtomicU64,
    done: AtomicU64,
    failed: AtomicBool,
}

fn rate(runs: u64, took: std::time::Duration) -> u64 {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    runs.saturating_mul(1_000).checked_div(ms).unwrap_or(0)
}

/// Trials for each mistake.
#[cfg(feature = "planted")]
const TRIALS: u64 = 7;

/// Makes each mistake in turn and looks for it, over each store in turn that it can show on, from several seeds on. A mistake
/// that is not found within the runs that were asked for is one too many.
#[cfg(feature = "planted")]
fn mistakes(options: &Options, out: &mut impl std::io::Write) -> Result<()> {
    use rescind_service::planted::{Mistake, make};
    let mut missed = Vec::new();
    let wanted = |mistake: &Mistake| options.only.as_ref().is_none_or(|only| *only == format!("{mistake:?}"));
    for mistake in Mistake::ALL.into_iter().filter(wanted) {
        // A shop opens without mistakes, but for the one about what is found out when it opens.
        make(Some(mistake).filter(|mistake| *mistake == Mistake::CreatePlainly));
        let jobs = options.jobs.max(1);
        let stores = options.store.map_or_else(|| shown_on(mistake), |one| vec![one]);
        let shops: Vec<Vec<Shops>> = (0..jobs).map(|_| open_shops(&stores)).collect::<Result<_>>()?;
        make(Some(mistake));
        let next = AtomicU64::new(0);
        let mut found: Vec<(u64, String)> = std::thread::scope(|scope| -> Result<_> {
            let workers: Vec<_> = shops
                .into_iter()
                .map(|shops| {
                    let next = &next;
                    scope.spawn(move || {
                        let mut found = Vec::new();
                        loop {
                            let trial = next.fetch_add(1, Ordering::SeqCst);
                            if trial >= TRIALS {
                                return found;
                            }
                            found.extend(look_for(options, &shops, trial));
                        }
                    })
                })
                .collect();
            let mut all = Vec::new();
            for worker in workers {
                all.extend(worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?);
            }
            Ok(all)
        })?;
        found.sort_unstable();
        let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
        if count < TRIALS {
            missed.push(mistake);
        }
        let middle = found.len().checked_div(2).unwrap_or(0);
        let (median, how) = found.get(middle).cloned().unwrap_or_default();
        writeln!(
            out,
            "{:<20} found in {count} of {TRIALS} trials, median {median} runs; {how}",
            format!("{mistake:?}")
        )?;
    }
    make(None);
    if missed.is_empty() { Ok(()) } else { bail!("not always found: {missed:?}") }
}

/// The stores on which a mistake is one.
#[cfg(feature = "planted")]
fn shown_on(mistake: rescind_service::planted::Mistake) -> Vec<Model> {
    match mistake {
        // A swap over nothing that writes over what is there is what the mistake is about. Every other store refuses it, and to
        // create by it is right there, or reads back what became of it.
        rescind_service::planted::Mistake::CreatePlainly => vec![Model::SpinSqlite],
        _ => Model::ALL.to_vec(),
    }
}

/// One trial: the number of the run that breaks something, and what it breaks.
#[cfg(feature = "planted")]
fn look_for(options: &Options, shops: &[Shops], trial: u64) -> Option<(u64, String)> {
    let count = u64::try_from(shops.len()).unwrap_or(1);
    let seed = options.seed.wrapping_add(trial.wrapping_mul(1_000_000));
    for number in 0..options.runs.unwrap_or(RUNS_TO_FIND) {
        let at = usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        let plan = Plan::of(seed.wrapping_add(number), options.commands, options.faults);
        let shop = shops.get(at)?.of(&plan);
        let outcome = run(shop, &plan, false);
        if let Some(violation) = outcome.violations.first() {
            let how = violation.chars().take(110).collect::<String>();
            return Some((number.saturating_add(1), format!("{}: {how}", shop.model.name())));
        }
    }
    None
}

/// The same merchant over one store, twice: with pages of lists as they are delivered, and with small ones.
struct Shops {
    plain: Shop,
    small: Shop,
}

impl Shops {
    fn open(model: Model) -> Result<Self> {
        Ok(Self { plain: Shop::open(model)?, small: Shop::with_small_pages(model)? })
    }

    const fn of(&self, plan: &Plan) -> &Shop {
        if plan.small_pages { &self.small } else { &self.plain }
    }
}

/// The shops over each of these stores.
fn open_shops(models: &[Model]) -> Result<Vec<Shops>> {
    models.iter().map(|model| Shops::open(*model)).collect()
}

/// Takes one run after the other until there are no more.
fn work(options: &Options, shared: &Shared) -> Result<Summary> {
    let shops = open_shops(&options.store.map_or_else(|| Model::ALL.to_vec(), |one| vec![one]))?;
    let count = u64::try_from(shops.len()).unwrap_or(1);
    let mut summary = Summary::default();
    loop {
        let number = shared.next.fetch_add(1, Ordering::SeqCst);
        if number >= options.runs.unwrap_or(RUNS) || shared.failed.load(Ordering::SeqCst) {
            return Ok(summary);
        }
        let at = usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        let plan = Plan::of(options.seed.wrapping_add(number), options.commands, options.faults);
        let shop = shops.get(at).context("no store")?.of(&plan);
        let outcome = run(shop, &plan, false);
        if !outcome.violations.is_empty() {
            shared.failed.store(true, Ordering::SeqCst);
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
        shared.done.fetch_add(1, Ordering::SeqCst);
    }
}

//! `rescind doctor`: walks a database that is not in use and checks everything in it.

use crate::native::{Native, STORE, now};
use crate::stdio::{Unwritten, complain, say};
use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rescind_host::store::{Resting, SqliteStore, Store, StoreError};
use rescind_service::doctor::{Code, Finding, Hands, Listed, Notes, Report, Severity, examine};
use rescind_service::ports::{Kv, KvError, Ports as _, Swap};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Walk a database that is not in use and check everything in it.
///
/// The file first, then every record: what a sale amounts to, its chain of hashes, whether each event is in the feed once,
/// whether everything that is due will be done, and whether what names one another agrees. Nothing is written without
/// --repair. Ends with 0 if nothing is broken, with 1 if something is, with 2 if the database cannot be read.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The database. No server may have it open.
    #[arg(long, default_value = "rescind.db")]
    store: PathBuf,
    /// Put right what follows from what else is stored, then look again.
    #[arg(long)]
    repair: bool,
    /// Answer with JSON: one finding a line, then the summary.
    #[arg(long)]
    json: bool,
    /// Show at most so many findings of one kind; all are counted. JSON has all of them.
    #[arg(long, default_value_t = 20)]
    show: u64,
}

/// What the command ends with.
const BROKEN: u8 = 1;
const UNREADABLE: u8 = 2;

impl Doctor {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let walked = tokio::runtime::Builder::new_current_thread().build().context("no runtime").and_then(|runtime| {
            let walk = async {
                if self.repair {
                    self.repair().await?;
                }
                self.look().await
            };
            runtime.block_on(walk)
        });
        match walked {
            Ok(Some(Severity::Broken)) => ExitCode::from(BROKEN),
            Ok(_) => ExitCode::SUCCESS,
            Err(error) if error.downcast_ref::<Unwritten>().is_some() => crate::stdio::failure(&error),
            Err(error) => {
                complain(format_args!("error: {error:#}"));
                ExitCode::from(UNREADABLE)
            }
        }
    }

    /// Walks the database as it is; gives the worst that was found.
    async fn look(&self) -> anyhow::Result<Option<Severity>> {
        let resting = Resting::open(&self.store)?;
        let damages = resting.damages()?;
        if !damages.is_empty() {
            for damage in &damages {
                complain(format_args!("{damage}"));
            }
            let db = self.store.display();
            anyhow::bail!(
                "the file {db} is damaged: restore it from a backup, or copy what can be read with SQLite's .recover"
            );
        }
        let kv = AtRest(Mutex::new(resting));
        let mut page = Page::new(self);
        let report = examine(&kv, now(), Hands::Off, &mut page).await?;
        page.close()?;
        self.summary(&report)?;
        Ok(report.worst())
    }

    /// Opens the database for writing and puts right what can be.
    async fn repair(&self) -> anyhow::Result<()> {
        // A file that is not there is not made.
        drop(Resting::open(&self.store)?);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&self.store)?);
        let ports = Native::new(Arc::clone(&store));
        let report = examine(ports.kv(), now(), Hands::On, &mut Vec::new()).await?;
        ports.durable().await.context("the repairs were not made durable")?;
        store.close();
        if !self.json {
            say(format_args!("{} repairs, {} left to another run\n", report.repaired, report.left))?;
        }
        Ok(())
    }

    fn summary(&self, report: &Report) -> Result<(), Unwritten> {
        let count = |severity| report.count(severity);
        if self.json {
            let findings: BTreeMap<&str, u64> = report.findings.iter().map(|(code, n)| (code.token(), *n)).collect();
            let summary = json!({
                "store": self.store.display().to_string(),
                "keys": report.keys,
                "events": report.events,
                "kinds": report.kinds,
                "findings": findings,
                "broken": count(Severity::Broken),
                "untidy": count(Severity::Untidy),
                "unfinished": count(Severity::Unfinished),
            });
            return say(format_args!("{}", json!({ "summary": summary })));
        }
        let sales = report.kinds.get("sale").copied().unwrap_or(0);
        say(format_args!("{}: {} keys, {sales} sales, {} events", self.store.display(), report.keys, report.events))?;
        for (code, count) in &report.findings {
            let (token, severity) = (code.token(), code.severity().token());
            say(format_args!("  {count:>8}  {severity:<10}  {token:<20}  {}", code.meaning()))?;
        }
        let repairable = if count(Severity::Broken).saturating_add(count(Severity::Untidy)) == 0 || self.repair {
            ""
        } else {
            "; --repair puts right what can be derived"
        };
        say(format_args!(
            "{} broken, {} untidy, {} unfinished{repairable}",
            count(Severity::Broken),
            count(Severity::Untidy),
            count(Severity::Unfinished)
        ))
    }
}

/// Findings as they come.
struct Page<'a> {
    of: &'a Doctor,
    shown: BTreeMap<Code, u64>,
    progress: ProgressBar,
    unwritten: Option<Unwritten>,
}

impl<'a> Page<'a> {
    fn new(of: &'a Doctor) -> Self {
        // Drawn on a terminal only, and on standard error.
        let progress = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {pos} keys, {per_sec}");
        progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { of, shown: BTreeMap::new(), progress, unwritten: None }
    }

    fn close(self) -> Result<(), Unwritten> {
        self.progress.finish_and_clear();
        self.unwritten.map_or(Ok(()), Err)
    }

    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        if self.unwritten.is_none() {
            let said = self.progress.suspend(|| say(line));
            self.unwritten = said.err();
        }
    }
}

impl Notes for Page<'_> {
    fn found(&mut self, finding: &Finding) {
        let Finding { code, key, what, repairable } = finding;
        if self.of.json {
            let line = json!({
                "code": code.token(),
                "severity": code.severity().token(),
                "key": key,
                "what": what,
                "repairable": repairable,
            });
            self.say(format_args!("{line}"));
            return;
        }
        let shown = self.shown.entry(*code).or_insert(0);
        *shown = shown.saturating_add(1);
        if *shown <= self.of.show {
            let repair = if *repairable { " (repairable)" } else { "" };
            self.say(format_args!("{finding}{repair}"));
        }
    }

    fn walked(&mut self, keys: u64) {
        self.progress.set_position(keys);
    }
}

/// The database as the service sees it, for reading only.
struct AtRest(Mutex<Resting>);

impl AtRest {
    fn read<T>(&self, read: impl FnOnce(&Resting) -> Result<T, StoreError>) -> Result<T, KvError> {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|error| KvError(error.to_string()))
    }
}

fn not_written<T>() -> Result<T, KvError> {
    Err(KvError("the database is only being looked at".to_owned()))
}

impl Kv for AtRest {
    type Cell = ();

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.read(|resting| resting.get(STORE, key))
    }
    async fn set(&self, _key: &str, _value: &[u8]) -> Result<(), KvError> {
        not_written()
    }
    async fn delete(&self, _key: &str) -> Result<(), KvError> {
        not_written()
    }
    async fn open(&self, _key: &str) -> Result<(Option<Vec<u8>>, ()), KvError> {
        not_written()
    }
    async fn swap(&self, _cell: (), _value: &[u8]) -> Result<Swap, KvError> {
        not_written()
    }
    async fn increment(&self, _key: &str, _delta: i64) -> Result<i64, KvError> {
        not_written()
    }
}

impl Listed for AtRest {
    async fn after(&self, key: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, KvError> {
        self.read(|resting| resting.rows(STORE, key, limit))
    }
}

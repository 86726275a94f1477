//! The contract of the storage port as a test-suite: what `docs/storage.md` says, case by case, for any store.
//!
//! Two levels. `port` cases ask the store itself. What they find missing is either relied on (then the store fails) or
//! coped with by the record protocol (then it is said so). `record` cases ask the protocol over it: creation, update, proof
//! by reading back, counts, lists, intents, idempotency. They hold on every store that is not refused, also while
//! operations fail, lie, come late or are slow.
//!
//! A store is given as a [`Subject`]: how to reach it anew, as an instance does, and how to have several callers at once.
//!
//! ```
//! use rescind_service::testkit::{Fault, contract};
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let report = contract::report(&contract::Memory::new(Fault::None, 1), contract::Effort::LITTLE).await;
//! assert!(report.is_kept(), "{report}");
//! # });
//! ```

mod memory;
mod port;
mod record;
mod turns;

pub use memory::Memory;
pub use turns::turns;

use crate::ports::{Kv, KvError};
use crate::store::{Creation, probe};
use core::fmt;
use core::future::Future;
use core::pin::Pin;

/// Somebody who uses the store.
pub type Caller<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store that is asked.
pub trait Subject: Sync {
    /// What it is reached by.
    type Kv: Kv + 'static;

    /// What it is called in reports.
    fn name(&self) -> String;

    /// Reaches the store as a new instance does: with connections of its own, where it has any.
    fn instance(&self) -> impl Future<Output = Result<Self::Kv, KvError>> + Send;

    /// Runs all callers at once, to their ends: by threads, or by turns from one.
    fn together<'a, T: Send + 'a>(&'a self, callers: Vec<Caller<'a, T>>) -> impl Future<Output = Vec<T>> + Send;

    /// Waits until everything that was on its way has arrived, and everybody sees it. Nothing, where that is always so.
    fn rest(&self) -> impl Future<Output = ()> + Send {
        core::future::ready(())
    }

    /// Whether operations fail or lie now and then by themselves. Then only the protocol is asked, not the store.
    fn is_troubled(&self) -> bool {
        false
    }
}

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What the store itself does.
    Port,
    /// What the record protocol makes of it.
    Record,
}

/// Who relies on what a case asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everything.
    Always,
    /// Direct creation; where it is missing, heads must be sound.
    Direct,
    /// Creation by heads.
    Headed,
    /// Nothing: it is coped with. The text says how.
    Never(&'static str),
}

/// One promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Its name, which never changes.
    pub name: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// Which level it asks.
    pub level: Level,
    /// Who relies on it.
    pub need: Need,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The promise is kept.
    Passed,
    /// It is not kept, and nobody relies on it: why not, and what was found.
    Coped(String),
    /// The store is refused, so nothing is written to it. What the case found.
    Refused(String),
    /// It is not kept.
    Failed(String),
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The case.
    pub case: Case,
    /// What came of it.
    pub verdict: Verdict,
}

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Callers at once.
    pub callers: usize,
    /// Races of the kind that is over in one round.
    pub rounds: usize,
    /// What each caller adds where something grows.
    pub each: usize,
}

impl Effort {
    /// Enough for a store in memory under one seed: others follow.
    pub const LITTLE: Self = Self { callers: 4, rounds: 6, each: 72 };
    /// For a real store.
    pub const MUCH: Self = Self { callers: 6, rounds: 40, each: 60 };
}

/// What a store does, case by case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The store.
    pub subject: String,
    /// How records are created there.
    pub creation: Creation,
    /// Every case that was asked.
    pub lines: Vec<Line>,
}

impl Report {
    /// Whether the contract is kept: nothing that is relied on is missing. A store that is refused keeps none.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !self.is_refused() && self.lines.iter().all(|l| matches!(l.verdict, Verdict::Passed | Verdict::Coped(_)))
    }

    /// Whether it is refused, and nothing was written to it by any case of the protocol.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let refused = |l: &Line| l.case.level == Level::Port || matches!(l.verdict, Verdict::Refused(_));
        matches!(self.creation, Creation::Refused(_)) && self.lines.iter().all(refused)
    }

    /// What came of a case.
    #[must_use]
    pub fn verdict(&self, name: &str) -> Option<&Verdict> {
        self.lines.iter().find(|l| l.case.name == name).map(|l| &l.verdict)
    }

    /// Names of the cases that nobody relies on here and that are not kept.
    #[must_use]
    pub fn coped(&self) -> Vec<&'static str> {
        self.lines.iter().filter(|l| matches!(l.verdict, Verdict::Coped(_))).map(|l| l.case.name).collect()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Coped(why) => write!(f, "coped with: {why}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

impl fmt::Display for Report {
    /// A table, as `docs/storage.md` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let creation = match self.creation {
            Creation::Direct => "records are created directly".to_owned(),
            Creation::Headed => "records are created by heads".to_owned(),
            Creation::Refused(why) => format!("refused: {why}"),
        };
        writeln!(f, "{}: {creation}", self.subject)?;
        for Line { case, verdict } in &self.lines {
            let level = if case.level == Level::Port { "port" } else { "record" };
            writeln!(f, "| {level:<6} | {:<28} | {verdict} |", case.name)?;
        }
        Ok(())
    }
}

fn boxed<'a, T>(caller: impl Future<Output = T> + Send + 'a) -> Caller<'a, T> {
    Box::pin(caller)
}

/// What a case is given.
struct Asked<'a, S> {
    subject: &'a S,
    creation: Creation,
    effort: Effort,
    /// Begins every key of the case.
    name: String,
}

/// Why a case is not kept.
type Broken = String;

/// All cases, in the order in which they are asked.
#[must_use]
pub fn cases() -> Vec<Case> {
    port::CASES.iter().chain(record::CASES).copied().collect()
}

/// Asks a store everything. The store has to be empty or to hold nothing under `contract…` and the names of records.
pub async fn report<S: Subject>(subject: &S, effort: Effort) -> Report {
    let creation = found(subject).await;
    let mut lines = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        if case.level == Level::Port && subject.is_troubled() {
            continue;
        }
        let asked = Asked { subject, creation, effort, name: format!("contract{number}") };
        let result = match case.level {
            Level::Port => port::ask(case.name, &asked).await,
            Level::Record => record::ask(case.name, &asked).await,
        };
        lines.push(Line { case, verdict: judge(case, creation, result) });
    }
    Report { subject: subject.name(), creation, lines }
}

/// How records are created. A troubled store is probed until it is clear, as requests do one after the other.
async fn found<S: Subject>(subject: &S) -> Creation {
    for round in 0..256 {
        let Ok(kv) = subject.instance().await else { continue };
        match probe(&kv, 0x0c0a_7ac7_0000_u64.wrapping_add(round)).await {
            Ok(found @ (Creation::Direct | Creation::Headed)) => return found,
            Ok(refused) if !subject.is_troubled() => return refused,
            _ => {}
        }
    }
    Creation::Refused(crate::store::Unsound::NoCreation)
}

fn judge(case: Case, creation: Creation, result: Result<(), Broken>) -> Verdict {
    let refused = matches!(creation, Creation::Refused(_));
    match (result, case.level, case.need) {
        (Ok(()), Level::Record, _) if refused => Verdict::Refused("nothing was written".to_owned()),
        (Ok(()), ..) => Verdict::Passed,
        (Err(why), Level::Port, Need::Never(how)) if !refused => Verdict::Coped(format!("{how}; {why}")),
        (Err(why), Level::Port, Need::Direct) if creation == Creation::Headed => {
            Verdict::Coped(format!("records are created by heads; {why}"))
        }
        (Err(why), Level::Port, Need::Headed) if creation == Creation::Direct => {
            Verdict::Coped(format!("records are created directly; {why}"))
        }
        (Err(why), Level::Port, _) if refused => Verdict::Refused(why),
        (Err(why), ..) => Verdict::Failed(why),
    }
}

//! One writer, one transaction for many requests.
//!
//! Writes get a number, go into an in-memory overlay, where every later read finds them at once, and into a queue. One
//! thread takes the whole queue, writes it in one transaction and tells whoever waits. Why this is sound:
//!
//! - Numbers are given under one lock, and a transaction takes a prefix of the queue: what is durable is a prefix of
//!   what was visible.
//! - A read of the overlay marks the session with the write's number, so its request waits for a write it merely saw.
//! - If a transaction fails, everything not durable is lost *together*: the overlay is dropped, and every session
//!   that saw any of it is refused from then on. A write can therefore never build on a lost one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

use super::component::{self, Component, Kept};
use super::{
    Figures, Keys, Seen, Session, Store, StoreError, Swap, add_to_counter, batch_bucket, check_component, check_key,
    check_value, database,
};
use crate::error::OpenError;
use crate::limits;

/// Longest time a write stays in memory when nobody waits for it. Whoever waits starts the commit at once; until then
/// waiting costs nothing and puts all writes of one request into one transaction.
const LINGER: Duration = Duration::from_millis(5);

/// The key-value store of `rescind serve`: SQLite with group commit.
///
/// Reading and writing never wait for the disk; [`Store::durable`] does. Dropping it closes it.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    readers: Readers,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Keeps other processes away for as long as the store lives. Dropped last: it notes how the file was left.
    database: database::Database,
}

/// What tests change about a store, and are told by it.
#[doc(hidden)]
#[derive(Default)]
pub struct Trial {
    /// The file cannot grow beyond so many pages (of 4 KiB).
    pub max_pages: Option<u32>,
    /// The way SQLite reaches files.
    pub vfs: Option<String>,
    /// Pages of the log at which it is copied into the database, instead of [`limits::WAL_PAGES`].
    pub log_pages: Option<u32>,
    /// Is told what becomes of writes. Their numbers begin at 1.
    pub tell: Option<Box<dyn FnMut(Told) + Send>>,
}

/// What became of writes.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A transaction with everything up to this number is begun.
    Committing(u64),
    /// It is durable.
    Committed(u64),
    /// It is lost, and so is everything up to this number that was not durable.
    Lost(u64),
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The newest value of every key that has a write not yet durable, by store and key. `None` is a deletion.
    overlay: HashMap<Box<str>, HashMap<Box<str>, Pending>>,
    queue: Vec<Write>,
    /// When the oldest write of the queue came.
    queued_since: Option<Instant>,
    /// Writes and bytes in the queue and in the running transaction.
    waiting: usize,
    waiting_bytes: usize,
    /// Number of the newest write.
    last: u64,
    /// Every write up to this number is durable or lost.
    settled: u64,
    lost: Lost,
    waiters: Vec<(u64, oneshot::Sender<()>)>,
    /// Components to be archived. The writer does it: it takes any other connection's write for a stranger's.
    components: Vec<(Component, Answer)>,
    stopped: Option<String>,
    closing: bool,
    /// Whether the writer ended with everything in the database file itself.
    merged: bool,
    figures: Figures,
}

/// Where the writer says what keeping a component came to.
type Answer = mpsc::SyncSender<Result<Kept, StoreError>>;

#[derive(Debug)]
struct Pending {
    value: Option<Bytes>,
    sequence: u64,
}

#[derive(Debug)]
struct Write {
    store: Box<str>,
    key: Box<str>,
    value: Option<Bytes>,
    sequence: u64,
}

impl Write {
    fn size(&self) -> usize {
        self.key.len().saturating_add(self.value.as_ref().map_or(0, Bytes::len))
    }
}

/// The numbers of writes that were never made durable, with the reason.
#[derive(Debug, Default)]
struct Lost {
    ranges: Vec<(u64, u64, String)>,
}

impl Lost {
    fn add(&mut self, first: u64, last: u64, reason: String) {
        self.ranges.push((first, last, reason));
        if self.ranges.len() > limits::LOST_RANGES {
            let (first, _, _) = self.ranges.remove(0);
            if let Some(oldest) = self.ranges.first_mut() {
                oldest.0 = first;
            }
        }
    }

    fn reason(&self, sequence: u64) -> Option<&str> {
        let range = self.ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&sequence));
        range.map(|(_, _, reason)| reason.as_str())
    }
}

/// Connections for reading, as many as threads read at once.
#[derive(Debug)]
struct Readers {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl SqliteStore {
    /// Opens the database at `path`, creating it if there is none, and checks it.
    ///
    /// # Errors
    /// [`OpenError`] if the file is in use by another process, damaged, of another layout or not accessible.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, Trial::default())
    }

    /// As [`SqliteStore::open`], with what only tests change.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    #[doc(hidden)]
    pub fn open_with(path: &Path, trial: Trial) -> Result<Self, OpenError> {
        let database = database::Database::open(path, trial.vfs.as_deref())?;
        let connection = database.writer()?;
        let refused = |error: rusqlite::Error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() };
        // The writer does it itself: SQLite would before a commit is acknowledged, and would keep its failures to itself.
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(refused)?;
        if let Some(pages) = trial.max_pages {
            connection.pragma_update(None, "max_page_count", pages).map_err(refused)?;
        }
        let count = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
        let connections = (0..count).map(|_| database.reader().map(Mutex::new)).collect::<Result<Vec<_>, _>>()?;
        let shared = Arc::new(Shared { state: Mutex::new(State::default()), work: Condvar::new() });
        let for_writer = Arc::clone(&shared);
        let unusable =
            |error: &dyn std::fmt::Display| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() };
        let writer = Writer::new(connection, for_writer, trial).map_err(|error| unusable(&error))?;
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| unusable(&error))?;
        Ok(Self {
            shared,
            readers: Readers { connections, next: AtomicUsize::new(0) },
            writer: Mutex::new(Some(writer)),
            database,
        })
    }

    /// The state, after checking that `session` may still go on.
    fn state(&self, session: &Session) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = lock(&self.shared.state);
        state.check(session)?;
        Ok(state)
    }

    /// What `key` holds now, with the lock held: nothing can change it before the guard is dropped.
    fn current(&self, state: &State, store: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        match state.pending(store, key) {
            Some(pending) => Ok(pending.value.clone()),
            // The newest write of the key is durable, so the file has it.
            None => self.readers.get(store, key),
        }
    }

    fn write(
        &self,
        mut state: MutexGuard<'_, State>,
        session: &Session,
        store: &str,
        key: &str,
        value: Option<Bytes>,
    ) -> Result<(), StoreError> {
        let sequence = state.push(store, key, value)?;
        session.see(sequence);
        let first = state.queue.len() == 1;
        drop(state);
        if first {
            // The writer starts its linger with the first write.
            self.shared.work.notify_one();
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn get(&self, session: &Session, store: &str, key: &str) -> Result<Seen, StoreError> {
        let state = self.state(session)?;
        if let Some(pending) = state.pending(store, key) {
            session.see(pending.sequence);
            return Ok(Seen { value: pending.value.clone(), commits: None });
        }
        let commits = state.figures.commits;
        drop(state);
        // No write of the key was pending a moment ago. Whatever the file has now is durable, even if it is newer.
        Ok(Seen { value: self.readers.get(store, key)?, commits: Some(commits) })
    }

    fn set(&self, session: &Session, store: &str, key: &str, value: Bytes) -> Result<(), StoreError> {
        check_key(key)?;
        check_value(&value)?;
        let state = self.state(session)?;
        self.write(state, session, store, key, Some(value))
    }

    fn delete(&self, session: &Session, store: &str, key: &str) -> Result<(), StoreError> {
        check_key(key)?;
        let state = self.state(session)?;
        self.write(state, session, store, key, None)
    }

    fn keys(&self, session: &Session, store: &str, after: Option<&str>, limit: usize) -> Result<Keys, StoreError> {
        let after = after.unwrap_or("");
        let state = self.state(session)?;
        let pending: BTreeMap<String, bool> = match state.overlay.get(store) {
            None => BTreeMap::new(),
            Some(keys) => {
                if let Some(newest) = keys.values().map(|pending| pending.sequence).max() {
                    session.see(newest);
                }
                let later = keys.iter().filter(|(key, _)| &***key > after);
                later.map(|(key, pending)| (key.to_string(), pending.value.is_some())).collect()
            }
        };
        drop(state);
        let stored = self.readers.keys(store, after, limit)?;
        // A full page says nothing about the keys behind its last one.
        let end = if stored.len() < limit { None } else { stored.last().cloned() };
        let mut keys: std::collections::BTreeSet<String> = stored.into_iter().collect();
        for (key, present) in pending {
            if end.as_ref().is_some_and(|end| key > *end) {
                break;
            }
            if present {
                keys.insert(key);
            } else {
                keys.remove(&key);
            }
        }
        Ok(Keys { keys: keys.into_iter().collect(), next: end })
    }

    fn increment(&self, session: &Session, store: &str, key: &str, delta: i64) -> Result<i64, StoreError> {
        check_key(key)?;
        let state = self.state(session)?;
        let sum = add_to_counter(key, self.current(&state, store, key)?.as_deref(), delta)?;
        self.write(state, session, store, key, Some(Bytes::copy_from_slice(&sum.to_le_bytes())))?;
        Ok(sum)
    }

    fn swap(&self, session: &Session, store: &str, key: &str, seen: &Seen, value: Bytes) -> Result<Swap, StoreError> {
        check_key(key)?;
        check_value(&value)?;
        let mut state = self.state(session)?;
        state.figures.swaps = state.figures.swaps.saturating_add(1);
        // No transaction since the read and nothing pending: the file still says what it said.
        let untouched = seen.commits == Some(state.figures.commits) && state.pending(store, key).is_none();
        if !untouched {
            let current = self.current(&state, store, key)?;
            if let Some(pending) = state.pending(store, key) {
                // Even the answer "changed" tells the session about the other write.
                session.see(pending.sequence);
            }
            if current != seen.value {
                state.figures.failed_swaps = state.figures.failed_swaps.saturating_add(1);
                return Ok(Swap::Changed);
            }
        }
        self.write(state, session, store, key, Some(value))?;
        Ok(Swap::Done)
    }

    fn durable<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            loop {
                let receiver = {
                    let mut state = self.state(session)?;
                    let seen = session.seen();
                    if seen <= state.settled {
                        return Ok(());
                    }
                    let (sender, receiver) = oneshot::channel();
                    state.waiters.push((seen, sender));
                    drop(state);
                    self.shared.work.notify_one();
                    receiver
                };
                // An error means that the writer is gone; the next turn says why.
                receiver.await.unwrap_or(());
            }
        })
    }

    fn ready(&self) -> Result<(), StoreError> {
        let state = lock(&self.shared.state);
        if let Some(reason) = &state.stopped {
            return Err(StoreError::Stopped { reason: reason.clone() });
        }
        if state.waiting >= limits::QUEUED_WRITES || state.waiting_bytes >= limits::QUEUED_BYTES_HARD / 2 {
            return Err(StoreError::Busy { waiting: state.waiting });
        }
        Ok(())
    }

    fn blocks(&self) -> bool {
        false
    }

    fn keep_component(&self, component: &Component) -> Result<Kept, StoreError> {
        check_component(component)?;
        let (answer, answered) = mpsc::sync_channel(1);
        let mut state = self.state(&Session::new())?;
        if state.closing {
            return Err(stopping());
        }
        state.components.push((component.clone(), answer));
        drop(state);
        self.shared.work.notify_one();
        // An error means that the writer ended without having looked at it.
        answered.recv().unwrap_or_else(|_| Err(stopping()))
    }

    fn figures(&self) -> Figures {
        let state = lock(&self.shared.state);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Figures { waiting: count(state.waiting), waiting_bytes: count(state.waiting_bytes), ..state.figures.clone() }
    }

    fn close(&self) {
        lock(&self.shared.state).closing = true;
        self.shared.work.notify_one();
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the store's writer did not end cleanly");
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
        let state = lock(&self.shared.state);
        if state.merged && state.figures.failed_commits == 0 {
            self.database.stopped_cleanly();
        }
    }
}

impl State {
    fn check(&self, session: &Session) -> Result<(), StoreError> {
        if let Some(reason) = self.lost.reason(session.seen()) {
            return Err(StoreError::Lost { reason: reason.to_owned() });
        }
        match &self.stopped {
            Some(reason) => Err(StoreError::Stopped { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn pending(&self, store: &str, key: &str) -> Option<&Pending> {
        self.overlay.get(store)?.get(key)
    }

    /// Makes a write visible and queues it. Gives its number.
    fn push(&mut self, store: &str, key: &str, value: Option<Bytes>) -> Result<u64, StoreError> {
        if self.closing {
            return Err(stopping());
        }
        let sequence = self.last.saturating_add(1);
        let write = Write { store: store.into(), key: key.into(), value: value.clone(), sequence };
        let bytes = self.waiting_bytes.saturating_add(write.size());
        if self.waiting >= limits::QUEUED_WRITES_HARD || bytes > limits::QUEUED_BYTES_HARD {
            return Err(StoreError::Busy { waiting: self.waiting });
        }
        self.last = sequence;
        self.waiting = self.waiting.saturating_add(1);
        self.waiting_bytes = bytes;
        self.queued_since.get_or_insert_with(Instant::now);
        self.queue.push(write);
        if !self.overlay.contains_key(store) {
            self.overlay.insert(store.into(), HashMap::new());
        }
        if let Some(keys) = self.overlay.get_mut(store) {
            keys.insert(key.into(), Pending { value, sequence });
        }
        Ok(sequence)
    }

    /// The transaction with these writes is durable.
    fn committed(&mut self, batch: &[Write]) {
        for write in batch {
            self.waiting = self.waiting.saturating_sub(1);
            self.waiting_bytes = self.waiting_bytes.saturating_sub(write.size());
            if let Some(keys) = self.overlay.get_mut(&write.store) {
                // A newer write of the same key stays pending.
                if keys.get(&write.key).is_some_and(|pending| pending.sequence == write.sequence) {
                    keys.remove(&write.key);
                }
            }
        }
        if let Some(newest) = batch.last() {
            // INVARIANT: a batch is a prefix of the queue, so everything up to its last number is settled.
            self.settled = newest.sequence;
        }
        let writes = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.figures.commits = self.figures.commits.saturating_add(1);
        self.figures.writes = self.figures.writes.saturating_add(writes);
        if let Some(count) = self.figures.batches.get_mut(batch_bucket(writes)) {
            *count = count.saturating_add(1);
        }
    }

    /// Everything that is not durable is gone, what the transaction had and what queued up behind it alike.
    fn lose(&mut self, reason: &str) {
        let first = self.settled.saturating_add(1);
        self.lost.add(first, self.last, reason.to_owned());
        self.drop_pending();
    }

    /// Nothing is taken any more. Of what was not durable, nobody knows before the next start: it is not said to be lost.
    fn stop(&mut self, reason: &str) {
        self.drop_pending();
        self.stopped = Some(reason.to_owned());
    }

    fn drop_pending(&mut self) {
        self.settled = self.last;
        self.overlay.clear();
        self.queue.clear();
        self.queued_since = None;
        self.waiting = 0;
        self.waiting_bytes = 0;
        self.figures.failed_commits = self.figures.failed_commits.saturating_add(1);
    }

    /// Tells everyone whose writes are settled.
    fn wake(&mut self) {
        let settled = self.settled;
        let everyone = self.stopped.is_some();
        for (_, waiter) in self.waiters.extract_if(.., |(sequence, _)| everyone || *sequence <= settled) {
            // A request that gave up in the meantime no longer listens.
            waiter.send(()).unwrap_or(());
        }
        if everyone {
            self.components.clear();
        }
    }
}

impl Readers {
    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.connections.len().max(1);
        let mut order = self.connections.iter().cycle().skip(start.checked_rem(count).unwrap_or(0)).take(count);
        let free = order.find_map(|connection| match connection.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let failed = |reason: String| StoreError::Read { reason };
        let guard = match free {
            Some(guard) => guard,
            None => lock(self.connections.first().ok_or_else(|| failed("no connection".to_owned()))?),
        };
        read(&guard).map_err(|error| failed(error.to_string()))
    }

    fn get(&self, store: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.with(|connection| get(connection, store, key))
    }

    fn keys(&self, store: &str, after: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        self.with(|connection| keys(connection, store, after, limit))
    }
}

/// Reads one value from the file.
pub(super) fn get(connection: &Connection, store: &str, key: &str) -> rusqlite::Result<Option<Bytes>> {
    let mut statement = connection.prepare_cached(database::SELECT)?;
    statement.query_row(params![store, key], |row| Ok(Bytes::copy_from_slice(row.get_ref(0)?.as_bytes()?))).optional()
}

/// Reads one page of keys from the file.
pub(super) fn keys(connection: &Connection, store: &str, after: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(database::SELECT_KEYS)?;
    statement.query_map(params![store, after, limit], |row| row.get(0))?.collect()
}

/// The one thread that writes.
struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    /// SQLite's count of changes by others. It must never move: somebody else would be writing behind our overlay.
    version: i64,
    /// Pages of the log at which it is copied into the database.
    log_pages: u64,
    tell: Option<Box<dyn FnMut(Told) + Send>>,
}

/// What became of copying the log into the database.
struct Checkpoint {
    /// Whether somebody stood in the way.
    busy: bool,
    /// Pages in the log.
    log: u64,
    /// Pages of it that are in the database.
    copied: u64,
}

/// What the writer does next.
enum Work {
    Writes(Vec<Write>),
    Components(Vec<(Component, Answer)>),
}

/// Why a transaction failed.
enum Failure {
    /// Its writes are lost, the next one may be tried.
    Transaction(String),
    /// Nothing is certain any more.
    Database(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        if database::is_recoverable(&error) {
            Self::Transaction(error.to_string())
        } else {
            Self::Database(error.to_string())
        }
    }
}

impl Writer {
    fn new(connection: Connection, shared: Arc<Shared>, trial: Trial) -> rusqlite::Result<Self> {
        let version = data_version(&connection)?;
        let log_pages = u64::from(trial.log_pages.unwrap_or(limits::WAL_PAGES));
        Ok(Self { connection, shared, version, log_pages, tell: trial.tell })
    }

    fn run(mut self) {
        while let Some(work) = self.next_work() {
            let done = match work {
                Work::Writes(batch) => self.settle(&batch),
                Work::Components(components) => self.keep(components),
            };
            // Whoever waited for the commit has been told; what follows holds up nobody but the next one.
            if let Err(reason) = done.and_then(|()| self.shorten_log()) {
                self.stop(&reason);
                return;
            }
        }
        // Leave one plain file behind: easy to copy, and Spin opens it as it is.
        let merged = self.checkpoint("TRUNCATE");
        match &merged {
            Ok(Checkpoint { busy: false, .. }) => {}
            Ok(_) => {
                tracing::warn!("the write-ahead log was not merged at the end: somebody reads; the next start does it");
            }
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log was not merged at the end; the next start does it");
            }
        }
        let mut state = lock(&self.shared.state);
        state.merged = merged.is_ok_and(|done| !done.busy);
        state.stopped = Some("it was closed".to_owned());
        state.wake();
    }

    /// Makes writes durable, or loses them, and tells whoever waits. The error is why nothing is certain any more.
    fn settle(&mut self, batch: &[Write]) -> Result<(), String> {
        let through = batch.last().map_or(0, |newest| newest.sequence);
        self.tell(Told::Committing(through));
        let result = self.commit(batch);
        let mut state = lock(&self.shared.state);
        let (told, done) = match result {
            Ok(()) => {
                state.committed(batch);
                (Told::Committed(through), Ok(()))
            }
            Err(Failure::Transaction(reason)) => {
                tracing::error!(%reason, writes = batch.len(), "a commit failed; the requests that waited for it were refused");
                state.lose(&reason);
                (Told::Lost(state.settled), Ok(()))
            }
            // They may be on the disk: they are refused by the store having stopped, not as lost.
            Err(Failure::Database(reason)) => return Err(reason),
        };
        state.wake();
        drop(state);
        self.tell(told);
        done
    }

    /// Takes nothing any more until a new start has found out what is there.
    fn stop(&self, reason: &str) {
        tracing::error!(%reason, "the database failed; the store has stopped");
        let mut state = lock(&self.shared.state);
        state.stop(reason);
        state.wake();
    }

    /// Copies the log into the database once it is long. That it cannot be (no space) loses nothing, all of it is in the
    /// log: it is tried again after the next commit. The error is why nothing is certain any more.
    fn shorten_log(&mut self) -> Result<(), String> {
        let shortened = self.checkpoint("NOOP").and_then(|now| {
            lock(&self.shared.state).figures.log_pages = now.log;
            // Where somebody reads an older state it cannot be copied further than that.
            if now.log < self.log_pages || now.copied >= now.log { Ok(now) } else { self.checkpoint("PASSIVE") }
        });
        match shortened {
            Ok(_) => Ok(()),
            Err(error) if database::is_recoverable(&error) => {
                tracing::warn!(%error, "the write-ahead log was not copied into the database; it is tried again");
                let mut state = lock(&self.shared.state);
                state.figures.failed_checkpoints = state.figures.failed_checkpoints.saturating_add(1);
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// `mode` is `NOOP` to ask only, `PASSIVE` to copy what can be copied, `TRUNCATE` to end with an empty log.
    fn checkpoint(&self, mode: &str) -> rusqlite::Result<Checkpoint> {
        let mut statement = self.connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
        statement.query_row([], |row| {
            // -1 where there is no log.
            let pages = |index| row.get::<_, i64>(index).map(|pages| u64::try_from(pages).unwrap_or(0));
            Ok(Checkpoint { busy: row.get(0)?, log: pages(1)?, copied: pages(2)? })
        })
    }

    fn tell(&mut self, told: Told) {
        if let Some(tell) = &mut self.tell {
            tell(told);
        }
    }

    /// Waits for work. `None` when the store is closing and everything is written.
    fn next_work(&self) -> Option<Work> {
        let mut state = lock(&self.shared.state);
        loop {
            if !state.components.is_empty() {
                return Some(Work::Components(std::mem::take(&mut state.components)));
            }
            let Some(since) = state.queued_since else {
                if state.closing {
                    return None;
                }
                state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let age = since.elapsed();
            if state.closing || !state.waiters.is_empty() || age >= LINGER {
                state.queued_since = None;
                return Some(Work::Writes(std::mem::take(&mut state.queue)));
            }
            let (guard, _) = self
                .shared
                .work
                .wait_timeout(state, LINGER.saturating_sub(age))
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
        }
    }

    /// The error is why nothing is certain any more.
    fn keep(&self, components: Vec<(Component, Answer)>) -> Result<(), String> {
        for (component, answer) in components {
            let kept = component::keep(&self.connection, &component);
            let uncertain =
                kept.as_ref().err().filter(|error| !database::is_recoverable(error)).map(ToString::to_string);
            // Whoever asked waits for this, and is told of every failure.
            answer.send(kept.map_err(|error| StoreError::Lost { reason: error.to_string() })).unwrap_or(());
            if let Some(reason) = uncertain {
                return Err(reason);
            }
        }
        Ok(())
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), Failure> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if data_version(&transaction)? != self.version {
            return Err(Failure::Database(
                "another process wrote to the database while this one was serving: stop it, then restart this one"
                    .to_owned(),
            ));
        }
        {
            let mut upsert = transaction.prepare_cached(database::UPSERT)?;
            let mut delete = transaction.prepare_cached(database::DELETE)?;
            for write in newest_per_key(batch) {
                match &write.value {
                    Some(value) => upsert.execute(params![&*write.store, &*write.key, &**value])?,
                    None => delete.execute(params![&*write.store, &*write.key])?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

fn stopping() -> StoreError {
    StoreError::Stopped { reason: "the host is stopping".to_owned() }
}

/// Only the last write of a key in a transaction can ever be seen.
fn newest_per_key(batch: &[Write]) -> impl Iterator<Item = &Write> {
    let mut done: HashSet<(&str, &str)> = HashSet::with_capacity(batch.len());
    batch.iter().rev().filter(move |write| done.insert((&write.store, &write.key)))
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// A panic elsewhere leaves these structures whole: every change to them is finished before anything can fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Writers at work, and what they know: every write in the order in which it became visible, what was acknowledged, and where
//! transactions ended. From that follows what may be in the store later, and nothing else may be.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rescind_host::store::{Session, SqliteStore, Store as _, StoreError, Told, Trial};

/// The store everybody writes to.
pub const STORE: &str = "default";

/// All keys and values of a store.
pub type State = BTreeMap<String, Bytes>;

/// One write: its key and value, `None` for a deletion.
type Write = (String, Option<Bytes>);

/// What happened, shared by all writers of one database.
#[derive(Clone)]
pub struct History {
    /// Every write, its number being its place, from 1.
    writes: Arc<Mutex<Vec<Write>>>,
    marks: Arc<Mutex<Marks>>,
    /// Whether the power is cut: what is said after that, nobody hears.
    ended: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Default for History {
    fn default() -> Self {
        Self::until(|| false)
    }
}

#[derive(Default)]
struct Marks {
    /// Number of the last write of each transaction that was begun.
    ends: Vec<u64>,
    settled: u64,
    /// First and last number of what was lost.
    lost: Vec<(u64, u64)>,
    /// Number of the last write of each session that was told that all is durable.
    acknowledged: Vec<u64>,
}

/// What became of a session.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Durable,
    Refused(StoreError),
}

impl History {
    /// One that ends when the power is cut.
    pub fn until(ended: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { writes: Arc::default(), marks: Arc::default(), ended: Arc::new(ended) }
    }

    /// What a store has to be opened with to be part of it.
    pub fn trial(&self) -> Trial {
        let (marks, ended) = (Arc::clone(&self.marks), Arc::clone(&self.ended));
        let tell = move |told: Told| {
            if ended() {
                return;
            }
            let mut marks = marks.lock().unwrap();
            match told {
                Told::Committing(last) => marks.ends.push(last),
                Told::Committed(last) => marks.settled = last,
                Told::Lost(last) => {
                    let first = marks.settled + 1;
                    marks.lost.push((first, last));
                    marks.settled = last;
                }
            }
        };
        Trial { tell: Some(Box::new(tell)), ..Trial::default() }
    }

    /// One session: a few writes, and waiting for them unless chance says otherwise.
    pub fn session(&self, store: &SqliteStore, chance: &mut fastrand::Rng) -> Ended {
        let session = Session::new();
        let mut last = 0;
        for _ in 0..chance.usize(1..=4) {
            let key = format!("key-{:02}", chance.u8(0..40));
            // Held over the write, so that places are the store's own numbers.
            let mut writes = self.writes.lock().unwrap();
            let number = writes.len() + 1;
            let value = (chance.u8(0..8) > 0).then(|| {
                let mut bytes = format!("{number}:").into_bytes();
                // Some over several pages.
                bytes.resize(bytes.len() + chance.usize(0..60).pow(2) * 3, b'.');
                Bytes::from(bytes)
            });
            let written = match &value {
                Some(value) => store.set(&session, STORE, &key, value.clone()),
                None => store.delete(&session, STORE, &key),
            };
            if let Err(error) = written {
                return Ended::Refused(error);
            }
            writes.push((key, value));
            last = u64::try_from(number).unwrap();
        }
        if chance.u8(0..10) == 0 {
            return Ended::Durable;
        }
        match wait(store, &session) {
            Ok(()) => {
                // A transaction that changes nothing succeeds without the disk, also after the power is cut.
                if !(self.ended)() {
                    self.marks.lock().unwrap().acknowledged.push(last);
                }
                Ended::Durable
            }
            Err(error) => Ended::Refused(error),
        }
    }

    /// How much was acknowledged: the largest number, 0 if nothing.
    pub fn acknowledged(&self) -> u64 {
        self.marks.lock().unwrap().acknowledged.iter().copied().max().unwrap_or(0)
    }

    /// How many writes there were.
    pub fn written(&self) -> u64 {
        u64::try_from(self.writes.lock().unwrap().len()).unwrap()
    }

    /// How many sessions were acknowledged.
    pub fn sessions(&self) -> usize {
        self.marks.lock().unwrap().acknowledged.len()
    }

    /// Holds that this is the state at the end of one transaction: with everything acknowledged up to `least`, nothing that
    /// was lost, nothing half, in order. Gives that end.
    pub fn must_have_been(&self, state: &State, least: u64, about: &str) -> u64 {
        self.has_been(state, least).unwrap_or_else(|reason| panic!("{about}: {reason}"))
    }

    /// As [`History::must_have_been`], with what is wrong.
    pub fn has_been(&self, state: &State, least: u64) -> Result<u64, String> {
        let (writes, marks) = (self.writes.lock().unwrap(), self.marks.lock().unwrap());
        let is_lost = |number: u64| marks.lost.iter().any(|(first, last)| (*first..=*last).contains(&number));
        for number in &marks.acknowledged {
            if is_lost(*number) {
                return Err(format!("write {number} was acknowledged and is lost"));
            }
        }
        let mut expected = State::new();
        let mut done = 0;
        for end in [0].into_iter().chain(marks.ends.iter().copied()) {
            for number in done + 1..=end {
                if !is_lost(number) {
                    let (key, value) = writes[usize::try_from(number - 1).unwrap()].clone();
                    match value {
                        Some(value) => expected.insert(key, value),
                        None => expected.remove(&key),
                    };
                }
            }
            done = end.max(done);
            if end >= least && expected == *state {
                return Ok(end);
            }
        }
        Err(format!(
            "the state is that of no transaction at or after {least}, of {} writes in {} transactions, lost {:?}:\n{:?}",
            writes.len(),
            marks.ends.len(),
            marks.lost,
            numbers(state)
        ))
    }
}

/// Which write each key is of, which is short enough to be read.
fn numbers(state: &State) -> BTreeMap<&str, String> {
    let number = |value: &Bytes| String::from_utf8_lossy(value).split(':').next().unwrap_or("").to_owned();
    state.iter().map(|(key, value)| (key.as_str(), number(value))).collect()
}

/// Waits until everything of a session is durable.
pub fn wait(store: &SqliteStore, session: &Session) -> Result<(), StoreError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(store.durable(session))
}

/// Everything that is in a store.
pub fn read(store: &SqliteStore) -> State {
    let session = Session::new();
    let mut state = State::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.keys(&session, STORE, after.as_deref(), 500).unwrap();
        for key in page.keys {
            let value = store.get(&session, STORE, &key).unwrap().into_value().unwrap();
            state.insert(key, value);
        }
        after = page.next;
        if after.is_none() {
            return state;
        }
    }
}

/// Everything that is in a database that nobody has open.
pub fn read_file(path: &Path) -> State {
    read(&SqliteStore::open(path).unwrap())
}

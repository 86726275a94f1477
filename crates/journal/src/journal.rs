//! The journal on a disk: what is returned from here is there after a power loss.
//!
//! Records, the head of the chain, what was acknowledged, counters and times are one database (redb: copy on write, pages
//! with checksums), and every change is one commit. When it is opened, the chain is followed from what was acknowledged to
//! its head and everything is counted again; what does not fit is [`JournalError::Damaged`], never repaired by guessing.

use redb::{Builder, Database, Durability, ReadableDatabase as _, StorageBackend, TableDefinition};
use rescind_bundle::{SignFailed, Signer};
use rescind_model::{Instant, MerchantId, TerminalId};
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::batch::{BadBatch, Owner, read_record, sign_batch};
use crate::counters::{Counters, Uncountable};
use crate::limits;
use crate::link::{Head, JournalId, Link};
use crate::record::{Entry, Record, StoredOperation, TimeAnchor};

/// Change whenever the layout does.
const FORMAT: &str = "rescind-journal/1";

/// Records by number: the link after it (32 bytes), then its bytes.
const RECORDS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("records");

/// The one state, as JSON.
const STATE: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("state");
const STATE_KEY: &str = "state";

/// Memory for pages, in bytes. A record touches a handful of them.
const CACHE_BYTES: usize = 512 * 1024;

/// Whose journal it is, and what it is called if it has to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The terminal.
    pub owner: Owner,
    /// The id of a new journal: 16 bytes that nobody used before. Not looked at if there is a journal.
    pub id: JournalId,
    /// How much it takes.
    pub room: Room,
}

/// How much a journal takes before it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Records that the server has not acknowledged, at most [`limits::RECORDS`].
    pub records: u64,
    /// Their bytes, at most [`limits::BYTES`].
    pub bytes: u64,
}

impl Default for Room {
    /// 5,000 records of 16 MiB together: ten times what offline acquiring usually allows (`DOMAIN.md` §7).
    fn default() -> Self {
        Self { records: 5_000, bytes: 16 * 1024 * 1024 }
    }
}

/// Why a journal does not do what it was asked. Unless it says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no room for new business before the server has acknowledged what is there.
    #[error("the journal is full: {records} records of {bytes} bytes wait for the server")]
    Full {
        /// Records that wait.
        records: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// An entry is too large, there are none or too many at once, or a text in one is too long.
    #[error("this cannot be one entry of a journal: {0}")]
    BadEntry(String),
    /// An operation cannot be counted.
    #[error(transparent)]
    Uncountable(#[from] Uncountable),
    /// The journal is another terminal's.
    #[error("this is the journal of terminal {terminal:?} of merchant {merchant:?}")]
    OtherOwner {
        /// The merchant.
        merchant: String,
        /// The terminal.
        terminal: String,
    },
    /// What was acknowledged is not what is here: another journal, another story, or records that are not written yet.
    #[error("the acknowledgement does not fit this journal: {0}")]
    BadAcknowledgement(&'static str),
    /// The database does not fit itself. It must not be used further; what is in it should be saved for an inquiry.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// The disk failed. Whether the change was made is unknown.
    #[error("the disk failed: {0}")]
    Disk(#[source] Box<redb::Error>),
    /// The disk failed before. Nothing more is done before the journal was opened again.
    #[error("the disk failed before: open the journal again")]
    OpenAgain,
    /// A batch could not be signed.
    #[error(transparent)]
    Sign(#[from] SignFailed),
}

impl JournalError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "journal.full",
            Self::BadEntry(_) => "journal.entry",
            Self::Uncountable(_) => "journal.uncountable",
            Self::OtherOwner { .. } => "journal.owner",
            Self::BadAcknowledgement(_) => "journal.acknowledgement",
            Self::Damaged(_) => "journal.damaged",
            Self::Disk(_) => "journal.disk",
            Self::OpenAgain => "journal.open-again",
            Self::Sign(_) => "journal.sign",
        }
    }
}

fn disk(error: impl Into<redb::Error>) -> JournalError {
    JournalError::Disk(Box::new(error.into()))
}

fn io(error: std::io::Error) -> JournalError {
    disk(redb::Error::Io(error))
}

/// Returns once the name outlives a power loss.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Elsewhere a folder cannot be opened as a file, and a name is durable or not as the system pleases.
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

fn damaged(what: impl Into<String>) -> JournalError {
    JournalError::Damaged(what.into())
}

/// What is known of the time, kept for trusted time after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeState {
    /// The server's time, when it was last heard.
    pub anchor: Option<TimeAnchor>,
    /// The latest time that was ever seen: a clock that shows less was set back.
    pub highest: Option<Instant>,
}

/// Everything besides the records, in one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct State {
    format: String,
    merchant: MerchantId,
    terminal: TerminalId,
    /// Up to here the server has acknowledged.
    acknowledged: Head,
    /// Up to here there are records.
    head: Head,
    counters: Counters,
    time: TimeState,
    /// The highest version of a bundle that was ever active.
    bundle_version: u64,
}

/// Records on their way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The signed batch.
    pub batch: Vec<u8>,
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record.
    pub last: u64,
    /// How many records come after it.
    pub remaining: u64,
}

/// A terminal's journal.
#[derive(Debug)]
pub struct Journal {
    database: Database,
    state: State,
    room: Room,
    open_again: bool,
}

impl Journal {
    /// Opens the journal in a file, or begins one. The file is locked: nobody else can have it.
    ///
    /// A journal begins under another name (`.new` behind it) and gets its own once it is whole, so that a power loss at the
    /// beginning leaves none, and never a part of one.
    ///
    /// # Errors
    /// [`JournalError::OtherOwner`], [`JournalError::Damaged`], [`JournalError::Disk`].
    pub fn open(path: &Path, opening: &Opening) -> Result<Self, JournalError> {
        if !path.try_exists().map_err(io)? {
            let mut new = path.as_os_str().to_owned();
            new.push(".new");
            let new = Path::new(&new);
            match std::fs::remove_file(new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
                Ok(()) | Err(_) => {}
            }
            // Dropped, and with that closed and synced, before it is renamed.
            drop(Self::on(builder().create(new).map_err(disk)?, opening)?);
            std::fs::rename(new, path).map_err(io)?;
            sync_folder_of(path).map_err(io)?;
        }
        Self::on(builder().open(path).map_err(disk)?, opening)
    }

    /// Opens the journal in a storage, or begins one. Whoever brings the storage sees to it that the power does not go at
    /// the beginning, or takes an empty one then.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_on(storage: impl StorageBackend, opening: &Opening) -> Result<Self, JournalError> {
        Self::on(builder().create_with_backend(storage).map_err(disk)?, opening)
    }

    fn on(database: Database, opening: &Opening) -> Result<Self, JournalError> {
        let Opening { owner, id, room } = opening;
        let room = Room { records: room.records.min(limits::RECORDS), bytes: room.bytes.min(limits::BYTES) };
        let state = match stored_state(&database)? {
            Some(state) => state,
            None => begin(&database, owner, *id)?,
        };
        if state.merchant != owner.merchant || state.terminal != owner.terminal {
            return Err(JournalError::OtherOwner {
                merchant: state.merchant.as_str().to_owned(),
                terminal: state.terminal.as_str().to_owned(),
            });
        }
        let this = Self { database, state, room, open_again: false };
        this.audit()?;
        Ok(this)
    }

    /// Follows the chain and counts everything again.
    fn audit(&self) -> Result<(), JournalError> {
        let mut head = self.state.acknowledged;
        let mut counters = Counters::default();
        self.each(head.next, |number, link, bytes| {
            let record = read(bytes, number)?;
            head = head.after(bytes);
            if head.link != link {
                return Err(damaged(format!("record {number} was altered")));
            }
            Ok(counters.add(&record.entry, length(bytes)).map(|()| true)?)
        })?;
        if head != self.state.head {
            return Err(damaged(format!(
                "there are records before {}, and it says before {}",
                head.next, self.state.head.next
            )));
        }
        let stored = &self.state.counters;
        let alike = (stored.records, stored.bytes, stored.operations)
            == (counters.records, counters.bytes, counters.operations)
            && stored.totals == counters.totals;
        // Days also count what was acknowledged, so they can only be more.
        let days = counters.days.iter().all(|day| {
            let oldest = stored.days.first().map(|oldest| oldest.day);
            let forgotten = stored.days.len() >= limits::DAYS && oldest.is_some_and(|oldest| day.day < oldest);
            forgotten || stored.day(day.day).is_some_and(|stored| stored.operations >= day.operations)
        });
        if alike && days { Ok(()) } else { Err(damaged("its counters are not those of its records")) }
    }

    /// Writes down what happened, all of it or nothing, and returns the number of the first record. Once this returns, it
    /// outlives a power loss, and so do its counts.
    ///
    /// `at` is the terminal's idea of the time.
    ///
    /// # Errors
    /// [`JournalError::Full`] for new business without room, [`JournalError::BadEntry`], [`JournalError::Uncountable`],
    /// [`JournalError::Disk`].
    pub fn append(&mut self, at: Instant, entries: &[Entry]) -> Result<u64, JournalError> {
        if entries.is_empty() || entries.len() > limits::APPEND_RECORDS {
            return Err(JournalError::BadEntry(format!("there are {} at once, expected 1 to 16", entries.len())));
        }
        let mut next = self.state.clone();
        let first = next.head.next;
        next.time.see(at);
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let number = next.head.next;
            let bytes = write(number, at, entry)?;
            next.take(entry, &bytes)?;
            rows.push((number, [next.head.link.0.as_slice(), &bytes].concat()));
        }
        self.must_have_room(&next.counters, entries.iter().any(Entry::is_business))?;
        self.commit(next, |transaction| {
            let mut table = transaction.open_table(RECORDS).map_err(disk)?;
            for (number, row) in &rows {
                if table.insert(number, row.as_slice()).map_err(disk)?.is_some() {
                    return Err(damaged(format!("there is a record {number} already")));
                }
            }
            Ok(())
        })?;
        Ok(first)
    }

    fn must_have_room(&self, after: &Counters, business: bool) -> Result<(), JournalError> {
        let Room { mut records, mut bytes } = self.room;
        if !business {
            records = records.saturating_add(limits::RESERVE_RECORDS);
            bytes = bytes.saturating_add(limits::RESERVE_BYTES);
        }
        if after.records > records || after.bytes > bytes {
            let Counters { records, bytes, .. } = self.state.counters;
            return Err(JournalError::Full { records, bytes });
        }
        Ok(())
    }

    /// Remembers that a time was seen, without a record: so that a clock that is set back is noticed after a restart.
    ///
    /// # Errors
    /// [`JournalError::Disk`].
    pub fn see(&mut self, at: Instant) -> Result<(), JournalError> {
        let mut next = self.state.clone();
        next.time.see(at);
        if next == self.state { Ok(()) } else { self.commit(next, |_| Ok(())) }
    }

    /// Records from a number on as a signed batch: at most `most` of them, and within [`limits::BATCH_RECORDS`] and
    /// [`limits::BATCH_RECORD_BYTES`]. What was acknowledged is not there any more: from a lower number it begins after
    /// that. `None` if there are no records from there on. Nothing changes, so it can be asked for as often as it is needed;
    /// the same records are the same bytes. It does not end between a decision and the operation it allowed: if one record is
    /// asked for and is such a decision, there are two.
    ///
    /// # Errors
    /// [`JournalError::Sign`], [`JournalError::Disk`], [`JournalError::Damaged`].
    pub fn export(&self, from: u64, most: usize, signer: &dyn Signer) -> Result<Option<Export>, JournalError> {
        let first = from.max(self.state.acknowledged.next);
        let Some(start) = self.place_before(first)? else { return Ok(None) };
        let most = most.clamp(1, limits::BATCH_RECORDS);
        let (mut records, mut sum) = (Vec::new(), 0_usize);
        self.each(first, |_, _, bytes| {
            sum = sum.saturating_add(bytes.len());
            if records.len() >= most || sum > limits::BATCH_RECORD_BYTES {
                return Ok(false);
            }
            records.push(bytes.to_vec());
            Ok(true)
        })?;
        if records.is_empty() {
            return Ok(None);
        }
        let end = first.saturating_add(length(&records));
        if self.undivided(end)? < end {
            if records.len() > 1 {
                records.pop();
            } else {
                self.each(end, |_, _, bytes| {
                    records.push(bytes.to_vec());
                    Ok(false)
                })?;
            }
        }
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let owner = Owner { merchant: self.state.merchant.clone(), terminal: self.state.terminal.clone() };
        let batch = sign_batch(&owner, &start, &records, signer)?;
        let next = first.saturating_add(length(&records));
        let remaining = self.state.head.next.saturating_sub(next);
        Ok(Some(Export { batch, first, last: next.saturating_sub(1), remaining }))
    }

    /// The records from a number on, at most so many.
    ///
    /// # Errors
    /// [`JournalError::Disk`], [`JournalError::Damaged`].
    pub fn records(&self, from: u64, most: usize) -> Result<Vec<Record>, JournalError> {
        let mut records = Vec::new();
        self.each(from.max(self.state.acknowledged.next), |number, _, bytes| {
            if records.len() >= most {
                return Ok(false);
            }
            records.push(read(bytes, number)?);
            Ok(true)
        })?;
        Ok(records)
    }

    /// Shows records from a number on, each with its number and link, until one is enough.
    fn each(
        &self,
        first: u64,
        mut show: impl FnMut(u64, Link, &[u8]) -> Result<bool, JournalError>,
    ) -> Result<(), JournalError> {
        if self.open_again {
            return Err(JournalError::OpenAgain);
        }
        let transaction = self.database.begin_read().map_err(disk)?;
        let table = transaction.open_table(RECORDS).map_err(disk)?;
        for (row, number) in table.range(first..).map_err(disk)?.zip(first..) {
            let (found, value) = row.map_err(disk)?;
            if found.value() != number {
                return Err(damaged(format!("record {} stands where {number} should", found.value())));
            }
            let (link, bytes) = split(value.value(), number)?;
            if !show(number, link, bytes)? {
                break;
            }
        }
        Ok(())
    }

    /// The place before a record that is here, or before the next one.
    fn place_before(&self, number: u64) -> Result<Option<Head>, JournalError> {
        let State { acknowledged, head, .. } = &self.state;
        for known in [acknowledged, head] {
            if known.next == number {
                return Ok(Some(*known));
            }
        }
        if number < acknowledged.next || number > head.next {
            return Ok(None);
        }
        let before = number.saturating_sub(1);
        let mut place = None;
        self.each(before, |_, link, _| {
            place = Some(Head { journal: head.journal, next: number, link });
            Ok(false)
        })?;
        Ok(place)
    }

    /// A place at which no operation is parted from the decision that allowed it, whose slip could not be printed again
    /// then: this one, or the one before the decision.
    fn undivided(&self, next: u64) -> Result<u64, JournalError> {
        let before = next.saturating_sub(1);
        let mut place = next;
        self.each(next, |number, _, bytes| {
            if operation(&read(bytes, number)?.entry).is_some_and(|operation| operation.decision == before) {
                place = before;
            }
            Ok(false)
        })?;
        Ok(place)
    }

    /// Lets go of what the server has: every record before a place, if the server's link there is this journal's. A decision
    /// is kept as long as the operation it allowed is. The same may be said again, and an older one too; then nothing
    /// happens. Returns how many records were let go.
    ///
    /// # Errors
    /// [`JournalError::BadAcknowledgement`]; [`JournalError::Disk`], [`JournalError::Damaged`].
    pub fn acknowledge(&mut self, by_server: &Head) -> Result<u64, JournalError> {
        let known = self.state.acknowledged;
        if by_server.journal != known.journal {
            return Err(JournalError::BadAcknowledgement("it is of another journal"));
        }
        if by_server.next < known.next {
            return Ok(0);
        }
        if by_server.next > self.state.head.next {
            return Err(JournalError::BadAcknowledgement("it is of records that are not written yet"));
        }
        let here = self.place_before(by_server.next)?;
        if here != Some(*by_server) {
            return Err(JournalError::BadAcknowledgement(
                "its link is not the one here: the server knows another story",
            ));
        }
        let end = self.undivided(by_server.next)?;
        if end <= known.next {
            return Ok(0);
        }
        let end = self.place_before(end)?.ok_or_else(|| damaged(format!("there is no place before record {end}")))?;
        let mut next = self.state.clone();
        next.acknowledged = end;
        let numbers = known.next..end.next;
        let count = numbers.end.saturating_sub(numbers.start);
        self.each(numbers.start, |number, _, bytes| {
            if !numbers.contains(&number) {
                return Ok(false);
            }
            next.counters.remove(operation(&read(bytes, number)?.entry), length(bytes))?;
            Ok(true)
        })?;
        self.commit(next, |transaction| {
            let mut table = transaction.open_table(RECORDS).map_err(disk)?;
            for number in numbers {
                if table.remove(number).map_err(disk)?.is_none() {
                    return Err(damaged(format!("record {number} is missing")));
                }
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// One commit: the state that follows, and what else is written with it.
    fn commit(
        &mut self,
        next: State,
        write: impl FnOnce(&redb::WriteTransaction) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        if self.open_again {
            return Err(JournalError::OpenAgain);
        }
        // Whatever fails from here on, what is on the disk may be the state before or after.
        self.open_again = true;
        put_state(&self.database, &next, write)?;
        self.open_again = false;
        self.state = next;
        Ok(())
    }

    /// What ceilings are held against.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.state.counters
    }

    /// What is known of the time.
    #[must_use]
    pub fn time(&self) -> &TimeState {
        &self.state.time
    }

    /// Up to here the server has acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> Head {
        self.state.acknowledged
    }

    /// Up to here there are records.
    #[must_use]
    pub fn head(&self) -> Head {
        self.state.head
    }

    /// The highest version of a bundle that was ever active: no lower one may become so.
    #[must_use]
    pub fn bundle_version(&self) -> u64 {
        self.state.bundle_version
    }

    /// How much it takes.
    #[must_use]
    pub fn room(&self) -> Room {
        self.room
    }
}

impl State {
    /// The state after one more record.
    fn take(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), JournalError> {
        self.head = self.head.after(bytes);
        self.counters.add(entry, length(bytes))?;
        match entry {
            Entry::Anchor(anchor) => self.time.anchor = Some(anchor.clone()),
            Entry::Bundle(change) => self.bundle_version = self.bundle_version.max(change.version),
            Entry::Sale(_)
            | Entry::Decision(_)
            | Entry::Operation(_)
            | Entry::Outcome(_)
            | Entry::Forwarding(_)
            | Entry::Incident(_) => {}
        }
        Ok(())
    }
}

impl TimeState {
    fn see(&mut self, at: Instant) {
        if self.highest.is_none_or(|highest| highest < at) {
            self.highest = Some(at);
        }
    }
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    // Flash forgets: every page is compared with its checksum before anything is believed.
    builder.set_check_integrity_on_open(true);
    builder
}

fn stored_state(database: &Database) -> Result<Option<State>, JournalError> {
    let transaction = database.begin_read().map_err(disk)?;
    let table = match transaction.open_table(STATE) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(disk(error)),
    };
    let Some(value) = table.get(STATE_KEY).map_err(disk)? else { return Err(damaged("its state is missing")) };
    let state: State = serde_json::from_slice(value.value()).map_err(|error| damaged(format!("its state: {error}")))?;
    if state.format != FORMAT {
        return Err(damaged(format!("expected a journal of form {FORMAT}, found {:?}", state.format)));
    }
    Ok(Some(state))
}

fn begin(database: &Database, owner: &Owner, id: JournalId) -> Result<State, JournalError> {
    let head = Head::first(&owner.merchant, &owner.terminal, id);
    let state = State {
        format: FORMAT.to_owned(),
        merchant: owner.merchant.clone(),
        terminal: owner.terminal.clone(),
        acknowledged: head,
        head,
        counters: Counters::default(),
        time: TimeState { anchor: None, highest: None },
        bundle_version: 0,
    };
    put_state(database, &state, |transaction| transaction.open_table(RECORDS).map(|_| ()).map_err(disk))?;
    Ok(state)
}

fn put_state(
    database: &Database,
    state: &State,
    write: impl FnOnce(&redb::WriteTransaction) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let bytes = serde_json::to_vec(state).map_err(|error| damaged(format!("its state: {error}")))?;
    let mut transaction = database.begin_write().map_err(disk)?;
    transaction.set_durability(Durability::Immediate).map_err(disk)?;
    write(&transaction)?;
    transaction.open_table(STATE).map_err(disk)?.insert(STATE_KEY, bytes.as_slice()).map_err(disk)?;
    transaction.commit().map_err(disk)
}

fn write(number: u64, at: Instant, entry: &Entry) -> Result<Vec<u8>, JournalError> {
    if !entry.has_short_texts() {
        return Err(JournalError::BadEntry("a text is too long".to_owned()));
    }
    let record = Record { number, at, entry: entry.clone() };
    let bytes = serde_json::to_vec(&record).map_err(|error| JournalError::BadEntry(error.to_string()))?;
    if bytes.len() > limits::RECORD_BYTES {
        return Err(JournalError::BadEntry(format!("it has {} bytes, expected at most 65536", bytes.len())));
    }
    Ok(bytes)
}

fn read(bytes: &[u8], number: u64) -> Result<Record, JournalError> {
    read_record(bytes, number).map_err(|error: BadBatch| damaged(error.to_string()))
}

fn operation(entry: &Entry) -> Option<&StoredOperation> {
    match entry {
        Entry::Operation(operation) => Some(operation),
        Entry::Sale(_)
        | Entry::Decision(_)
        | Entry::Outcome(_)
        | Entry::Anchor(_)
        | Entry::Bundle(_)
        | Entry::Forwarding(_)
        | Entry::Incident(_) => None,
    }
}

fn split(row: &[u8], number: u64) -> Result<(Link, &[u8]), JournalError> {
    let (link, bytes) = row.split_first_chunk().ok_or_else(|| damaged(format!("record {number} is cut off")))?;
    Ok((Link(*link), bytes))
}

fn length<T>(of: &[T]) -> u64 {
    u64::try_from(of.len()).unwrap_or(u64::MAX)
}

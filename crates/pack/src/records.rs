//! Recorded decisions as files: JSON, one to a line. They are read in blocks, never as a whole, worked on by several
//! threads, and put together again in the order of the lines.

use rescind_model::record::{Answer, FORMAT, Input, WAYS_FORMAT, ways_digest};
use rescind_model::{Decision, DecisionError, Digest, Facts, Instant, Money, PolicyIdentity};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes that one thread takes at a time: some hundred records, so that the work is spread evenly.
const BLOCK_BYTES: usize = 1 << 20;

/// The longest line. A decision with all its facts has some kilobytes.
pub const LINE_BYTES: usize = 1 << 22;

/// Blocks that wait for a thread.
const WAITING_BLOCKS: usize = 8;

/// Why files of records could not be gone through.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// A file could not be read.
    #[error("cannot read the records {}: {reason}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A line is no record, and bad lines are not skipped.
    #[error("{}", bad_line(.0))]
    BadLine(BadLine),
    /// A line is longer than [`LINE_BYTES`]: this is no file of records.
    #[error("{}: a line is longer than {LINE_BYTES} bytes: expected one record a line", file.display())]
    LongLine {
        /// Which.
        file: PathBuf,
    },
    /// What was found could not be written.
    #[error("{0}")]
    Unwritable(String),
    /// A thread ended before its work was done.
    #[error("a thread ended before its work was done: this is a mistake in the program")]
    Stopped,
}

/// A line that is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What was expected and found.
    pub problem: String,
}

fn bad_line(bad: &BadLine) -> String {
    format!("{}:{}: {}", bad.file.display(), bad.line, bad.problem)
}

impl core::fmt::Display for BadLine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&bad_line(self))
    }
}

/// Lines of a file.
#[derive(Debug)]
pub struct Block {
    /// Which of the files, from 0.
    pub file: usize,
    bytes: Vec<u8>,
}

impl Block {
    /// Its lines with their numbers within the block, from 0; empty ones are counted and left out.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let lines = self.bytes.split(|byte| *byte == b'\n').zip(0_u64..).map(|(line, number)| (number, line));
        lines.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
    }

    fn line_count(&self) -> u64 {
        let ends = self.bytes.iter().filter(|byte| **byte == b'\n').count();
        let open = self.bytes.last().is_some_and(|byte| *byte != b'\n');
        u64::try_from(ends).unwrap_or(u64::MAX).saturating_add(u64::from(open))
    }
}

/// What a thread made of a block.
#[derive(Debug)]
pub struct Done<P> {
    /// Which of the files, from 0.
    pub file: usize,
    /// The number of the block's first line in its file, from 1.
    pub first_line: u64,
    /// How many bytes were read for it.
    pub bytes: u64,
    /// What was made of it.
    pub part: P,
}

/// A block with its place among all, its number of lines and of bytes.
type Finished<P> = (u64, usize, u64, u64, P);

/// Goes through files: every block is given to a worker, and `merge` gets the parts in the order of the files and lines.
/// Workers are made by `worker` in their own thread.
///
/// # Errors
/// A file that cannot be read, a line that is too long, or what `merge` refuses.
pub fn scan<P, W>(
    files: &[PathBuf],
    threads: NonZeroUsize,
    worker: impl Fn() -> W + Sync,
    mut merge: impl FnMut(Done<P>) -> Result<(), RecordsError>,
) -> Result<(), RecordsError>
where
    P: Send,
    W: FnMut(&Block) -> P,
{
    let (to_workers, blocks) = sync_channel::<(u64, Block)>(WAITING_BLOCKS);
    let (to_merge, finished) = sync_channel::<Finished<P>>(WAITING_BLOCKS);
    let blocks = Mutex::new(blocks);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(files, &to_workers));
        for _ in 0..threads.get() {
            let (to_merge, blocks, worker) = (to_merge.clone(), &blocks, &worker);
            scope.spawn(move || {
                let mut work = worker();
                while let Some((number, block)) = next(blocks) {
                    let part = work(&block);
                    let bytes = u64::try_from(block.bytes.len()).unwrap_or(u64::MAX);
                    // Nobody listens once something was refused: the rest need not be done.
                    if to_merge.send((number, block.file, block.line_count(), bytes, part)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(to_merge);
        let merged = in_order(&finished, &mut merge);
        drop(finished);
        // Workers that wait for blocks end when the reader does, and the reader when nobody takes its blocks.
        while merged.is_err() && next(&blocks).is_some() {}
        let read = reading.join().map_err(|_| RecordsError::Stopped)?;
        merged.and(read)
    })
}

/// The next block; `None` if there is none any more.
fn next(blocks: &Mutex<Receiver<(u64, Block)>>) -> Option<(u64, Block)> {
    blocks.lock().ok()?.recv().ok()
}

fn in_order<P>(
    finished: &Receiver<Finished<P>>,
    merge: &mut impl FnMut(Done<P>) -> Result<(), RecordsError>,
) -> Result<(), RecordsError> {
    let mut early: BTreeMap<u64, Finished<P>> = BTreeMap::new();
    let (mut due, mut file_now, mut line) = (0_u64, 0_usize, 1_u64);
    for done in finished {
        early.insert(done.0, done);
        while let Some((_, file, lines, bytes, part)) = early.remove(&due) {
            if file != file_now {
                (file_now, line) = (file, 1);
            }
            merge(Done { file, first_line: line, bytes, part })?;
            line = line.saturating_add(lines);
            due = due.saturating_add(1);
        }
    }
    if early.is_empty() { Ok(()) } else { Err(RecordsError::Stopped) }
}

fn read_all(files: &[PathBuf], to_workers: &SyncSender<(u64, Block)>) -> Result<(), RecordsError> {
    let mut number = 0_u64;
    for (index, file) in files.iter().enumerate() {
        let unreadable = |reason| RecordsError::Unreadable { file: file.clone(), reason };
        let mut source = std::fs::File::open(file).map_err(unreadable)?;
        let mut rest: Vec<u8> = Vec::new();
        loop {
            let mut bytes = std::mem::take(&mut rest);
            let read = Read::by_ref(&mut source)
                .take(u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX))
                .read_to_end(&mut bytes)
                .map_err(unreadable)?;
            if read == 0 {
                if !bytes.is_empty() && to_workers.send((number, Block { file: index, bytes })).is_ok() {
                    number = number.saturating_add(1);
                }
                break;
            }
            match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => rest = bytes.split_off(end.saturating_add(1)),
                None if bytes.len() > LINE_BYTES => return Err(RecordsError::LongLine { file: file.clone() }),
                None => {
                    rest = bytes;
                    continue;
                }
            }
            if to_workers.send((number, Block { file: index, bytes })).is_err() {
                return Ok(());
            }
            number = number.saturating_add(1);
        }
    }
    Ok(())
}

/// One record, read as far as tools need it at once: the answer stays as it is written. What is recorded and what is found
/// are most often the same bytes, and then nothing of it has to be read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    /// Names it within the merchant.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Whose sale it is about.
    #[serde(borrow)]
    pub merchant: Cow<'a, str>,
    /// The sale.
    #[serde(borrow)]
    pub sale: Cow<'a, str>,
    /// When it was decided.
    pub at: Instant,
    /// By which policy.
    pub policy: PolicyIdentity,
    /// By which bytes of the eligibility component.
    pub component: Digest,
    /// The digest of the input.
    pub input_digest: Digest,
    /// What was known and asked.
    pub input: Input,
    #[serde(borrow)]
    answer: &'a RawValue,
}

impl<'a> Record<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// What was expected and found: no JSON, not a record, or one of another format.
    pub fn read(line: &'a [u8]) -> Result<Self, String> {
        let text = core::str::from_utf8(line).map_err(|error| format!("expected UTF-8: {error}"))?;
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.format == FORMAT {
            Ok(record)
        } else {
            Err(format!("expected a record of the format {FORMAT:?}, found {:?}", record.format))
        }
    }

    /// What was answered.
    ///
    /// # Errors
    /// What was expected and found.
    pub fn answer(&self) -> Result<Answer, String> {
        serde_json::from_str(self.answer.get()).map_err(|error| format!("answer: {error}"))
    }

    /// Whether this very answer was given: byte by byte as a program of this kind writes it. `scratch` saves making a new
    /// buffer for every record.
    #[must_use]
    pub fn answered(&self, answer: &Answer, scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        serde_json::to_writer(&mut *scratch, answer).is_ok() && scratch.as_slice() == self.answer.get().as_bytes()
    }

    /// Whether the merchant, the sale and the time it names are those of its input, of which the digest was made.
    #[must_use]
    pub fn is_about_its_input(&self) -> bool {
        let facts = &self.input.facts;
        facts.sale.merchant.value == self.merchant && facts.sale.id.value == self.sale && facts.now == self.at
    }

    /// Whether the input is the one that its digest was made of. `line` is what the record was read from.
    #[must_use]
    pub fn input_is_unchanged(&self, line: &[u8]) -> bool {
        // As it stands there it has not to be written again. A record that somebody set otherwise (spaces, order) is the
        // same record.
        self.written_input(line).is_some_and(|input| Digest::of(input) == self.input_digest)
            || self.input.digest() == self.input_digest
    }

    /// The input as it is written, if it stands right before the answer, where records have it.
    fn written_input<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let answer = self.answer.get().as_ptr().addr().checked_sub(line.as_ptr().addr())?;
        // No text before the input can have these bytes: a quotation mark within one is escaped.
        let key = b",\"input\":".as_slice();
        let begin = line.windows(key.len()).position(|bytes| bytes == key)?.checked_add(key.len())?;
        line.get(begin..answer)?.strip_suffix(b",\"answer\":")
    }
}

/// What was answered for all ways at once.
pub type WaysAnswer = Result<Vec<Decision>, DecisionError>;

/// The record of all ways at once, read but for its answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ways<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    /// Names it within the merchant.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Whose sale it is about.
    #[serde(borrow)]
    pub merchant: Cow<'a, str>,
    /// The sale.
    #[serde(borrow)]
    pub sale: Cow<'a, str>,
    /// When it was decided.
    pub at: Instant,
    /// By which policy.
    pub policy: PolicyIdentity,
    /// By which bytes of the eligibility component.
    pub component: Digest,
    /// The digest of facts and amount.
    pub input_digest: Digest,
    /// What was known.
    pub facts: Facts,
    /// For how much. Absent: for all that is left.
    pub amount: Option<Money>,
    #[serde(borrow)]
    answers: &'a RawValue,
    error: Option<DecisionError>,
}

impl<'a> Ways<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let ways: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        debug_assert_eq!(ways.format, WAYS_FORMAT, "only such a line is read as one");
        Ok(ways)
    }

    /// What was answered.
    ///
    /// # Errors
    /// What was expected and found.
    pub fn answer(&self) -> Result<WaysAnswer, String> {
        if let Some(error) = &self.error {
            return Ok(Err(error.clone()));
        }
        serde_json::from_str(self.answers.get()).map(Ok).map_err(|error| format!("answers: {error}"))
    }

    /// As [`Record::answered`].
    #[must_use]
    pub fn answered(&self, answer: &WaysAnswer, scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        match answer {
            Ok(answers) => {
                self.error.is_none()
                    && serde_json::to_writer(&mut *scratch, answers).is_ok()
                    && scratch.as_slice() == self.answers.get().as_bytes()
            }
            Err(error) => self.error.as_ref() == Some(error) && self.answers.get() == "[]",
        }
    }

    /// As [`Record::is_about`].
    #[must_use]
    pub fn is_about_its_facts(&self) -> bool {
        let facts = &self.facts;
        facts.sale.merchant.value == self.merchant && facts.sale.id.value == self.sale && facts.now == self.at
    }

    /// Whether facts and amount are those that its digest was made of.
    #[must_use]
    pub fn input_is_unchanged(&self) -> bool {
        ways_digest(&self.facts, self.amount.as_ref()) == self.input_digest
    }
}

/// A line of a file of records.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every line is one question: a box would only be one more allocation"
)]
#[derive(Debug)]
pub enum Line<'a> {
    /// One question and its answer.
    One(Box<Record<'a>>),
    /// All ways at once.
    Ways(Box<Ways<'a>>),
}

impl<'a> Line<'a> {
    /// Reads one line of either kind.
    ///
    /// # Errors
    /// As [`Record::read`].
    pub fn read(line: &'a [u8]) -> Result<Self, String> {
        /// Whatever it is, it says so.
        #[derive(Deserialize)]
        struct Said<'a> {
            #[serde(borrow)]
            format: Cow<'a, str>,
        }
        // As a program of this kind writes most lines: then nothing has to be read twice.
        if !line.starts_with(DECISION) {
            let text = core::str::from_utf8(line).map_err(|error| format!("expected UTF-8: {error}"))?;
            if serde_json::from_str::<Said<'_>>(text).is_ok_and(|said| said.format == WAYS_FORMAT) {
                return Ways::read(text).map(|ways| Self::Ways(Box::new(ways)));
            }
        }
        Record::read(line).map(|record| Self::One(Box::new(record)))
    }
}

/// How the record of one question begins where nobody set it otherwise.
const DECISION: &[u8] = b"{\"format\":\"decision/1\",";

/// How many bytes the files have, for whoever shows progress.
#[must_use]
pub fn size(files: &[PathBuf]) -> u64 {
    let length = |file: &PathBuf| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    files.iter().map(length).fold(0, u64::saturating_add)
}

/// The file of that number, for messages.
pub(crate) fn name_of(files: &[PathBuf], file: usize) -> PathBuf {
    files.get(file).map_or_else(|| Path::new("?").to_owned(), Clone::clone)
}

/// As many threads as the machine bears.
#[must_use]
pub fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

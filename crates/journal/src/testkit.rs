//! A storage that loses power: what was not synced is dropped, kept or torn, as chance has it.

use redb::StorageBackend;
use rescind_bundle::testkit::Chance;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// A sector: what a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What redb writes over in place: its header. It expects of a disk what SQLite does too, that a byte which was being
/// written over is afterwards the old one or the new one. Everywhere else this storage leaves rubbish as well.
const HEADER: usize = 4_096;

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Change {
    fn make(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at.saturating_add(bytes.len());
                if file.len() < end {
                    file.resize(end, 0);
                }
                if let Some(place) = file.get_mut(*at..end) {
                    place.copy_from_slice(bytes);
                }
            }
            Self::Length(length) => file.resize(*length, 0),
        }
    }
}

/// Makes a write in part: each sector by itself whole, not at all, cut somewhere, or with rubbish.
fn tear(file: &mut Vec<u8>, at: usize, bytes: &[u8], chance: &mut Chance) {
    for (n, sector) in bytes.chunks(SECTOR).enumerate() {
        let at = at.saturating_add(n.saturating_mul(SECTOR));
        let cut = chance.index(sector.len().saturating_add(1));
        let (front, back) = sector.split_at_checked(cut).unwrap_or((sector, &[]));
        let (at, bytes) = match chance.below(16) {
            0 if at >= HEADER => (at, sector.iter().map(|byte| byte ^ 0x5a).collect()),
            1 => (at, front.to_vec()),
            2 => (at.saturating_add(cut), back.to_vec()),
            3..=8 => (at, sector.to_vec()),
            _ => continue,
        };
        Change::Write { at, bytes }.make(file);
    }
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// What was changed since the last sync.
    unsynced: Vec<Change>,
    left: Option<u64>,
    steps: u64,
    dark: bool,
    syncs: u64,
    written: u64,
}

fn gone() -> io::Error {
    io::Error::other("the power is gone")
}

impl State {
    /// One step; whether the power goes in it.
    fn step(&mut self) -> io::Result<bool> {
        if self.dark {
            return Err(gone());
        }
        self.steps = self.steps.saturating_add(1);
        match &mut self.left {
            Some(0) => {
                self.dark = true;
                Ok(true)
            }
            Some(left) => {
                *left = left.saturating_sub(1);
                Ok(false)
            }
            None => Ok(false),
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        let cut = self.step()?;
        change.make(&mut self.seen);
        self.unsynced.push(change);
        if cut { Err(gone()) } else { Ok(()) }
    }
}

/// A file in memory that loses power when it is told to. Copies are the same file.
#[derive(Debug, Clone, Default)]
pub struct TornFile(Arc<Mutex<State>>);

impl TornFile {
    /// A file that has these bytes.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { seen: bytes.clone(), durable: bytes, ..State::default() })))
    }

    /// Lets the power go in the step after so many.
    pub fn cut_after(&self, steps: u64) {
        self.state(|state| state.left = Some(steps));
    }

    /// The steps (writes, syncs, changes of length) that were taken so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state(|state| state.steps)
    }

    /// The syncs so far, and the bytes that were written.
    #[must_use]
    pub fn work(&self) -> (u64, u64) {
        self.state(|state| (state.syncs, state.written))
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.state(|state| state.dark)
    }

    /// Its bytes as a program sees them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.state(|state| state.seen.clone())
    }

    /// The power comes back: another file, with what is left of this one. Changes that were not synced are made whole, in
    /// part, with rubbish, or not at all; whoever still holds this file sees no power.
    #[must_use]
    pub fn restart(&self, chance: &mut Chance) -> Self {
        let left = self.state(|state| {
            state.dark = true;
            let mut left = std::mem::take(&mut state.durable);
            for change in std::mem::take(&mut state.unsynced) {
                match (chance.below(4), &change) {
                    (0, _) => {}
                    (1, _) | (_, Change::Length(_)) => change.make(&mut left),
                    (_, Change::Write { at, bytes }) => tear(&mut left, *at, bytes, chance),
                }
            }
            left
        });
        Self::of(left)
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StorageBackend for TornFile {
    fn len(&self) -> io::Result<u64> {
        self.state(
            |state| if state.dark { Err(gone()) } else { Ok(u64::try_from(state.seen.len()).unwrap_or(u64::MAX)) },
        )
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.state(|state| {
            let place = usize::try_from(offset).ok().and_then(|at| state.seen.get(at..at.checked_add(out.len())?));
            match place {
                _ if state.dark => Err(gone()),
                Some(place) => {
                    out.copy_from_slice(place);
                    Ok(())
                }
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let length = usize::try_from(len).map_err(|_| io::ErrorKind::StorageFull)?;
        self.state(|state| state.change(Change::Length(length)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.state(|state| {
            if state.step()? {
                return Err(gone());
            }
            state.syncs = state.syncs.saturating_add(1);
            for change in state.unsynced.drain(..) {
                change.make(&mut state.durable);
            }
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(|_| io::ErrorKind::StorageFull)?;
        self.state(|state| {
            state.written = state.written.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            state.change(Change::Write { at, bytes: data.to_vec() })
        })
    }
}

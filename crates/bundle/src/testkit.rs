//! A disk that loses power: what was not synced is dropped, kept or torn, as chance has it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::Disk;

/// A sector: what a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Numbers that look random and follow from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number().checked_rem(bound).unwrap_or_default()
    }

    /// A length below a bound; 0 if that is 0.
    pub fn index(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or_default()
    }
}

/// What is left of a file that was being written over when the power went: each sector is the old one, the new one, zeros
/// or rubbish, and its end is somewhere between.
#[must_use]
pub fn torn(old: &[u8], new: &[u8], chance: &mut Chance) -> Vec<u8> {
    let (short, long) = (old.len().min(new.len()), old.len().max(new.len()));
    let length = match chance.below(3) {
        0 => old.len(),
        1 => new.len(),
        _ => short.saturating_add(chance.index(long.saturating_sub(short).saturating_add(1))),
    };
    let mut left = Vec::with_capacity(length);
    while left.len() < length {
        let at = left.len();
        let end = at.saturating_add(SECTOR).min(length);
        let of = |bytes: &[u8]| bytes.get(at..end.min(bytes.len())).unwrap_or_default().to_vec();
        let mut sector = match chance.below(8) {
            0..=2 => of(old),
            3..=5 => of(new),
            6 => Vec::new(),
            _ => (at..end).map(|_| u8::try_from(chance.below(256)).unwrap_or_default()).collect(),
        };
        sector.resize(end.saturating_sub(at), 0);
        left.extend(sector);
    }
    left
}

#[derive(Debug, Clone)]
enum Name {
    Made { name: String, file: usize },
    Moved { from: String, to: String },
}

#[derive(Debug, Default)]
struct State {
    /// What a program sees, and what outlives a power loss.
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Bytes of each file: seen, durable.
    files: Vec<(Vec<u8>, Vec<u8>)>,
    /// Changes of names since the folder was synced.
    names: Vec<Name>,
    /// Steps until the power goes.
    left: Option<u64>,
    steps: u64,
    dark: bool,
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
}

fn gone() -> io::Error {
    io::Error::other("the power is gone")
}

/// A disk in memory that loses power when it is told to. Copies are the same disk.
#[derive(Debug, Clone, Default)]
pub struct TornDisk(Arc<Mutex<State>>);

impl TornDisk {
    /// Lets the power go in the step after so many.
    pub fn cut_after(&self, steps: u64) {
        self.state(|state| state.left = Some(steps));
    }

    /// The steps that were taken so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state(|state| state.steps)
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.state(|state| state.dark)
    }

    /// The power comes back: what was not synced is dropped, kept or torn.
    pub fn restart(&self, chance: &mut Chance) {
        self.state(|state| {
            // Names change in their order, as in a journal; how many of them made it, nobody knows.
            let kept = chance.index(state.names.len().saturating_add(1));
            let names: Vec<Name> = state.names.drain(..).collect();
            for change in names.into_iter().take(kept) {
                match change {
                    Name::Made { name, file } => {
                        state.durable.insert(name, file);
                    }
                    Name::Moved { from, to } => {
                        if let Some(file) = state.durable.remove(&from) {
                            state.durable.insert(to, file);
                        }
                    }
                }
            }
            for (seen, durable) in &mut state.files {
                if seen != durable {
                    *durable = torn(durable, seen, chance);
                    seen.clone_from(durable);
                }
            }
            state.seen.clone_from(&state.durable);
            (state.left, state.dark) = (None, false);
        });
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Disk for TornDisk {
    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        self.state(|state| {
            if state.dark {
                return Err(gone());
            }
            let file = state.seen.get(name).and_then(|file| state.files.get(*file));
            match file {
                Some((seen, _)) if seen.len() > limit => Err(io::ErrorKind::FileTooLarge.into()),
                Some((seen, _)) => Ok(Some(seen.clone())),
                None => Ok(None),
            }
        })
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.state(|state| {
            let cut = state.step()?;
            let file = match state.seen.get(name) {
                Some(file) => *file,
                None => {
                    let file = state.files.len();
                    state.files.push((Vec::new(), Vec::new()));
                    state.seen.insert(name.to_owned(), file);
                    state.names.push(Name::Made { name: name.to_owned(), file });
                    file
                }
            };
            if let Some((seen, _)) = state.files.get_mut(file) {
                *seen = bytes.to_vec();
            }
            if cut { Err(gone()) } else { Ok(()) }
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.state(|state| {
            if state.step()? {
                return Err(gone());
            }
            let file = state.seen.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
            if let Some((seen, durable)) = state.files.get_mut(file) {
                durable.clone_from(seen);
            }
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.state(|state| {
            let cut = state.step()?;
            let file = state.seen.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.seen.insert(to.to_owned(), file);
            state.names.push(Name::Moved { from: from.to_owned(), to: to.to_owned() });
            if cut { Err(gone()) } else { Ok(()) }
        })
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.state(|state| {
            if state.step()? {
                return Err(gone());
            }
            state.names.clear();
            state.durable = state.seen.clone();
            Ok(())
        })
    }
}

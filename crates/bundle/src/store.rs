//! Two slots: the bundle that is active, and room for the next one.
//!
//! A new bundle is checked, written to the slot that is not active, synced, read back and compared. Only then the pointer
//! is replaced, by writing it beside the old one and renaming it. A power loss at any point leaves the old bundle active
//! or the new one, never none and never half of one.
//!
//! The pointer also keeps the version, and no lower one is ever taken: not from an update, and not from the other slot
//! if the active one is damaged. A terminal without a bundle decides nothing and fetches one.

use minicbor::Encoder;
use sha2::{Digest as _, Sha256};
use std::io;

use crate::cose::Unwritten;
use crate::disk::Disk;
use crate::key::Verifier;
use crate::limits;
use crate::trust::Trust;
use crate::verified::{Engine, Installed, Refusal, Verified, verify, verify_installed};
use crate::wire::{Malformed, Reader};

const POINTER: &str = "active";
const NEW_POINTER: &str = "active.new";
const POINTER_FORMAT: &str = "rescind-active/1";
const POINTER_BYTES: usize = 256;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Its file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::A => "slot-a",
            Self::B => "slot-b",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Why a store does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bundle is not taken; what was active is.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The disk failed. What was active still is; a restart shows which bundle is the active one on the disk.
    #[error("the disk failed: {0}")]
    Disk(#[from] io::Error),
    /// What was read back is not what was written. What was active still is.
    #[error("{} reads back otherwise than it was written", .0.file())]
    ReadBack(Slot),
    /// The disk failed while the pointer was replaced. Nothing more is written before the store was opened again.
    #[error("the disk failed while the pointer was replaced: open the store again")]
    OpenAgain,
    /// The pointer could not be written as bytes.
    #[error("could not write the pointer: {0}")]
    Pointer(String),
}

impl StoreError {
    /// A stable code; of a refusal, its own.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Disk(_) => "store.disk",
            Self::ReadBack(_) => "store.read-back",
            Self::OpenAgain => "store.open-again",
            Self::Pointer(_) => "store.pointer",
        }
    }
}

/// What became of a bundle that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// It is active from now on, and after a power loss.
    Installed {
        /// The version that was active before.
        before: Option<u64>,
        /// The version that is active now.
        version: u64,
    },
    /// It was active already.
    Unchanged,
}

/// The bundles of a terminal. One at a time may use a folder: whoever holds the terminal's journal.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    provisioned: Trust,
    engine: Engine,
    active: Option<(Slot, Verified)>,
    floor: u64,
    damaged: Vec<(Slot, Refusal)>,
    open_again: bool,
}

struct Pointer {
    slot: Slot,
    version: u64,
}

impl<D: Disk> Store<D> {
    /// Opens the store and finds the active bundle. It may hold no longer, or not yet: [`Verified::holds_at`].
    ///
    /// `floor` is the lowest version that may become active, as far as the caller knows from elsewhere (its journal);
    /// 0 if it knows nothing.
    ///
    /// # Errors
    /// The disk cannot be read. That a bundle is missing or damaged is no error: there is then none that is active.
    pub fn open(
        disk: D,
        provisioned: Trust,
        engine: Engine,
        floor: u64,
        verifier: &dyn Verifier,
    ) -> Result<Self, StoreError> {
        let pointer = disk.read(POINTER, POINTER_BYTES);
        // A pointer that cannot be read is as good as none: then the newest whole bundle is the active one.
        let pointer = match pointer {
            Ok(bytes) => bytes.and_then(|bytes| read_pointer(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => None,
            Err(error) => return Err(error.into()),
        };
        let floor = pointer.as_ref().map_or(floor, |pointer| pointer.version.max(floor));
        let mut this = Self { disk, provisioned, engine, active: None, floor, damaged: Vec::new(), open_again: false };
        let first = pointer.map_or(Slot::A, |pointer| pointer.slot);
        let found = this.read(first, verifier)?;
        // With a pointer to a whole bundle, the other slot does not matter: it is older, or its update was not finished.
        let settled = found.as_ref().is_some_and(|found| found.version() == floor);
        let other = if settled { None } else { this.read(first.other(), verifier)? };
        this.active = [(first, found), (first.other(), other)]
            .into_iter()
            .filter_map(|(slot, found)| found.map(|found| (slot, found)))
            .max_by_key(|(_, found)| found.version());
        if let Some((_, active)) = &this.active {
            this.floor = active.version().max(floor);
        }
        Ok(this)
    }

    /// The bundle in a slot, if it is whole, genuine, for this engine and not below the floor.
    fn read(&mut self, slot: Slot, verifier: &dyn Verifier) -> Result<Option<Verified>, StoreError> {
        let bytes = match self.disk.read(slot.file(), limits::BUNDLE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                let refusal = Refusal::Malformed(Malformed::Overlong);
                self.damaged.push((slot, refusal));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        match verify_installed(bytes, &self.provisioned, &self.engine, verifier) {
            Ok(found) if found.version() >= self.floor => Ok(Some(found)),
            Ok(found) => {
                let refusal = Refusal::Rollback { installed: self.floor, offered: found.version() };
                self.damaged.push((slot, refusal));
                Ok(None)
            }
            Err(refusal) => {
                self.damaged.push((slot, refusal));
                Ok(None)
            }
        }
    }

    /// The active bundle.
    #[must_use]
    pub fn active(&self) -> Option<&Verified> {
        self.active.as_ref().map(|(_, active)| active)
    }

    /// The lowest version that may become active.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// What was found in slots and not taken when the store was opened: an update that was cut off, or damage.
    #[must_use]
    pub fn damaged(&self) -> &[(Slot, Refusal)] {
        &self.damaged
    }

    /// Whom the next bundle has to be signed by.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        self.active().map_or(&self.provisioned, Verified::trust)
    }

    /// Takes a bundle, if it is genuine, for this terminal, not older than what is active, and holds now (ms since the Unix
    /// epoch). Once this returns, it is active and stays so.
    ///
    /// # Errors
    /// [`StoreError`]; whatever was active still is.
    pub fn install(&mut self, bytes: Vec<u8>, now: i64, verifier: &dyn Verifier) -> Result<Update, StoreError> {
        if self.open_again {
            return Err(StoreError::OpenAgain);
        }
        let installed = self.active().map(Verified::installed);
        let installed = installed.or(Some(Installed { version: self.floor, digest: None }));
        let offered = verify(bytes, self.trust(), now, installed, &self.engine, verifier)?;
        offered.can_be_reached_from(&self.provisioned, verifier)?;
        if self.active().is_some_and(|active| active.digest() == offered.digest()) {
            return Ok(Update::Unchanged);
        }
        let slot = self.active.as_ref().map_or(Slot::A, |(slot, _)| slot.other());
        self.disk.write(slot.file(), offered.bytes())?;
        self.disk.sync(slot.file())?;
        self.disk.sync_folder()?;
        if self.disk.read(slot.file(), limits::BUNDLE_BYTES)?.as_deref() != Some(offered.bytes()) {
            return Err(StoreError::ReadBack(slot));
        }
        let pointer = write_pointer(slot, offered.version()).map_err(|error| StoreError::Pointer(error.to_string()))?;
        self.disk.write(NEW_POINTER, &pointer)?;
        self.disk.sync(NEW_POINTER)?;
        // From here on the disk may already point to the new slot. If it fails now, nothing may be written to either slot
        // before it is known which one that is.
        self.open_again = true;
        self.disk.rename(NEW_POINTER, POINTER)?;
        self.disk.sync_folder()?;
        self.open_again = false;
        let (before, version) = (self.active().map(Verified::version), offered.version());
        self.floor = version;
        self.active = Some((slot, offered));
        Ok(Update::Installed { before, version })
    }

    /// Gives the disk back.
    pub fn into_disk(self) -> D {
        self.disk
    }
}

/// `[form, slot, version]`, then the SHA-256 of that.
fn write_pointer(slot: Slot, version: u64) -> Result<Vec<u8>, Unwritten> {
    let mut out = Encoder::new(Vec::new());
    out.array(3)?.str(POINTER_FORMAT)?.str(slot.file())?.u64(version)?;
    let mut bytes = out.into_writer();
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    Ok(bytes)
}

fn read_pointer(bytes: &[u8]) -> Result<Pointer, Malformed> {
    let (content, digest) = bytes.split_last_chunk::<32>().ok_or(Malformed::Truncated)?;
    let expected: [u8; 32] = Sha256::digest(content).into();
    if *digest != expected {
        return Err(Malformed::Unexpected { at: 0, expected: "a pointer and its digest" });
    }
    let mut reader = Reader::new(content);
    reader.items(3, "a pointer")?;
    reader.exactly(POINTER_FORMAT, "a pointer of form rescind-active/1")?;
    let at = reader.position();
    let slot = reader.text(limits::TEXT_BYTES, "a slot")?;
    let slot = [Slot::A, Slot::B].into_iter().find(|each| each.file() == slot);
    let slot = slot.ok_or(Malformed::Unexpected { at, expected: "a slot" })?;
    let version = reader.number("a version")?;
    reader.end()?;
    Ok(Pointer { slot, version })
}

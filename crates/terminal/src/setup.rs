//! Who the terminal is, and what it was provisioned with.

use crate::clock::ClockQuality;
use crate::error::TerminalError;
use rescind_bundle::Trust;
use rescind_decider::Target;
use rescind_journal::Room;
use rescind_model::{MerchantId, TerminalId};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who the terminal is. Given at every opening; what changes (its class, the merchant's name) may differ from before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setup {
    /// The merchant.
    pub merchant: MerchantId,
    /// The merchant's name for slips.
    pub merchant_name: String,
    /// The terminal's id within its merchant.
    pub terminal: TerminalId,
    /// What kind of terminal it is, as the merchant's register has it. It chooses among the policies of a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The offset of the merchant's wall clock from UTC, in minutes, -720 to 840.
    pub utc_offset_minutes: i32,
    /// A folder of its own, on a disk that keeps what was synced.
    pub folder: PathBuf,
    /// The keys that may sign its first bundle. Later bundles can change them.
    pub trust: Trust,
    /// What its processor runs.
    #[serde(default)]
    pub code: Code,
    /// Names this run of the device: another text after every restart, such as Linux's `boot_id`.
    pub boot: String,
    /// 32 hexadecimal digits that nobody used before, for the name of a new journal. Not looked at if there is one.
    pub journal_id: String,
    /// How good its clocks are.
    #[serde(default)]
    pub clocks: ClockQuality,
    /// How many records the journal takes before it is full.
    #[serde(default = "records")]
    pub max_records: u64,
    /// How many bytes of records.
    #[serde(default = "bytes")]
    pub max_bytes: u64,
}

fn records() -> u64 {
    Room::default().records
}

fn bytes() -> u64 {
    Room::default().bytes
}

/// What the component is translated to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The processor's own, where there is a generator for it; else Pulley.
    #[default]
    Native,
    /// Pulley's byte code.
    Pulley,
}

impl Code {
    /// What bundles for it are made for.
    #[must_use]
    pub fn target(self) -> Target {
        match self {
            Self::Native => Target::native(),
            Self::Pulley => Target::Pulley,
        }
    }
}

/// Longest name that is taken for the run of a device, in bytes: that of a journal's text.
const BOOT_BYTES: usize = rescind_journal::limits::TEXT_BYTES;

impl Setup {
    /// Reads its JSON.
    ///
    /// # Errors
    /// [`TerminalError::Argument`].
    pub fn read(json: &[u8]) -> Result<Self, TerminalError> {
        let setup: Self = crate::ask::read(json, crate::limits::SETUP_BYTES, "the terminal's setup")?;
        setup.check()?;
        Ok(setup)
    }

    pub(crate) fn check(&self) -> Result<(), TerminalError> {
        let argument = |what: &str| Err(TerminalError::Argument(what.to_owned()));
        if !self.clocks.is_sound() {
            return argument("clocks: expected at most 10000 ppm, and a base of at least 5000 ms");
        }
        if self.boot.is_empty() || self.boot.len() > BOOT_BYTES {
            return argument("boot: expected a text of 1 to 1024 bytes that names this run of the device");
        }
        if !(-720..=840).contains(&self.utc_offset_minutes) {
            return argument("utc-offset-minutes: expected -720 to 840");
        }
        if self.merchant_name.trim().is_empty() || self.merchant_name.len() > BOOT_BYTES {
            return argument("merchant-name: expected what is printed on slips");
        }
        self.new_journal().map(|_| ())
    }

    pub(crate) fn new_journal(&self) -> Result<[u8; 16], TerminalError> {
        let mut id = [0; 16];
        hex::decode_to_slice(&self.journal_id, &mut id)
            .map_err(|_| TerminalError::Argument("journal-id: expected 32 hexadecimal digits".to_owned()))?;
        Ok(id)
    }
}

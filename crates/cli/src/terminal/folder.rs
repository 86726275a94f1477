//! The terminal's data directory: who it is, its key, its own list of sales. The journal and the bundles in it are the
//! library's.

use super::clocks::random_name;
use crate::bundle::read_trust;
use crate::native;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use rescind_bundle::{PublicKey, SigningKey, Trust};
use rescind_model::{MerchantId, TerminalId};
use rescind_terminal::Code;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Within the data directory.
const IDENTITY: &str = "terminal.json";
const KEY: &str = "journal.key";

/// What a terminal is provisioned with: wanted when its data directory is begun, and kept there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "At the first start of a data directory")]
pub struct Provision {
    /// The merchant's id.
    #[arg(long)]
    merchant: Option<MerchantId>,
    /// The merchant's name, as printed on slips.
    #[arg(long)]
    merchant_name: Option<String>,
    /// The terminal's id within its merchant.
    #[arg(long)]
    terminal: Option<TerminalId>,
    /// What kind of terminal it is; it chooses among the policies of a bundle.
    #[arg(long)]
    class: Option<String>,
    /// The offset of local time from UTC, in minutes.
    #[arg(long)]
    utc_offset_minutes: Option<i32>,
    /// Who may sign its bundles: the set of keys that `rescind bundle keygen` wrote; or the name of the line of bundles, `=`,
    /// and a public key.
    #[arg(long, value_name = "FILE|NAME=KEY")]
    trust: Option<String>,
    /// What its processor runs.
    #[arg(long)]
    code: Option<CodeName>,
}

/// What a processor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodeName {
    /// This machine's own code.
    Native,
    /// Pulley's byte code, as on processors for which there is no code generator.
    Pulley,
}

/// Who the terminal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// The merchant.
    pub merchant: MerchantId,
    /// Its name for slips.
    pub merchant_name: String,
    /// The terminal.
    pub terminal: TerminalId,
    /// Its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The offset of local time from UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// The keys it was provisioned with.
    pub trust: Trust,
    /// What its processor runs.
    pub code: Code,
    /// The name of its journal: 32 hexadecimal digits.
    pub journal: String,
}

/// A data directory.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Who the terminal is.
    pub identity: Identity,
    /// Whether it was begun now.
    pub is_new: bool,
}

impl Folder {
    /// Opens a data directory, or begins it, and gives the terminal's key.
    pub fn open(path: &Path, provision: &Provision) -> anyhow::Result<(Self, SigningKey)> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let file = path.join(IDENTITY);
        let (identity, is_new) = match fs::read(&file) {
            Ok(bytes) => {
                let kept = serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", file.display()))?;
                (provision.changed(kept)?, false)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (provision.identity()?, true),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        // The key first: a terminal that knows who it is has one.
        let key = key(&path.join(KEY), is_new)?;
        write_durably(&file, &serde_json::to_vec_pretty(&identity)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok((Self { path: path.to_owned(), identity, is_new }, key))
    }
}

impl Provision {
    /// What a new terminal is.
    fn identity(&self) -> anyhow::Result<Identity> {
        let (Some(merchant), Some(terminal)) = (self.merchant.clone(), self.terminal.clone()) else {
            bail!(
                "this data directory is new: say who the terminal is, with --merchant, --terminal and --trust NAME=KEY"
            );
        };
        let Some(trust) = self.trust()? else {
            bail!(
                "this data directory is new: say who signs its bundles, with --trust NAME=KEY (`rescind bundle keygen`)"
            );
        };
        Ok(Identity {
            merchant_name: self.merchant_name.clone().unwrap_or_else(|| merchant.to_string()),
            merchant,
            terminal,
            class: self.class.clone(),
            utc_offset_minutes: self.utc_offset_minutes.unwrap_or(480),
            trust,
            code: self.code().unwrap_or_default(),
            journal: random_name(),
        })
    }

    /// A known terminal, with what may be another: name, class, offset. Who it is and whom it trusts stays.
    fn changed(&self, kept: Identity) -> anyhow::Result<Identity> {
        let other =
            |what: &str| format!("this data directory is of another {what}: take one of its own for each terminal");
        if self.merchant.as_ref().is_some_and(|merchant| *merchant != kept.merchant) {
            bail!(other("merchant"));
        }
        if self.terminal.as_ref().is_some_and(|terminal| *terminal != kept.terminal) {
            bail!(other("terminal"));
        }
        if self.trust()?.is_some_and(|trust| trust != kept.trust) {
            bail!("this terminal was provisioned with other keys: they change by bundles, not here");
        }
        Ok(Identity {
            merchant_name: self.merchant_name.clone().unwrap_or(kept.merchant_name),
            class: self.class.clone().or(kept.class),
            utc_offset_minutes: self.utc_offset_minutes.unwrap_or(kept.utc_offset_minutes),
            code: self.code().unwrap_or(kept.code),
            ..kept
        })
    }

    fn code(&self) -> Option<Code> {
        self.code.map(|code| match code {
            CodeName::Native => Code::Native,
            CodeName::Pulley => Code::Pulley,
        })
    }

    fn trust(&self) -> anyhow::Result<Option<Trust>> {
        let Some(text) = &self.trust else { return Ok(None) };
        Ok(Some(match text.split_once('=') {
            Some((name, key)) => {
                let key = PublicKey::parse(key).with_context(|| format!("--trust {name}"))?;
                Trust::first(name, key).checked().with_context(|| format!("--trust {name}"))?
            }
            None => read_trust(Path::new(text))?,
        }))
    }
}

/// The terminal's key; made if the terminal is new. A device that lost it is another device: nothing is made up for it.
fn key(file: &Path, is_new: bool) -> anyhow::Result<SigningKey> {
    let shown = file.display();
    match fs::read_to_string(file) {
        Ok(text) => SigningKey::parse_secret(&text).with_context(|| format!("{shown}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_new => {
            let key = SigningKey::from_seed(native::random());
            let mut made = private(file).with_context(|| format!("cannot write {shown}"))?;
            made.write_all(key.secret_text().as_bytes())
                .and_then(|()| made.sync_all())
                .with_context(|| format!("cannot write {shown}"))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read the terminal's key {shown}")),
    }
}

/// A new file that only its owner reads.
fn private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

/// Puts a file in its place as a whole: whoever reads it sees the one before, or this one, also after a power loss.
pub fn write_durably(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = file.with_extension("new");
    let mut made = File::create(&fresh)?;
    made.write_all(bytes)?;
    made.sync_all()?;
    fs::rename(&fresh, file)?;
    #[cfg(unix)]
    if let Some(folder) = file.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

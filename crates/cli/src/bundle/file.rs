//! Files of bundles, drafts, changes of keys and keys.

use anyhow::{Context as _, bail};
use rescind_bundle::{Signer as _, SigningKey};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

/// Largest file of a key: its text, and white space around it.
const KEY_BYTES: usize = 256;

/// Reads a file of at most so many bytes; `what` says what it should be.
pub fn read(file: &Path, what: &str, limit: usize) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read the {what} {}", file.display());
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(file).with_context(cannot)?.take(most).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() > limit {
        bail!("{} is no {what}: it has more than {limit} bytes", file.display());
    }
    Ok(bytes)
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever may read new files of this user.
    Usual,
    /// The user alone.
    Owner,
}

/// Writes a file that is not there yet, and returns once it outlives a power loss. What a bundle's name and version once
/// stood for, and whoever has a key, is never overwritten.
pub fn write_new(file: &Path, bytes: &[u8], readers: Readers) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let opened = options.open(file);
    if opened.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
        bail!("{} is there already and is not overwritten", file.display());
    }
    let written = opened.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// The key in a file that nobody else can read.
pub fn read_key(file: &Path) -> anyhow::Result<SigningKey> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(file).with_context(|| format!("cannot read the key {}", file.display()))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            bail!("the key {} can be read by others: chmod 600, and think about who may have it", file.display());
        }
    }
    let bytes = read(file, "key", KEY_BYTES)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is no key", file.display()))?;
    SigningKey::parse_secret(&text).with_context(|| format!("{} is no key", file.display()))
}

/// Writes a key for its owner alone.
pub fn write_key(file: &Path, key: &SigningKey) -> anyhow::Result<()> {
    write_new(file, format!("{}\n", key.secret_text()).as_bytes(), Readers::Owner)
        .with_context(|| format!("key {} was not kept", key.public().id()))
}

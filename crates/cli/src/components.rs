//! `rescind components`: the archive of what decided. Records name a component by the SHA-256 of its file; the archive
//! has the bytes.

use crate::stdio::say;
use anyhow::{Context as _, bail};
use clap::Subcommand;
use rescind_host::store::{Archive, Component, Kept, SqliteStore, Store as _};
use rescind_model::Instant;
use std::path::{Path, PathBuf};

/// How a file begins that holds a component: the magic number, and the version and layer of the binary format.
const COMPONENT_HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// List, take out and add the bytes of components that decided.
#[derive(Debug, Subcommand)]
pub enum Components {
    /// List what is archived: digest, size, since when, name. Every one's bytes are checked.
    List {
        /// The database; a server may have it open.
        #[arg(long, default_value = "rescind.db")]
        db: PathBuf,
    },
    /// Write a component's bytes to a file, after checking them.
    Export {
        /// The SHA-256 of the component, as the field `c` of a record has it.
        digest: String,
        /// The database; a server may have it open.
        #[arg(long, default_value = "rescind.db")]
        db: PathBuf,
        /// Where to write it.
        #[arg(long)]
        out: PathBuf,
    },
    /// Archive component files, as `rescind serve` does by itself at each start. The database must not be in use.
    Import {
        /// Files, or folders of `*.wasm`.
        #[arg(default_value = "target/components")]
        paths: Vec<PathBuf>,
        /// The database. Made if it is not there.
        #[arg(long, default_value = "rescind.db")]
        db: PathBuf,
    },
}

impl Components {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { db } => list(&db),
            Self::Export { digest, db, out } => {
                let component = Archive::open(&db)?.get(&digest.to_ascii_lowercase())?;
                let bytes = component.bytes();
                std::fs::write(&out, bytes).with_context(|| format!("cannot write {}", out.display()))?;
                say(format_args!("{}: {}, {} bytes", out.display(), component.name(), bytes.len()))?;
                Ok(())
            }
            Self::Import { paths, db } => import(&paths, &db),
        }
    }
}

fn list(db: &Path) -> anyhow::Result<()> {
    let mut damaged = 0_usize;
    for entry in Archive::open(db)?.list()? {
        let since = Instant { unix_ms: entry.kept_at_ms };
        let damage = if entry.whole { "" } else { "  DAMAGED" };
        say(format_args!("{} {:>9} {since} {}{damage}", entry.digest, entry.size, entry.name))?;
        damaged = damaged.saturating_add(usize::from(!entry.whole));
    }
    if damaged > 0 {
        bail!("{damaged} of them are damaged: import their files again, or take the database from a backup");
    }
    Ok(())
}

fn import(paths: &[PathBuf], db: &Path) -> anyhow::Result<()> {
    // All are read before the first is kept: a wrong path changes nothing.
    let mut components = Vec::new();
    for file in files(paths)? {
        let component = Component::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if !component.bytes().starts_with(&COMPONENT_HEADER) {
            bail!(
                "{} is no WebAssembly component: expected a file that the build put into target/components",
                file.display()
            );
        }
        components.push(component);
    }
    let store = SqliteStore::open(db)?;
    for component in components {
        let kept = match store.keep_component(&component)? {
            Kept::Already => "was there",
            Kept::Now => "archived",
            Kept::Repaired => "was damaged, archived again",
        };
        say(format_args!("{} {} {kept}", component.digest(), component.name()))?;
    }
    Ok(())
}

fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).with_context(|| format!("cannot read the folder {}", path.display()))? {
            let file = entry?.path();
            if file.extension().is_some_and(|ending| ending == "wasm") {
                found.push(file);
            }
        }
        if found.is_empty() {
            bail!("{} holds no components (*.wasm)", path.display());
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

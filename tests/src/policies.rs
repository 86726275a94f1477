//! A folder of policies for a server under test: the packs, and variants of them.

use crate::checkout;
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use tempfile::TempDir;

/// A folder of policies; gone when this is dropped.
#[derive(Debug)]
pub struct Policies {
    folder: TempDir,
}

impl Policies {
    /// The packs as they are.
    ///
    /// # Errors
    /// The file system's.
    pub fn packs() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for entry in std::fs::read_dir(checkout::root()?.join("policies"))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        Ok(Self { folder })
    }

    /// The packs, and `open`: Lakala without a count of voids, and every refund approved by the automatic review. For
    /// tests that need hundreds of one kind.
    ///
    /// # Errors
    /// The pack has changed so much that the variant cannot be made of it.
    pub fn with_open() -> Result<Self> {
        let this = Self::packs()?;
        let counted = this.read("lakala.toml")?;
        let (head, rest) = counted.split_once("[[void.count]]").context("lakala.toml counts no voids any more")?;
        let (_, refund) = rest.split_once("[refund]").context("lakala.toml has no [refund] any more")?;
        let open = edit(
            &format!("{head}[refund]{refund}"),
            &[
                (r#"name = "lakala""#, r#"name = "open""#),
                (r#"tiers-by = ["sale", "requester-day"]"#, r#"tiers-by = ["sale"]"#),
                (r#"up-to = "100.00""#, r#"up-to = "999.00""#),
            ],
        )?;
        this.write("open.toml", &open)?;
        Ok(this)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The text of a file.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(&self, file: &str) -> Result<String> {
        std::fs::read_to_string(self.path().join(file)).with_context(|| format!("policies/{file} cannot be read"))
    }

    /// Puts a file there.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        std::fs::write(self.path().join(file), text).with_context(|| format!("policies/{file} cannot be written"))
    }
}

/// Replaces each text by another; each must be there.
///
/// # Errors
/// One is not.
pub fn edit(text: &str, changes: &[(&str, &str)]) -> Result<String> {
    let mut edited = text.to_owned();
    for (from, to) in changes {
        ensure!(edited.contains(from), "the pack does not say {from:?} any more");
        edited = edited.replacen(from, to, 1);
    }
    Ok(edited)
}

/// Lakala under a name of its own, whose versions are put in force one after the other.
pub const CONTRACT: &str = "contract";

impl Policies {
    /// Adds a version of [`CONTRACT`] as `contract-VERSION.toml`: voids within a time, refunds up to an amount without an
    /// approver. Gives the file's name.
    ///
    /// # Errors
    /// The pack has changed so much that the variant cannot be made of it.
    pub fn add_contract(&self, version: &str, void_window: &str, without_approver: &str) -> Result<String> {
        let pack = self.read("lakala.toml")?;
        let said = pack.lines().find(|line| line.starts_with("version = "));
        let said = said.context("lakala.toml has no version any more")?.to_owned();
        let text = edit(
            &pack,
            &[
                (r#"name = "lakala""#, &format!("name = {CONTRACT:?}")),
                (&said, &format!("version = {version:?}")),
                (r#"window = "30 minutes""#, &format!("window = {void_window:?}")),
                (r#"up-to = "100.00""#, &format!("up-to = {without_approver:?}")),
            ],
        )?;
        let file = format!("{CONTRACT}-{version}.toml");
        self.write(&file, &text)?;
        Ok(file)
    }
}

/// Lakala, whose network is asked after 1 and 2 s only: a story need not wait a minute.
pub const QUICK: &str = "quick";
/// The same, whose codes live for 2 s.
pub const BRIEF: &str = "brief";

impl Policies {
    /// Adds [`QUICK`].
    ///
    /// # Errors
    /// The pack has changed so much that the variant cannot be made of it.
    pub fn add_quick(&self) -> Result<()> {
        self.write("quick.toml", &self.quick(QUICK)?)
    }

    /// Adds [`BRIEF`].
    ///
    /// # Errors
    /// The pack has changed so much that the variant cannot be made of it.
    pub fn add_brief(&self) -> Result<()> {
        let brief = edit(&self.quick(BRIEF)?, &[(r#"time-to-live = "5 minutes""#, r#"time-to-live = "2 seconds""#)])?;
        self.write("brief.toml", &brief)
    }

    fn quick(&self, name: &str) -> Result<String> {
        const ASKED: &str =
            r#"queries = ["1 second", "2 seconds", "4 seconds", "8 seconds", "16 seconds", "32 seconds"]"#;
        let pack = self.read("lakala.toml")?;
        ensure!(pack.contains(ASKED), "the pack does not say {ASKED:?} any more");
        let quick = pack.replace(ASKED, r#"queries = ["1 second", "2 seconds"]"#);
        edit(&quick, &[(r#"name = "lakala""#, &format!("name = {name:?}"))])
    }
}

/// What handheld terminals may do alone: `examples/terminal/handheld.toml`.
pub const HANDHELD: &str = "handheld";

impl Policies {
    /// Adds [`HANDHELD`].
    ///
    /// # Errors
    /// The file system's.
    pub fn add_handheld(&self) -> Result<()> {
        let example = checkout::root()?.join("examples/terminal/handheld.toml");
        std::fs::copy(&example, self.path().join("handheld.toml"))
            .map(|_| ())
            .with_context(|| format!("{} cannot be copied", example.display()))
    }
}

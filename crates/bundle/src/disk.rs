//! What the two slots need of a disk, so that tests can put one under them that loses power.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

/// A folder of few files, as a careful program sees it: what was written is there after a power loss only once it was
/// synced, and a name only once the folder was.
pub trait Disk {
    /// The whole file, or `None` if there is none of that name.
    ///
    /// # Errors
    /// Reading fails, or the file is longer than `limit` bytes.
    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>>;

    /// Makes the file, or writes it anew where it lies.
    ///
    /// # Errors
    /// Writing fails.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Returns once the file's bytes outlive a power loss.
    ///
    /// # Errors
    /// Syncing fails; whether they do is then unknown.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name; whatever had it is gone, in one step.
    ///
    /// # Errors
    /// Renaming fails.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Returns once the names outlive a power loss.
    ///
    /// # Errors
    /// Syncing fails; whether they do is then unknown.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// A folder of this machine.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder, made if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Disk for Folder {
    fn read(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.0.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let length = file.metadata()?.len();
        if length > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{name} has {length} bytes")));
        }
        // The length is within the limit; what grows meanwhile is cut off, and no signature holds for it.
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        File::create(self.0.join(name))?.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        File::options().write(true).open(self.0.join(name))?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        // Elsewhere a folder cannot be opened as a file, and renaming is durable or not as the system pleases.
        if cfg!(unix) { File::open(&self.0)?.sync_all() } else { Ok(()) }
    }
}

//! The mark of a clean stop, which spares the next start the full check of a database that nobody touched.
//!
//! It stands in the lock file and says exactly how the database file was left: any write, copy or restore since then
//! changes what it names (on Unix nobody can set a file's change time), and the file is checked in full. It is removed,
//! durably, before the database is opened for writing, so a crash leaves none.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

/// Longest mark that is read, in bytes: a few numbers.
const MARK_BYTES: u64 = 256;

/// How long after the last write the mark is set. File systems take their times from a clock that moves at every tick
/// of the kernel, at most 10 ms apart: whatever is written after this has a later time than the mark names.
const AFTER_LAST_WRITE: Duration = Duration::from_millis(20);

/// Takes the mark away and says whether it was about this very file.
pub(super) fn take(mut lock: &File, database: &Path) -> io::Result<bool> {
    let mut mark = String::new();
    if lock.take(MARK_BYTES).read_to_string(&mut mark).is_err() {
        mark.clear();
    }
    if mark.is_empty() {
        return Ok(false);
    }
    lock.set_len(0)?;
    lock.rewind()?;
    lock.sync_all()?;
    Ok(left(database).is_some_and(|left| left == mark))
}

/// Sets the mark. The database has to be closed, with everything of it on the disk.
pub(super) fn set(mut lock: &File, database: &Path) -> io::Result<()> {
    std::thread::sleep(AFTER_LAST_WRITE);
    if let Some(left) = left(database) {
        lock.rewind()?;
        lock.write_all(left.as_bytes())?;
        lock.sync_all()?;
    }
    Ok(())
}

/// How the file stands there. `None` if it has a log that is still to be merged, or if this cannot be told.
#[cfg(unix)]
pub(super) fn left(database: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let file = std::fs::metadata(database).ok()?;
    let (size, inode) = (file.len(), file.ino());
    Some(format!(
        "clean-stop/1 {size} {inode} {}.{} {}.{}\n",
        file.mtime(),
        file.mtime_nsec(),
        file.ctime(),
        file.ctime_nsec()
    ))
}

/// Without a change time that nobody can set there are no marks: every start checks.
#[cfg(not(unix))]
pub(super) fn left(_database: &Path) -> Option<String> {
    None
}

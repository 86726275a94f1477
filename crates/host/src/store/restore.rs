//! Putting a backup in a database's place.
//!
//! The new database is written whole beside the old one and checked there, so until then nothing happened to the old one.
//! Then names change: the old file and its log get another name, the new file gets theirs. These are several steps; what
//! makes them one is a note in the lock file, durable before the first and gone after the last. While it stands there no
//! server starts, so nobody ever serves an old file without its log, a new one with a stranger's, or an empty one. The same
//! restore, run again, finishes it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::backup::{self, Manifest, Unfinished, file};
use super::database;
use crate::error::BackupError;

/// How the note in the lock file begins. The name that the old database gets follows.
const NOTE: &str = "restoring/1 ";

/// Longest note that is read, in bytes: a path of the longest kind.
const NOTE_BYTES: u64 = 8 * 1024;

/// What may still hold a part of what is in a database.
const LOGS: [&str; 2] = ["-wal", "-journal"];

/// What a restore came to.
#[derive(Debug)]
pub struct Restored {
    /// What was restored.
    pub manifest: Manifest,
    /// Where the database is now that was there before, if there was one.
    pub kept: Option<PathBuf>,
}

/// Puts the backup `copy` in the place of the database at `to`, after checking it. Nothing may have that database open. With
/// `replace`, one that is there and not empty is kept under another name.
///
/// # Errors
/// [`BackupError`]. Except after a failure while names are changed, nothing was changed; after one, no server starts before the
/// same restore was run again.
pub fn restore(copy: &Path, to: &Path, replace: bool) -> Result<Restored, BackupError> {
    let manifest = backup::read_manifest(copy)?;
    let lock = database::take_lock(to)?;
    let interrupted = interrupted(&lock).map_err(|error| file(to, &error))?;
    database::refuse_in_use(to)?;
    if interrupted.is_none() && !replace && is_occupied(to)? {
        return Err(BackupError::Occupied { path: to.to_owned() });
    }
    let new = Unfinished::new(to)?;
    let mut output = &new.file.0;
    let copied = backup::hash(&mut backup::open(copy)?, &mut output).map_err(|error| file(&new.path, &error))?;
    backup::compare(copy, &manifest, copied)?;
    backup::check_content(&new.path, copy, &manifest)?;
    let aside = interrupted.unwrap_or_else(|| database::beside(to, &format!(".before-restore-{}", backup::now_ms())));
    note(&lock, &format!("{NOTE}{}", aside.display())).map_err(|error| file(to, &error))?;
    // If the old one has its other name already, what is here now is the new one, of a restore that was interrupted late.
    if !exists(&aside)? {
        // The log first: whatever stands at the name of the database, it never stands there with the log of another.
        for ending in LOGS.into_iter().chain([""]) {
            set_aside(&database::beside(to, ending), &database::beside(&aside, ending))?;
        }
    }
    for ending in LOGS.into_iter().chain(["-shm"]) {
        remove(&database::beside(to, ending))?;
    }
    backup::sync_folder(to)?;
    new.finish(to)?;
    note(&lock, "").map_err(|error| file(to, &error))?;
    let kept = exists(&aside)?.then_some(aside);
    Ok(Restored { manifest, kept })
}

/// The name for the old database that an interrupted restore chose.
pub(super) fn interrupted(mut lock: &File) -> io::Result<Option<PathBuf>> {
    let mut text = Vec::new();
    lock.rewind()?;
    lock.take(NOTE_BYTES).read_to_end(&mut text)?;
    lock.rewind()?;
    Ok(text.strip_prefix(NOTE.as_bytes()).map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned())))
}

/// Replaces what stands in the lock file, durably. That also takes away the mark of a clean stop: the next start checks.
fn note(mut lock: &File, text: &str) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(text.as_bytes())?;
    lock.sync_all()
}

/// Whether there is something that would be missed. What cannot be read might be.
fn is_occupied(path: &Path) -> Result<bool, BackupError> {
    if database::begins_as_a_database(path) {
        return Ok(has_rows(path).unwrap_or(true));
    }
    for path in [path, &database::beside(path, "-wal")] {
        if exists(path)? && std::fs::metadata(path).map_err(|error| file(path, &error))?.len() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_rows(path: &Path) -> rusqlite::Result<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for table in tables {
        let table = table.replace('"', "\"\"");
        if connection.query_row(&format!("SELECT EXISTS (SELECT 1 FROM \"{table}\")"), [], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn exists(path: &Path) -> Result<bool, BackupError> {
    path.try_exists().map_err(|error| file(path, &error))
}

/// Gives a file another name, if it is there.
fn set_aside(from: &Path, to: &Path) -> Result<(), BackupError> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(from, &error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(path, &error)),
        _ => Ok(()),
    }
}

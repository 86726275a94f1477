//! A disk that fails: a file system for SQLite that forgets or tears what was not synced when the power is cut, is full, becomes
//! read-only, or fails to sync.
//!
//! It lies between SQLite and its ordinary file system, with real files, locks and shared memory below. Beside
//! each file it keeps what is *durable* of it, which is what was there at its last sync, and every change since. At a
//! power cut each of those changes is there or not, whole or in sectors of 512 bytes of which some are new and some old.
//!
//! Own code, because of the crates that make such things `sqlite-vfs` has no write-ahead log and `sqlite-plugin` needs
//! libclang to be built.

#![allow(unsafe_code, reason = "SQLite's interface for file systems is a C one; it is used in tests alone")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::ffi;

/// The name under which SQLite knows it.
pub const NAME: &str = "failing-disk";

const SECTOR: usize = 512;

/// What goes wrong. Steps are writes, syncs, truncations and deletions, counted from 1.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The step at which the power is cut.
    pub cut_at: Option<u64>,
    /// Steps at which writes fail, with SQLite's code for how. A part of the bytes may have been written.
    pub no_writes: Option<(Range<u64>, c_int)>,
    /// The first sync at this step or later fails. What it was to make durable is or is not, for good.
    pub no_sync_from: Option<u64>,
    /// Syncs do nothing and say that they did.
    pub lies: bool,
    /// How long a sync takes.
    pub sync_time: Duration,
}

/// One disk, which is a folder.
pub struct Disk {
    folder: tempfile::TempDir,
    inside: Mutex<Inside>,
}

struct Inside {
    plan: Plan,
    chance: fastrand::Rng,
    files: BTreeMap<String, Held>,
    steps: u64,
    cut: bool,
    failed_syncs: u64,
    failed_writes: u64,
}

#[derive(Default)]
struct Held {
    /// `None` if there is no such name.
    durable: Option<Vec<u8>>,
    since: Vec<Change>,
}

enum Change {
    Create,
    Write(usize, Vec<u8>),
    Truncate(usize),
    Delete,
}

/// All disks there are, by their folders.
static DISKS: LazyLock<Mutex<HashMap<PathBuf, Arc<Disk>>>> = LazyLock::new(|| {
    register();
    Mutex::default()
});

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// An empty one.
    pub fn new(seed: u64, plan: Plan) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let inside = Inside {
            plan,
            chance: fastrand::Rng::with_seed(seed),
            files: BTreeMap::new(),
            steps: 0,
            cut: false,
            failed_syncs: 0,
            failed_writes: 0,
        };
        let disk = Arc::new(Self { folder, inside: Mutex::new(inside) });
        lock(&DISKS).insert(path, Arc::clone(&disk));
        disk
    }

    /// Where the database is on it.
    pub fn database(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("rescind.db")
    }

    /// Changes what goes wrong from now on.
    pub fn plan(&self, plan: Plan) {
        lock(&self.inside).plan = plan;
    }

    /// How many steps there were.
    pub fn steps(&self) -> u64 {
        lock(&self.inside).steps
    }

    /// Whether the power was cut.
    pub fn is_cut(&self) -> bool {
        lock(&self.inside).cut
    }

    /// Writes and syncs that failed, not counting those after the power was cut.
    pub fn failures(&self) -> (u64, u64) {
        let inside = lock(&self.inside);
        (inside.failed_writes, inside.failed_syncs)
    }

    /// Cuts the power, if that was not done, and gives a folder with what is on the disk.
    pub fn after_power_cut(&self) -> tempfile::TempDir {
        let mut inside = lock(&self.inside);
        inside.cut = true;
        let folder = tempfile::tempdir().unwrap();
        // All of what was not synced, nothing, or some.
        let luck = inside.chance.u8(0..4);
        let Inside { files, chance, .. } = &mut *inside;
        for (name, held) in files {
            // The index of the log is no file on a disk.
            if name.ends_with("-shm") {
                continue;
            }
            let mut left = held.durable.clone();
            for change in &held.since {
                match luck {
                    0 => {}
                    1 => change.apply(&mut left),
                    _ => change.apply_some(&mut left, chance),
                }
            }
            if let Some(bytes) = left {
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
        }
        folder
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        lock(&self.inside).files.clear();
    }
}

/// Lets go of a disk that nothing uses any more.
pub fn forget(disk: &Disk) {
    let path = disk.folder.path().canonicalize().unwrap();
    drop(lock(&DISKS).remove(&path));
}

impl Change {
    fn apply(&self, to: &mut Option<Vec<u8>>) {
        match (self, to.as_mut()) {
            (Self::Create, None) => *to = Some(Vec::new()),
            (Self::Write(at, bytes), Some(file)) => put(file, *at, bytes),
            (Self::Truncate(size), Some(file)) => file.truncate(*size),
            (Self::Delete, Some(_)) => *to = None,
            _ => {}
        }
    }

    fn apply_some(&self, to: &mut Option<Vec<u8>>, chance: &mut fastrand::Rng) {
        let (Self::Write(at, bytes), Some(file)) = (self, to.as_mut()) else {
            if chance.bool() {
                self.apply(to);
            }
            return;
        };
        let mut from = 0;
        while from < bytes.len() {
            let end = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
            match chance.u8(0..8) {
                0..=3 => put(file, at + from, &bytes[from..end]),
                4 => put(file, at + from, &bytes[from..chance.usize(from..end)]),
                _ => {}
            }
            from = end;
        }
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(bytes);
}

/// What a step does.
enum Fate {
    Goes,
    /// So many bytes are written, then it fails.
    Fails(usize, c_int),
}

impl Inside {
    fn held(&mut self, name: &str) -> &mut Held {
        self.files.entry(name.to_owned()).or_default()
    }

    fn step(&mut self) -> Result<(), c_int> {
        self.steps += 1;
        if self.plan.cut_at.is_some_and(|at| self.steps >= at) {
            self.cut = true;
        }
        if self.cut { Err(ffi::SQLITE_IOERR) } else { Ok(()) }
    }

    /// What becomes of a write. At a power cut, too, a part of it may have been written.
    fn write(&mut self, bytes: usize) -> Fate {
        let was_cut = self.cut;
        if self.step().is_err() {
            let part = if was_cut { 0 } else { self.chance.usize(0..=bytes) };
            return Fate::Fails(part, ffi::SQLITE_IOERR_WRITE);
        }
        match &self.plan.no_writes {
            Some((steps, code)) if steps.contains(&self.steps) => {
                self.failed_writes += 1;
                Fate::Fails(self.chance.usize(0..bytes), *code)
            }
            _ => Fate::Goes,
        }
    }

    /// Makes every name in the folder durable, or that it is gone.
    fn sync_folder(&mut self) {
        for held in self.files.values_mut() {
            let mut kept = Vec::new();
            for change in held.since.drain(..) {
                match change {
                    Change::Create => {
                        held.durable.get_or_insert_with(Vec::new);
                    }
                    Change::Delete => {
                        kept.clear();
                        held.durable = None;
                    }
                    of_content => kept.push(of_content),
                }
            }
            held.since = kept;
        }
    }

    fn sync(&mut self, name: &str, folder: bool) -> Result<(), c_int> {
        self.step()?;
        if self.plan.lies {
            return Ok(());
        }
        let fails = self.plan.no_sync_from.is_some_and(|from| self.steps >= from);
        let held = self.files.entry(name.to_owned()).or_default();
        for change in held.since.drain(..) {
            if fails {
                change.apply_some(&mut held.durable, &mut self.chance);
            } else {
                change.apply(&mut held.durable);
            }
        }
        if fails {
            self.failed_syncs += 1;
            self.plan.no_sync_from = None;
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        if folder {
            self.sync_folder();
        }
        Ok(())
    }
}

/// An open file: this, and behind it the ordinary file system's own.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// Null if the file is on no disk of ours.
    disk: *const Disk,
    name: *mut String,
    /// Whether its first sync is one of its folder, too, as it is of a journal or log in SQLite's own file system.
    syncs_folder: bool,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without memory-mapped reading: what is read is what was written through here.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock_file),
    xUnlock: Some(unlock_file),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

fn register() {
    // SAFETY: SQLite gives its ordinary file system, which lives for ever; ours is a copy of it with other functions, and is
    // leaked so that it lives as long.
    unsafe {
        let ordinary = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!ordinary.is_null());
        let mut ours = *ordinary;
        ours.zName = std::ffi::CString::new(NAME).unwrap().into_raw();
        ours.szOsFile += c_int::try_from(size_of::<Handle>()).unwrap();
        ours.pNext = std::ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0), ffi::SQLITE_OK);
    }
}

/// The ordinary file system.
fn ordinary() -> *mut ffi::sqlite3_vfs {
    // SAFETY: it is the default one, since ours was not made that.
    unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) }
}

/// The disk that a path is on, and the file's name there.
fn place(path: *const c_char) -> Option<(Arc<Disk>, String)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: SQLite gives a path that ends in a zero.
    let path = PathBuf::from(unsafe { CStr::from_ptr(path) }.to_str().ok()?);
    let disk = lock(&DISKS).get(path.parent()?).cloned()?;
    Some((disk, path.file_name()?.to_str()?.to_owned()))
}

unsafe fn below(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite made room for both, see `register`.
    unsafe { file.cast::<Handle>().add(1).cast() }
}

/// Calls the method of the file below.
macro_rules! pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let file = below($file);
        match (*(*file).pMethods).$method {
            Some(method) => method(file $(, $argument)*),
            None => unreachable!("the ordinary file system has all methods"),
        }
    }};
}

/// What is known of an open file on a disk of ours.
unsafe fn known<'a>(file: *mut ffi::sqlite3_file) -> Option<(&'a Disk, &'a str)> {
    // SAFETY: both were set by `open` and live until `close`.
    unsafe {
        let handle = &*file.cast::<Handle>();
        Some((handle.disk.as_ref()?, handle.name.as_ref()?.as_str()))
    }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: as SQLite's interface promises; the handle is written whole before it is used.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let place = place(path);
        let was_there = place.as_ref().is_some_and(|(disk, name)| disk.folder.path().join(name).exists());
        if place.as_ref().is_some_and(|(disk, _)| disk.is_cut()) {
            return ffi::SQLITE_CANTOPEN;
        }
        let opened = match (*ordinary()).xOpen {
            Some(open) => open(ordinary(), path, below(file), flags, out),
            None => ffi::SQLITE_CANTOPEN,
        };
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        let handle = file.cast::<Handle>();
        (*handle).disk = std::ptr::null();
        (*handle).name = std::ptr::null_mut();
        if let Some((disk, name)) = place {
            if !was_there {
                lock(&disk.inside).held(&name).since.push(Change::Create);
            }
            (*handle).disk = Arc::into_raw(disk);
            (*handle).name = Box::into_raw(Box::new(name));
        }
        let journals = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
        (*handle).syncs_folder = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & journals != 0;
        (*file).pMethods = &raw const METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: what `open` made is taken back, once.
    unsafe {
        let closed = pass!(file, xClose);
        let handle = &mut *file.cast::<Handle>();
        if !handle.disk.is_null() {
            drop(Arc::from_raw(handle.disk));
            drop(Box::from_raw(handle.name));
        }
        closed
    }
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    let place = place(path);
    if let Some((disk, name)) = &place {
        let mut inside = lock(&disk.inside);
        if inside.step().is_err() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        let held = inside.held(name);
        held.since.push(Change::Delete);
        if sync != 0 {
            let Held { durable, since } = held;
            since.drain(..).for_each(|change| change.apply(durable));
        }
    }
    // SAFETY: what SQLite gave is handed on.
    unsafe {
        match (*ordinary()).xDelete {
            Some(delete) => delete(ordinary(), path, 0),
            None => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, amount: c_int, at: i64) -> c_int {
    // SAFETY: what SQLite gave is handed on.
    unsafe {
        if known(file).is_some_and(|(disk, _)| disk.is_cut()) {
            return ffi::SQLITE_IOERR_READ;
        }
        pass!(file, xRead, to, amount, at)
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, amount: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives so many bytes; what it gave is handed on.
    unsafe {
        let Some((disk, name)) = known(file) else {
            return pass!(file, xWrite, from, amount, at);
        };
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(amount).unwrap());
        let mut inside = lock(&disk.inside);
        let (part, code) = match inside.write(bytes.len()) {
            Fate::Goes => (bytes.len(), ffi::SQLITE_OK),
            Fate::Fails(part, code) => (part, code),
        };
        if part > 0 {
            inside.held(name).since.push(Change::Write(usize::try_from(at).unwrap(), bytes[..part].to_vec()));
            let written = pass!(file, xWrite, from, c_int::try_from(part).unwrap(), at);
            assert_eq!(written, ffi::SQLITE_OK);
        }
        code
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: what SQLite gave is handed on.
    unsafe {
        if let Some((disk, name)) = known(file) {
            let mut inside = lock(&disk.inside);
            if inside.step().is_err() {
                return ffi::SQLITE_IOERR_TRUNCATE;
            }
            inside.held(name).since.push(Change::Truncate(usize::try_from(size).unwrap()));
        }
        pass!(file, xTruncate, size)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the handle is open.
    let Some((disk, name)) = (unsafe { known(file) }) else {
        return ffi::SQLITE_OK;
    };
    let time = lock(&disk.inside).plan.sync_time;
    if !time.is_zero() {
        std::thread::sleep(time);
    }
    // SAFETY: the handle is open, and used by one thread at a time.
    let folder = unsafe { std::mem::take(&mut (*file.cast::<Handle>()).syncs_folder) };
    // The real disk below needs no sync: no power is cut there.
    match lock(&disk.inside).sync(name, folder) {
        Ok(()) => ffi::SQLITE_OK,
        Err(code) if code == ffi::SQLITE_IOERR => ffi::SQLITE_IOERR_FSYNC,
        Err(code) => code,
    }
}

/// Methods that do nothing but hand on.
macro_rules! handed_on {
    ($($function:ident $method:ident ($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(unsafe extern "C" fn $function(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> $answer {
            // SAFETY: what SQLite gave is handed on.
            unsafe { pass!(file, $method $(, $argument)*) }
        })*
    };
}

handed_on! {
    file_size xFileSize(size: *mut i64) -> c_int;
    lock_file xLock(level: c_int) -> c_int;
    unlock_file xUnlock(level: c_int) -> c_int;
    check_reserved_lock xCheckReservedLock(out: *mut c_int) -> c_int;
    file_control xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size xSectorSize() -> c_int;
    device_characteristics xDeviceCharacteristics() -> c_int;
    shm_map xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int;
    shm_lock xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier xShmBarrier() -> ();
    shm_unmap xShmUnmap(delete: c_int) -> c_int;
}

/// The name of a file in a folder, for tests that look at what a power cut left.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("rescind.db")
}

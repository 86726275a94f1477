//! Why the host does not start. What goes wrong after that is answered per request, see [`crate::problem`].

use std::path::PathBuf;

/// Why a database was refused.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the database {} is in use by another process: stop the other `rescind serve` or Spin first, or give this one another file",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is not an SQLite database, or a broken one.
    #[error(
        "the database {} is damaged or not a database ({reason}): restore it from a backup, or move it away to start with an empty one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check found.
        reason: String,
    },
    /// It is a database of something else.
    #[error(
        "the database {} does not have the layout of Spin's key-value store: expected a table \"spin_key_value\" with the columns \
         store, key and value, found {found}: give the right file, or a new name to start with an empty one",
        path.display()
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// A later version of this program made it, or changed it.
    #[error(
        "the database {} has the schema version {found}, and this program knows 0 to {known}: use the version of rescind that \
         wrote it, or restore a backup of before; nothing was changed",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// It could not be brought to the next version of the schema.
    #[error(
        "the database {} cannot be brought from schema version {from} to {to} ({reason}): it is as it was at version {from}; make \
         room or repair what stands in the way and start again, or go on with the rescind that knows version {from}",
        path.display()
    )]
    Migration {
        /// The file.
        path: PathBuf,
        /// The version it has.
        from: i64,
        /// The version it should have got.
        to: i64,
        /// What failed.
        reason: String,
    },
    /// A backup was being put in its place when the machine stopped.
    #[error(
        "a restore to {} was interrupted: run the same `rescind restore` again, nothing is served before it is done",
        path.display()
    )]
    Restoring {
        /// The file.
        path: PathBuf,
    },
    /// It can not be opened or created.
    #[error("the database {} cannot be opened ({reason}): check the folder, its permissions and the space on the disk", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// Why a component cannot be taken from the archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is none.
    #[error(
        "no component with the digest {digest} is archived here: expected 64 hexadecimal digits that `rescind components list` \
         shows; `rescind components import` adds the file, if it was kept elsewhere"
    )]
    Missing {
        /// What was asked for.
        digest: String,
    },
    /// What is there is something else.
    #[error(
        "the component {digest} is damaged: what is archived has the digest {found}; import its file again, or take the \
         database from a backup"
    )]
    Damaged {
        /// What was asked for.
        digest: String,
        /// What its bytes have.
        found: String,
    },
    /// The database failed.
    #[error("the archive cannot be read: {0}")]
    Read(#[from] rusqlite::Error),
}

/// Why a backup could not be made, is not believed, or could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database that was to be copied, or replaced.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// There is something at the place of the new backup.
    #[error("{} is there already: a backup never overwrites anything, give it a name of its own", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// Another backup of the same database is under way.
    #[error("another backup of {} is being made: wait until it is done", path.display())]
    Running {
        /// The database.
        path: PathBuf,
    },
    /// It has no manifest, or one that cannot be read.
    #[error(
        "{} is no backup of `rescind backup` ({reason}): expected the copy and beside it its manifest, `{}.manifest.json`; both \
         belong together",
        path.display(),
        path.display()
    )]
    Manifest {
        /// The copy.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A later version of this program made it.
    #[error("the backup {} is newer than this program ({reason}): restore it with the version of rescind that made it, or a later one", path.display())]
    Newer {
        /// The copy.
        path: PathBuf,
        /// What is newer.
        reason: String,
    },
    /// It is not what its manifest says.
    #[error("the backup {} is damaged ({reason}): take another one", path.display())]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// There is a database where one is to be restored.
    #[error(
        "{} is there and not empty: nothing was changed. With --replace it is kept under another name and the backup takes its place",
        path.display()
    )]
    Occupied {
        /// The database.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system, or the database, said.
        reason: String,
    },
}

/// Why the host does not start or stopped serving.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The manifest can not be read or says something wrong.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A component can not be read, composed, compiled or linked.
    #[error("component {component:?}: {reason}")]
    Component {
        /// Its id in the manifest.
        component: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A setting given to the builder is wrong.
    #[error("{setting}: {reason}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// The WebAssembly engine can not be made on this machine.
    #[error("the WebAssembly engine cannot start: {reason}")]
    Engine {
        /// What wasmtime said.
        reason: String,
    },
    /// The address can not be listened on.
    #[error("cannot listen on {address}: {reason}; is another server running there?")]
    Listen {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The database was refused.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// A component that decides cannot be archived: nothing may decide whose bytes are not kept.
    #[error("the component {component:?} cannot be archived: {source}")]
    Archive {
        /// Its name.
        component: String,
        /// What the store said.
        source: crate::store::StoreError,
    },
}

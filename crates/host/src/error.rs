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

//! The stores that the application meets, each with what it is known to do (`DESIGN.md`, storage table).

use clap::ValueEnum;
use rescind_service::testkit::Fault;

/// One kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Model {
    /// The embedded store: what it says is so.
    Embedded,
    /// Spin's SQLite: a swap over nothing writes over whatever is there by then; an increment of what is no number ends
    /// the store until it is started again.
    SpinSqlite,
    /// Spin's Redis: every swap says that it did not write, whether it did or not.
    SpinRedis,
    /// `DynamoDB`: swaps are sound. Its increments fail when they meet, which is not modelled: where swaps are sound the
    /// application increments nothing, and this store is met as [`Model::Embedded`] is.
    Dynamo,
    /// Cosmos: swaps are sound, and two increments can be told the same number; the application makes none there either.
    Cosmos,
    /// No store in particular: swaps are sound, and now and then the answer to a write is the opposite of what was done.
    Lying,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Embedded, Self::SpinSqlite, Self::SpinRedis, Self::Dynamo, Self::Cosmos, Self::Lying];

    /// What it does wrong, always: the same rules as in the service's own test kit.
    #[must_use]
    pub const fn backend(self) -> Fault {
        match self {
            Self::SpinSqlite => Fault::UpsertOverNothing,
            Self::SpinRedis => Fault::SaysRefused,
            Self::Cosmos => Fault::ToldTwice,
            Self::Embedded | Self::Dynamo | Self::Lying => Fault::None,
        }
    }

    /// Its name, as it is written on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::SpinSqlite => "spin-sqlite",
            Self::SpinRedis => "spin-redis",
            Self::Dynamo => "dynamo",
            Self::Cosmos => "cosmos",
            Self::Lying => "lying",
        }
    }
}

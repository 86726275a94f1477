//! Checkpoints: what a merchant's payments were at the end of a day, signed, so that nobody can tell another story later.
//!
//! The events of each payment are chained by hashes already (`rescind_model::chain`). What a chain cannot show by itself is that
//! it was written anew as a whole, or that its end was cut off. So every day a merchant's new events become the leaves of a
//! Merkle tree, the tree's root is signed, and each such checkpoint names the one before it. Whoever keeps one checkpoint, or
//! only its hash, can hold against it everything that is exported later.
//!
//! This crate knows no service and no store: [`Export::read`] and [`verify`] take a file and public keys, and nothing else.
//!
//! | file | idea |
//! |---|---|
//! | `hash` | SHA-256 as bytes that read as text |
//! | `tree` | Merkle trees of RFC 6962, and ways from a leaf to a root |
//! | `head` | what is committed to: a payment's history up to one event |
//! | `entries` | the chain of a ledger's double entries, and whether they balance |
//! | `checkpoint` | what is signed of a day |
//! | `export` | the file |
//! | `verify` | checking it |
//! | `report` | what it proves, in plain words, and what it does not |
//!
//! # What the hashes cover
//!
//! ```text
//! event 1 ─ event 2 ─ … ─ event n           double entry 1 ─ … ─ double entry m
//!                          │ link                             │ link
//!                          └──────────── head ────────────────┘      and a salt
//!                                         │ leaf
//!                              page tree: up to 128 heads
//!                                         │ size and root are a leaf of
//!                              volume tree: up to 512 pages
//!                                         │ size and root are a leaf of
//!                              day tree: up to 512 volumes
//!                                         │ size and root are in the
//!    checkpoint k−1  ◄── hash ──  checkpoint k, signed
//! ```
//!
//! Three trees, not one, because a day may have 33 million events and no stored value may be large; each is a tree of
//! RFC 6962 by itself. The size of a tree is part of what is hashed above it: a proof alone does not show it.
//!
//! Every head has a salt that follows from a secret of the deployment, so the hashes in one payment's proof say nothing about
//! the payments beside it.

pub mod checkpoint;
pub mod entries;
pub mod export;
pub mod hash;
pub mod head;
pub mod limits;
mod report;
pub mod tree;
pub mod verify;

pub use checkpoint::{BadCheckpoint, Checkpoint, Day, FeedPosition, Signed};
pub use export::{Export, NotAnExport, SalePart, Step};
pub use hash::Hash;
pub use head::Head;
pub use tree::{Level, Root, Tree};
pub use verify::{Proved, ProvedSale, Refused, verify};

//! A terminal's journal: what it did without the server, kept over power losses and told to the server without a gap.
//!
//! Every record is chained to the one before it. The terminal signs records in batches; the server checks a batch by a pure
//! function, [`verify_batch`], and acknowledges it by the link at its end. The terminal lets go only of records that it
//! finds acknowledged by their very link. Counters for a policy's offline ceilings are part of the commit that writes a
//! record, so they are never lower than the truth.
//!
//! | file | idea |
//! |---|---|
//! | `record` | what is written down |
//! | `link` | the chain |
//! | `counters` | what offline ceilings are held against |
//! | `batch` | records on their way to the server |
//! | `acknowledgement` | what the server answers |
//! | `journal` | the journal on a disk (feature `store`) |
//!
//! ```
//! use rescind_bundle::{Ed25519, Signer as _, SigningKey};
//! use rescind_journal::testkit::TornFile;
//! use rescind_journal::{Entry, Incident, Journal, JournalId, Opening, Owner, Room, verify_batch};
//! use rescind_model::{Instant, MerchantId, TerminalId};
//!
//! let owner = Owner { merchant: MerchantId::parse("M-1").unwrap(), terminal: TerminalId::parse("T1").unwrap() };
//! let opening = Opening { owner: owner.clone(), id: JournalId([7; 16]), room: Room::default() };
//! let mut journal = Journal::open_on(TornFile::default(), &opening).unwrap();
//! let now = Instant::parse("2026-11-23T09:00:00Z").unwrap();
//! let refused = Entry::Incident(Incident::BundleRefused { code: "bundle.signature".into() });
//! assert_eq!(journal.append(now, &[refused]).unwrap(), 1);
//!
//! let key = SigningKey::from_seed([9; 32]);
//! let export = journal.export(1, 100, &key).unwrap().expect("there is a record");
//! let batch = verify_batch(&export.batch, key.public(), &Ed25519, &owner, None).unwrap();
//! assert_eq!(batch.new_records().len(), 1);
//! assert_eq!(journal.acknowledge(&batch.end).unwrap(), 1);
//! assert_eq!(journal.counters().records, 0);
//! ```

mod acknowledgement;
mod batch;
mod counters;
#[cfg(feature = "store")]
mod journal;
pub mod limits;
mod link;
mod record;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use acknowledgement::{Acknowledgement, Became, NotAnAcknowledgement, OperationAnswer, TerminalCounts};
pub use batch::{BadBatch, Batch, Owner, read_record, sign_batch, verify_batch};
pub use counters::{Counters, DayCount, Uncountable};
#[cfg(feature = "store")]
pub use journal::{Export, Journal, JournalError, Opening, Room, TimeState};
pub use link::{Head, JournalId, Link};
pub use record::{
    BundleChange, Entry, Incident, OperationOutcome, OperationResult, Record, SalesForwarded, StoredOperation,
    StoredSale, TimeAnchor,
};

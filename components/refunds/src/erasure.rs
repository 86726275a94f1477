//! Personal data was erased. The ledger never held it: what it holds are commitments, which stay, so that the chain can
//! still be verified. The event names those that nobody can open any more.

use crate::argument::{at_most, valid};
use crate::draft::{Draft, Subject};
use crate::limits::{ERASED, ERASED_PER_EVENT};
use crate::room;
use rescind_model::{Digest, EventKind, Rejection};

/// Records which commitments have lost what they stand for, several to an event, as text separated by spaces.
pub(crate) fn record(draft: &mut Draft<'_>, commitments: &[Digest]) -> Result<(), Rejection> {
    at_most("commitments", "digests", commitments.len(), ERASED)?;
    if commitments.is_empty() {
        return Err(Rejection::Invalid("commitments: expected at least one".to_owned()));
    }
    for commitment in commitments {
        valid(Digest::parse(commitment.as_str()))?;
    }
    for named in commitments.chunks(ERASED_PER_EVENT) {
        let named: Vec<_> = named.iter().map(Digest::as_str).collect();
        draft.record(EventKind::DataErased, &Subject::default(), Some(named.join(" ")));
    }
    room::admit_erasure(draft)
}

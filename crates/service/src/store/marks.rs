//! Marks: the ids of a record's last writes. One mark is not enough where a write must not be made twice: somebody else's
//! next write would wipe it out before it was looked for, and what was written would be taken for lost.

use serde::{Deserialize, Serialize};

/// Writes that are remembered: more than can come between a write and the look at it.
const KEPT: usize = 16;

/// The ids of the last writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Marks(Vec<String>);

impl Marks {
    /// Whether that write is among them.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|mark| mark == id)
    }

    /// Adds a write, and forgets the oldest.
    pub fn add(&mut self, id: &str) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(id.to_owned());
    }
}

//! What a policy's offline ceilings are held against: counted with every record, in the same commit.

use rescind_model::{BusinessDay, Money};
use serde::{Deserialize, Serialize};

#[cfg(feature = "store")]
use crate::{limits, record::Entry, record::StoredOperation};

/// Counts of a journal. They are never lower than the truth: a record and its count are one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Records that the server has not acknowledged.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Operations among them: those begun since the server last heard of everything.
    pub operations: u32,
    /// The sums of these operations, one per currency.
    pub totals: Vec<Money>,
    /// Operations of business days, acknowledged or not, by day.
    pub days: Vec<DayCount>,
}

/// The operations of a business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCount {
    /// The day.
    pub day: BusinessDay,
    /// How many.
    pub operations: u32,
    /// Their sums, one per currency.
    pub totals: Vec<Money>,
}

/// Why something cannot be counted: a sum or count beyond its range, too many currencies, or less than nothing left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot be counted: {0}")]
pub struct Uncountable(String);

impl Counters {
    /// The sum of unacknowledged operations in a currency.
    #[must_use]
    pub fn total(&self, currency: &str) -> Option<&Money> {
        self.totals.iter().find(|total| total.currency == currency)
    }

    /// The operations of a day.
    #[must_use]
    pub fn day(&self, day: BusinessDay) -> Option<&DayCount> {
        self.days.iter().find(|count| count.day == day)
    }
}

/// How they change: only where a journal is kept.
#[cfg(feature = "store")]
impl Counters {
    /// Counts a record of so many bytes.
    pub(crate) fn add(&mut self, entry: &Entry, bytes: u64) -> Result<(), Uncountable> {
        self.records = self.records.checked_add(1).ok_or_else(|| Uncountable("too many records".into()))?;
        self.bytes = self.bytes.checked_add(bytes).ok_or_else(|| Uncountable("too many bytes".into()))?;
        let Entry::Operation(operation) = entry else { return Ok(()) };
        let StoredOperation { amount, day, .. } = operation.as_ref();
        self.operations = more(self.operations)?;
        plus(&mut self.totals, amount)?;
        let at = self.days.partition_point(|count| count.day < *day);
        if self.days.get(at).is_none_or(|count| count.day != *day) {
            self.days.insert(at, DayCount { day: *day, operations: 0, totals: Vec::new() });
        }
        if let Some(count) = self.days.get_mut(at) {
            count.operations = more(count.operations)?;
            plus(&mut count.totals, amount)?;
        }
        let surplus = self.days.len().saturating_sub(limits::DAYS);
        self.days.drain(..surplus);
        Ok(())
    }

    /// Takes a record that was acknowledged out again. Days keep what they counted.
    pub(crate) fn remove(&mut self, operation: Option<&StoredOperation>, bytes: u64) -> Result<(), Uncountable> {
        let below = || Uncountable("less than nothing is left".into());
        self.records = self.records.checked_sub(1).ok_or_else(below)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(below)?;
        let Some(operation) = operation else { return Ok(()) };
        self.operations = self.operations.checked_sub(1).ok_or_else(below)?;
        let amount = &operation.amount;
        if amount.is_zero() {
            return Ok(());
        }
        let total = self.totals.iter_mut().find(|total| total.currency == amount.currency).ok_or_else(below)?;
        *total = total.minus(amount).map_err(|error| Uncountable(error.to_string()))?;
        self.totals.retain(|total| !total.is_zero());
        Ok(())
    }
}

#[cfg(feature = "store")]
fn more(count: u32) -> Result<u32, Uncountable> {
    count.checked_add(1).ok_or_else(|| Uncountable("too many operations".into()))
}

#[cfg(feature = "store")]
fn plus(totals: &mut Vec<Money>, amount: &Money) -> Result<(), Uncountable> {
    if amount.is_zero() {
        return Ok(());
    }
    if let Some(total) = totals.iter_mut().find(|total| total.currency == amount.currency) {
        *total = total.plus(amount).map_err(|error| Uncountable(error.to_string()))?;
        return Ok(());
    }
    if totals.len() >= limits::CURRENCIES {
        return Err(Uncountable("too many currencies".into()));
    }
    let at = totals.partition_point(|total| total.currency < amount.currency);
    totals.insert(at, amount.clone());
    Ok(())
}

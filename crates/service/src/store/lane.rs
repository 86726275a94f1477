//! Intents: what must follow a commit is written down before it. An intent names a sale and the command that is about to
//! change it; it is struck out when everything that follows has been done. Lanes spread intents so that requests seldom
//! meet.

use super::Record;
use crate::limits::{LANE_INTENTS, LANES};
use rescind_model::{Instant, MerchantId, SaleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The command.
    pub id: String,
    /// The merchant.
    pub merchant: MerchantId,
    /// The sale.
    pub sale: SaleId,
    /// When it was written down.
    pub at: Instant,
    /// The page of the feed its events were assigned to. Set once the command is seen in the sale; moved on only when
    /// that page is full without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// The pages from which on it is entered in lists, by the list: assigned with the page of the feed, and no entry of it is
    /// on an earlier one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<String, u64>,
    /// Whether its events are in the feed, and only the courier's part is left.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub published: bool,
}

/// A lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Intents in the order they came.
    pub intents: Vec<Intent>,
    /// A mark of the last change that added nothing, so that it can be proved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mark: String,
    /// Counts the times that intents were published. Who writes an intent down for a sale that they read before knows by it
    /// that the same command was not carried out and published meanwhile.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub struck: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Record for Lane {
    const FORMAT: &'static str = "lane/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id || self.intents.iter().any(|i| i.id == id)
    }
}

impl Lane {
    /// Whether another intent fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.intents.len() >= LANE_INTENTS
    }
}

/// The lane of a sale: always the same, so that a sale's intents stay in order.
#[must_use]
pub fn of(merchant: &MerchantId, sale: &SaleId) -> u8 {
    // FNV-1a, then the finalizer of MurmurHash3, without which consecutive names would share a lane. The same on every
    // machine for ever.
    let bytes = merchant.as_str().bytes().chain([b':']).chain(sale.as_str().bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    u8::try_from((hash >> 32).checked_rem(u64::from(LANES)).unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_sales_spread_over_all_lanes() {
        let merchant = MerchantId::parse("m1").unwrap();
        let mut lanes: BTreeMap<u8, u32> = BTreeMap::new();
        for n in 1000..2000 {
            let sale = SaleId::parse(&format!("S-{n}")).unwrap();
            *lanes.entry(of(&merchant, &sale)).or_default() += 1;
        }
        assert_eq!(lanes.len(), usize::from(LANES));
        assert!(lanes.values().all(|n| (30..100).contains(n)), "{lanes:?}");
    }
}

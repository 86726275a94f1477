//! How far a terminal goes without the server.

use super::{Check, Step};
use crate::document::{OfflineRules, Permission};
use crate::limits::{COUNT, OFFLINE_RECORDS};
use Step::Key;

impl Check<'_> {
    pub(super) fn offline(&mut self, offline: Option<&OfflineRules>) {
        let Some(offline) = offline else { return };
        let at = |field| [Key("offline"), Key(field)];
        if offline.at_ceiling == Permission::Allow {
            let suggestion = Some("at-ceiling = \"refer\"".to_owned());
            let found = "`allow`: no ceiling";
            self.problem(&at("at-ceiling"), "policy.contradiction", "`refer` or `deny`", found, suggestion);
        }
        self.count(&at("max-records"), offline.max_records, 1, OFFLINE_RECORDS);
        if let Some(count) = offline.max_count {
            self.count(&at("max-count"), count, 1, COUNT);
        }
        for (field, amount) in [("max-amount", offline.max_amount), ("max-total", offline.max_total)] {
            if amount.is_some_and(|amount| amount.minor() == 0) {
                self.problem(&at(field), "policy.range", "more than zero", "0", None);
            }
        }
        if let (Some(one), Some(total)) = (offline.max_amount, offline.max_total)
            && one > total
        {
            let (expected, found) = (format!("at most the max-total of {}", self.amount(total)), self.amount(one));
            self.problem(&at("max-amount"), "policy.contradiction", expected, found, None);
        }
        let permissions = [offline.void, offline.refund, offline.reversal, offline.other];
        if permissions.iter().all(|permission| *permission == Permission::Deny) {
            let expected = "something that is not denied, or no section at all";
            self.problem(&[Key("offline")], "policy.never", expected, "ceilings of nothing", None);
        }
    }
}

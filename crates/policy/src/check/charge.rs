//! What sales are charged: charges that can never hold, or that no sale can tell.

use super::{Check, Step, shown};
use crate::document::{ChargeRule, Matcher};
use crate::limits::LIST_ITEMS;
use crate::word::Word as _;
use Step::{Index, Key};
use rescind_model::Party;

impl Check<'_> {
    pub(super) fn charges(&mut self, charges: &[ChargeRule]) {
        self.list_length(&[Key("charge")], charges.len(), LIST_ITEMS);
        for (index, charge) in charges.iter().take(LIST_ITEMS).enumerate() {
            let at = |field| [Key("charge"), Index(index), Key(field)];
            let earlier = charges.get(..index).unwrap_or_default();
            self.word(&at("name"), &charge.name);
            if earlier.iter().any(|other| other.name == charge.name) {
                self.problem(&at("name"), "policy.duplicate", "each name once", shown(&charge.name), None);
            }
            if let Some(matcher) = &charge.matches {
                self.matcher(&at("match"), matcher);
                self.only_of_the_sale(index, matcher);
            }
            if let Some(first) = earlier.iter().find(|other| covers(other.matches.as_ref(), charge.matches.as_ref())) {
                let found = format!("only sales that {} matches before it", shown(&first.name));
                let expected = "sales that no charge before it matches: the first that matches holds";
                self.problem(&[Key("charge"), Index(index)], "policy.never", expected, found, None);
            }
            self.fee(&at("fee"), &charge.fee);
            if charge.fee.payer != Party::Merchant {
                let at = [Key("charge"), Index(index), Key("fee"), Key("payer")];
                let suggestion = Some("payer = \"merchant\"".to_owned());
                self.problem(
                    &at,
                    "policy.contradiction",
                    "`merchant`",
                    format!("`{}`", charge.fee.payer.word()),
                    suggestion,
                );
            }
        }
    }

    /// A charge is found from the sale alone, long before anybody asks to take it back.
    fn only_of_the_sale(&mut self, index: usize, matcher: &Matcher) {
        for (field, is_said) in [
            ("between", matcher.between.is_some()),
            ("terminal-class", !matcher.terminal_class.is_empty()),
            ("weekday", !matcher.weekday.is_empty()),
        ] {
            if is_said {
                let at = [Key("charge"), Index(index), Key("match"), Key(field)];
                let found = format!("`{field}`, which is about the question");
                self.problem(&at, "policy.matcher", "what is true of the sale itself", found, None);
            }
        }
    }
}

fn covers(one: Option<&Matcher>, other: Option<&Matcher>) -> bool {
    one.is_none_or(|one| other.is_some_and(|other| one.covers(other)))
}

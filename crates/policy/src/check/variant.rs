//! What holds instead for some sales: variants that can never hold, change what they may not, or leave a sale without a
//! remedy.

use super::{Check, Place, Problem, Step, shown};
use crate::document::{Document, LayerName, Matcher, Permission, RefundRules, Variant, VoidRules};
use crate::limits::{LAYERS, LEFT_PLACES, LIST_ITEMS, VARIANTS, VERSION_BYTES};
use crate::strictness;
use Step::{Index, Key};
use rescind_model::MerchantId;

impl Check<'_> {
    /// The rules of a way and of each of its variants.
    pub(super) fn way<R>(
        &mut self,
        way: &'static str,
        rules: Option<&R>,
        when: &[Variant<R>],
        check: impl Fn(&mut Self, &R),
    ) {
        let Some(rules) = rules else {
            if !when.is_empty() {
                let expected = format!("`[{way}]` in full, for the sales that no variant matches");
                self.problem(&[Key(way), Key("when")], "policy.when", expected, "variants of nothing", None);
            }
            return;
        };
        check(self, rules);
        self.list_length(&[Key(way), Key("when")], when.len(), VARIANTS);
        // More than that are not looked at one by one: each is compared with all before it.
        for (index, variant) in when.iter().take(VARIANTS).enumerate() {
            let at = |field| [Key(way), Key("when"), Index(index), Key(field)];
            self.word(&at("name"), &variant.name);
            let earlier = when.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| other.name == variant.name) {
                self.problem(&at("name"), "policy.duplicate", "each name once", shown(&variant.name), None);
            }
            self.matcher(&at("match"), &variant.matches);
            if let Some(first) = earlier.iter().find(|other| other.matches.covers(&variant.matches)) {
                let found = format!("only sales that {} matches before it", shown(&first.name));
                let expected = "sales that no variant before it matches: the first that matches holds";
                self.problem(&at("match"), "policy.never", expected, found, None);
            }
            self.variant = Some(index);
            check(self, &variant.rules);
            self.variant = None;
        }
    }

    /// A matcher: says something, and can match a sale.
    pub(super) fn matcher(&mut self, at: &[Step], matcher: &Matcher) {
        let place = |key| [at, &[Key(key)]].concat();
        if matcher.is_empty() {
            self.problem(at, "policy.matcher", "at least one thing that must be true of the sale", "nothing", None);
        }
        if let (Some(from), Some(below)) = (matcher.amount_from, matcher.amount_below)
            && from >= below
        {
            let expected = format!("less than the amount-below of {}", self.amount(below));
            let found = format!("{}, so that no sale matches", self.amount(from));
            self.problem(&place("amount-from"), "policy.never", expected, found, None);
        } else if matcher.amount_below.is_some_and(|below| below.minor() == 0) {
            self.problem(&place("amount-below"), "policy.never", "more than zero", "0", None);
        }
        if let (Some(from), Some(before)) = (matcher.paid_from, matcher.paid_before)
            && from >= before
        {
            let (expected, found) = (format!("earlier than {before}"), format!("{from}, so that no sale matches"));
            self.problem(&place("paid-from"), "policy.never", expected, found, None);
        }
        if let Some(band) = matcher.between.filter(|band| band.from == band.until) {
            let found = format!("{}: no time of day at all", band.until);
            self.problem(&place("between"), "policy.never", format!("another time than {}", band.from), found, None);
        }
        self.unique(&place("card-type"), &matcher.card_type);
        self.unique(&place("channel"), &matcher.channel);
        self.unique(&place("weekday"), &matcher.weekday);
        self.words(&place("kind"), &matcher.kind);
        self.words(&place("terminal-class"), &matcher.terminal_class);
        self.list_length(&place("merchant"), matcher.merchant.len(), LIST_ITEMS);
        self.unique(&place("merchant"), &matcher.merchant);
        for (index, merchant) in matcher.merchant.iter().enumerate() {
            if MerchantId::parse(merchant).is_err() {
                let expected = "a merchant's id such as \"M-1\" (A-Z a-z 0-9 . _ - @ ~)";
                let at = [at, &[Key("merchant"), Index(index)]].concat();
                self.problem(&at, "policy.word", expected, shown(merchant), None);
            }
        }
    }

    /// Variants change only what is read for one payment; the rest is one for the whole policy.
    pub(super) fn unchanged(&mut self, document: &Document) {
        let when = &document.when;
        if let Some(refund) = &document.refund {
            self.same("refund", "funding", &refund.funding, &when.refund, |rules| &rules.funding);
        }
        if let Some(reversal) = &document.reversal {
            self.same("reversal", "queries", &reversal.queries, &when.reversal, |rules| &rules.queries);
        }
        if let Some(code) = &document.code {
            self.same("code", "time-to-live", &code.time_to_live, &when.code, |rules| &rules.time_to_live);
            self.same("code", "queries", &code.queries, &when.code, |rules| &rules.queries);
        }
        if let Some(hold) = &document.hold {
            self.same("hold", "ceiling-percent", &hold.ceiling_percent, &when.hold, |rules| &rules.ceiling_percent);
            self.same("hold", "validity", &hold.validity, &when.hold, |rules| &rules.validity);
            self.same("hold", "queries", &hold.queries, &when.hold, |rules| &rules.queries);
        }
    }

    fn same<R, T: PartialEq>(
        &mut self,
        way: &'static str,
        field: &'static str,
        value: &T,
        when: &[Variant<R>],
        of: impl Fn(&R) -> &T,
    ) {
        for (index, variant) in when.iter().enumerate() {
            if of(&variant.rules) != value {
                let expected = format!("the same as `{way}.{field}`: it is one for all sales");
                let at = [Key(way), Key("when"), Index(index), Key(field)];
                self.problem(&at, "policy.when", expected, "another", None);
            }
        }
    }

    /// A known-good, unrefunded sale inside its refund window never lacks a remedy (`DOMAIN.md` §4): of the rules that can
    /// hold for one sale together, refunds or voids are open to it, or support decides.
    pub(super) fn remedies(&mut self, document: &Document) {
        let Some(refund) = &document.refund else { return };
        let closes = |void: &VoidRules| !void.enabled || void.paid_out == Permission::Deny;
        let shuts = |refund: &RefundRules| refund.enabled && refund.real_time == Permission::Deny;
        let voids = &document.when.void;
        // Whether a sale that a matcher matches (every sale: without one) can come under void rules that are closed.
        let void_is_closed = |matches: &Matcher| {
            let by_section = document.void.as_ref().is_none_or(closes);
            let falls_to_section = !voids.iter().any(|variant| variant.matches.covers(matches));
            let by_variant = voids.iter().any(|one| closes(&one.rules) && !one.matches.and(matches).is_empty());
            (falls_to_section && by_section) || by_variant
        };
        let mut found = Vec::new();
        if shuts(refund) && void_is_closed(&Matcher::default()) {
            found.push(vec![Key("refund"), Key("real-time")]);
        }
        for (index, variant) in document.when.refund.iter().enumerate() {
            if shuts(&variant.rules) && void_is_closed(&variant.matches) {
                found.push(vec![Key("refund"), Key("when"), Index(index), Key("real-time")]);
            }
        }
        for place in found {
            self.problems.push(Problem {
                at: Place(place),
                code: "policy.no-remedy",
                expected: "`refer` or `allow`, because a sale paid out in real time cannot be voided here either"
                    .to_owned(),
                found: "`deny`: nobody could ever take such a sale back".to_owned(),
                suggestion: Some("real-time = \"refer\"".to_owned()),
            });
        }
    }

    /// What it was put together from, and what it leaves to layers below.
    pub(super) fn layers(&mut self, document: &Document) {
        self.list_length(&[Key("layers")], document.layers.len(), LAYERS);
        for (index, LayerName { name, version }) in document.layers.iter().enumerate() {
            self.word(&[Key("layers"), Index(index), Key("name")], name);
            if version.is_empty() || version.len() > VERSION_BYTES || !version.bytes().all(|b| b.is_ascii_graphic()) {
                let at = [Key("layers"), Index(index), Key("version")];
                let expected = format!("1 to {VERSION_BYTES} printable ASCII characters without spaces");
                self.problem(&at, "policy.text", expected, shown(version), None);
            }
        }
        let leaves = &document.leaves_to_layers;
        self.list_length(&[Key("leaves-to-layers")], leaves.len(), LEFT_PLACES);
        self.unique(&[Key("leaves-to-layers")], leaves);
        for (index, place) in leaves.iter().enumerate() {
            if !strictness::can_be_left(place) {
                let expected = "a section or a field of one, such as \"refund.window\"";
                self.problem(
                    &[Key("leaves-to-layers"), Index(index)],
                    "policy.unknown-place",
                    expected,
                    shown(place),
                    None,
                );
            }
        }
    }
}

//! The edges of a policy: every amount, span, word and time of day at which its answer may change. What analyses and
//! generators try is just before, at and just after them.

use crate::field::{self, Leaf, Unit};
use chrono::NaiveDate;
use rescind_eligibility::Engine;
use rescind_model::Duration;
use rescind_policy::Document;
use rescind_policy::scalar::{Date, TimeOfDay};
use serde_json::Value;

/// A word that no policy uses: a kind, merchant or class that no matcher names.
pub const OTHER: &str = "other";

/// The edges of one policy, each list ascending and without repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundaries {
    /// Amounts in minor units.
    pub amounts: Vec<i64>,
    /// Lengths of time after the payment, in milliseconds.
    pub ages: Vec<u64>,
    /// Numbers of operations.
    pub counts: Vec<u32>,
    /// Kinds of sale: those that are named, `purchase`, and one that is not named.
    pub kinds: Vec<String>,
    /// Merchants likewise.
    pub merchants: Vec<String>,
    /// Terminal classes likewise.
    pub terminal_classes: Vec<String>,
    /// Roles that are named.
    pub roles: Vec<String>,
    /// Reasons of voids.
    pub void_reasons: Vec<String>,
    /// Reasons of refunds.
    pub refund_reasons: Vec<String>,
    /// Kinds of evidence.
    pub evidence: Vec<String>,
    /// Local times of day, in minutes.
    pub times_of_day: Vec<u32>,
    /// Business days of the payment with which other rules begin.
    pub paid_from: Vec<NaiveDate>,
    /// The last day that the calendar of working days knows.
    pub calendar_ends: Option<NaiveDate>,
}

/// Milliseconds in a day.
const DAY_MS: u64 = 86_400_000;

/// Days in a month, for the neighbourhood of windows that are said in months; their exact ends are found by asking.
const MONTH_DAYS: u64 = 31;

impl Boundaries {
    /// The edges of an engine's policy.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        Self::of_document(engine.document())
    }

    /// The edges of a document.
    #[must_use]
    pub fn of_document(document: &Document) -> Self {
        let mut found = Self {
            amounts: vec![1, 10_000],
            ages: vec![0],
            counts: vec![0],
            kinds: vec!["purchase".to_owned(), OTHER.to_owned()],
            merchants: vec!["M-1".to_owned()],
            terminal_classes: Vec::new(),
            roles: vec!["cashier".to_owned()],
            void_reasons: Vec::new(),
            refund_reasons: Vec::new(),
            evidence: Vec::new(),
            times_of_day: vec![u32::try_from(document.cut_off.minutes()).unwrap_or(0)],
            paid_from: Vec::new(),
            calendar_ends: document.calendar.as_ref().map(|calendar| calendar.until.day()),
        };
        for leaf in field::leaves(document) {
            found.take(&leaf);
        }
        found.settle();
        found
    }

    /// The roles that operators may have to hold.
    #[must_use]
    pub fn of_roles(document: &Document) -> Vec<String> {
        let void = document.void.iter().flat_map(|rules| &rules.operator_roles);
        let variants = document.when.void.iter().flat_map(|variant| &variant.rules.operator_roles);
        let mut roles: Vec<String> = void.chain(variants).map(ToString::to_string).collect();
        roles.sort();
        roles.dedup();
        roles
    }

    fn take(&mut self, leaf: &Leaf) {
        let Some(field) = leaf.field else { return };
        let values = match &leaf.value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        for value in values {
            match (field.unit, value) {
                (Unit::Amount, value) => self.amounts.extend(value.as_i64()),
                (Unit::Span, value) => {
                    self.ages.extend(field::span_of(value).map(|span| span.duration().ms));
                }
                (Unit::Window, Value::Object(window)) => self.ages.extend(window.iter().filter_map(window_ms)),
                (Unit::Count, value) => self.counts.extend(value.as_u64().and_then(|n| u32::try_from(n).ok())),
                (Unit::Text, Value::String(text)) if matches!(field.key, "paid-from" | "paid-before") => {
                    self.paid_from.extend(Date::parse(text).map(Date::day));
                }
                (Unit::Text, Value::String(text)) => self.take_word(leaf, field.key, text),
                (Unit::Text, Value::Object(band)) if field.key == "between" => {
                    let times = ["from", "until"].iter().filter_map(|key| band.get(*key).and_then(Value::as_str));
                    let minutes = times.filter_map(|text| TimeOfDay::parse(text).ok());
                    self.times_of_day.extend(minutes.filter_map(|time| u32::try_from(time.minutes()).ok()));
                }
                _ => {}
            }
        }
    }

    fn take_word(&mut self, leaf: &Leaf, key: &str, text: &str) {
        let of_sale = leaf.place.path.starts_with("match") || leaf.place.section == "prepaid";
        let list = match key {
            "kind" if of_sale || leaf.place.section == "charge" => &mut self.kinds,
            "kinds-not-refundable" | "kinds-not-voidable" => &mut self.kinds,
            "kind" if leaf.place.path.contains("evidence") => &mut self.evidence,
            "merchant" => &mut self.merchants,
            "terminal-class" => &mut self.terminal_classes,
            "operator-roles" | "roles" | "completion-roles" | "release-roles" => &mut self.roles,
            "reasons" if leaf.place.section == "void" => &mut self.void_reasons,
            "reasons" if leaf.place.section == "refund" => &mut self.refund_reasons,
            _ => return,
        };
        list.push(text.to_owned());
    }

    /// The edges of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.amounts.extend(other.amounts);
        self.ages.extend(other.ages);
        self.counts.extend(other.counts);
        self.kinds.extend(other.kinds);
        self.merchants.extend(other.merchants);
        self.terminal_classes.extend(other.terminal_classes);
        self.roles.extend(other.roles);
        self.void_reasons.extend(other.void_reasons);
        self.refund_reasons.extend(other.refund_reasons);
        self.evidence.extend(other.evidence);
        self.times_of_day.extend(other.times_of_day);
        self.paid_from.extend(other.paid_from);
        self.calendar_ends = self.calendar_ends.min(other.calendar_ends).or(self.calendar_ends).or(other.calendar_ends);
        self.settle();
        self
    }

    fn settle(&mut self) {
        fn unique<T: Ord>(list: &mut Vec<T>) {
            list.sort();
            list.dedup();
        }
        unique(&mut self.amounts);
        self.amounts.retain(|minor| *minor > 0);
        unique(&mut self.ages);
        unique(&mut self.counts);
        unique(&mut self.times_of_day);
        unique(&mut self.paid_from);
        for list in [
            &mut self.kinds,
            &mut self.merchants,
            &mut self.terminal_classes,
            &mut self.roles,
            &mut self.void_reasons,
            &mut self.refund_reasons,
            &mut self.evidence,
        ] {
            unique(list);
        }
    }

    /// The ages, and one millisecond before and after each.
    #[must_use]
    pub fn ages_around(&self) -> Vec<Duration> {
        let mut ages: Vec<u64> =
            self.ages.iter().flat_map(|ms| [ms.saturating_sub(1), *ms, ms.saturating_add(1)]).collect();
        ages.sort_unstable();
        ages.dedup();
        ages.into_iter().map(|ms| Duration { ms }).collect()
    }

    /// The amounts, and one minor unit below and above each; more than nothing.
    #[must_use]
    pub fn amounts_around(&self) -> Vec<i64> {
        let mut amounts: Vec<i64> =
            self.amounts.iter().flat_map(|minor| [minor.saturating_sub(1), *minor, minor.saturating_add(1)]).collect();
        amounts.sort_unstable();
        amounts.dedup();
        amounts.retain(|minor| (1..=rescind_model::limits::AMOUNT_MINOR).contains(minor));
        amounts
    }
}

/// About how long a refund window is.
fn window_ms((unit, count): (&String, &Value)) -> Option<u64> {
    let days = if unit == "months" { MONTH_DAYS } else { 1 };
    count.as_u64()?.checked_mul(days)?.checked_mul(DAY_MS)
}

//! What each field of the language is: its unit, and which way it leans. Read by whoever compares policies or looks for
//! their edges; a test holds it against the language.

use crate::notation;
use rescind_policy::Document;
use rescind_policy::scalar::{Amount, Rate, Span};
use serde_json::Value;

/// What a value of a field measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Minor units of the policy's currency.
    Amount,
    /// Whole seconds.
    Span,
    /// Millionths.
    Rate,
    /// A refund window: days, months or working days.
    Window,
    /// A number.
    Count,
    /// `true` or `false`.
    Flag,
    /// A word, a name, a date, a text.
    Text,
}

/// What makes a field stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaning {
    /// Less of it; absent is no limit.
    Less,
    /// Less of it: something is demanded from there on; absent is from nothing on.
    Threshold,
    /// More of it; absent is no demand.
    More,
    /// `deny` is stricter than `refer`, that than `allow`.
    Permission,
    /// Yes is stricter than no.
    Yes,
    /// No is stricter than yes.
    No,
    /// `mandatory` is stricter than `optional`.
    Demand,
    /// Fewer items; none at all is anything.
    Fewer,
    /// More items.
    Further,
    /// Neither.
    Neither,
}

/// A field of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name as it is written.
    pub key: &'static str,
    /// In which sections and tables. Empty: in all.
    within: &'static [&'static str],
    /// What it measures.
    pub unit: Unit,
    /// What makes it stricter.
    pub leaning: Leaning,
}

const fn field(key: &'static str, unit: Unit, leaning: Leaning) -> Field {
    Field { key, within: &[], unit, leaning }
}

const fn only(within: &'static [&'static str], key: &'static str, unit: Unit, leaning: Leaning) -> Field {
    Field { key, within, unit, leaning }
}

/// Every field. The first with the key that may stand in the place is meant.
pub const FIELDS: &[Field] = &[
    // Times
    only(&["refund"], "window", Unit::Window, Leaning::Less),
    field("window", Unit::Span, Leaning::Less),
    field("minimum-wait", Unit::Span, Leaning::More),
    field("min-spacing", Unit::Span, Leaning::More),
    field("max-age", Unit::Span, Leaning::Less),
    field("validity", Unit::Span, Leaning::Less),
    field("time-to-live", Unit::Span, Leaning::Less),
    field("bundle-age", Unit::Span, Leaning::Less),
    field("contact-age", Unit::Span, Leaning::Less),
    field("expires-after", Unit::Span, Leaning::Less),
    only(&["evidence"], "after", Unit::Span, Leaning::Threshold),
    field("after", Unit::Span, Leaning::Neither),
    only(&["count"], "within", Unit::Span, Leaning::More),
    field("within", Unit::Span, Leaning::Neither),
    field("queries", Unit::Span, Leaning::Neither),
    field("case-lives", Unit::Span, Leaning::Neither),
    field("grant-lives", Unit::Span, Leaning::Neither),
    field("order-lives", Unit::Span, Leaning::Neither),
    // Amounts
    field("max-amount", Unit::Amount, Leaning::Less),
    field("min-amount", Unit::Amount, Leaning::More),
    field("max-total", Unit::Amount, Leaning::Less),
    only(&["evidence", "identity"], "above", Unit::Amount, Leaning::Threshold),
    field("above", Unit::Amount, Leaning::Neither),
    field("up-to", Unit::Amount, Leaning::Less),
    field("cap", Unit::Amount, Leaning::Neither),
    field("fixed", Unit::Amount, Leaning::Neither),
    field("floor", Unit::Amount, Leaning::Neither),
    field("amount-below", Unit::Amount, Leaning::Neither),
    field("amount-from", Unit::Amount, Leaning::Neither),
    // Rates and counts
    field("rate", Unit::Rate, Leaning::Neither),
    field("max-rate", Unit::Rate, Leaning::Less),
    field("ceiling-percent", Unit::Count, Leaning::Less),
    field("per-business-day", Unit::Count, Leaning::Less),
    field("at-most", Unit::Count, Leaning::Less),
    field("max-count", Unit::Count, Leaning::Less),
    field("max-records", Unit::Count, Leaning::Less),
    field("needed", Unit::Count, Leaning::More),
    field("min-days", Unit::Count, Leaning::Neither),
    field("max-days", Unit::Count, Leaning::Neither),
    field("retention-days", Unit::Count, Leaning::Neither),
    field("format", Unit::Count, Leaning::Neither),
    // Permissions, demands, switches
    field("after-refund", Unit::Text, Leaning::Permission),
    field("after-window", Unit::Text, Leaning::Permission),
    field("at-ceiling", Unit::Text, Leaning::Permission),
    field("cancellable", Unit::Text, Leaning::Permission),
    field("closed", Unit::Text, Leaning::Permission),
    field("expired", Unit::Text, Leaning::Permission),
    field("not-refundable", Unit::Text, Leaning::Permission),
    field("paid-out", Unit::Text, Leaning::Permission),
    field("real-time", Unit::Text, Leaning::Permission),
    field("same-business-day", Unit::Text, Leaning::Permission),
    field("scanned", Unit::Text, Leaning::Permission),
    only(&["offline"], "void", Unit::Text, Leaning::Permission),
    only(&["offline"], "refund", Unit::Text, Leaning::Permission),
    only(&["offline"], "reversal", Unit::Text, Leaning::Permission),
    only(&["offline"], "other", Unit::Text, Leaning::Permission),
    field("reason", Unit::Text, Leaning::Demand),
    field("enabled", Unit::Flag, Leaning::No),
    field("partial", Unit::Flag, Leaning::No),
    field("until-settlement", Unit::Flag, Leaning::Yes),
    field("bound", Unit::Flag, Leaning::Yes),
    field("slip", Unit::Flag, Leaning::Neither),
    field("working-days", Unit::Flag, Leaning::Neither),
    // Lists
    field("operator-roles", Unit::Text, Leaning::Fewer),
    field("completion-roles", Unit::Text, Leaning::Fewer),
    field("release-roles", Unit::Text, Leaning::Fewer),
    field("reasons", Unit::Text, Leaning::Fewer),
    field("any-of", Unit::Text, Leaning::Fewer),
    field("kinds-not-refundable", Unit::Text, Leaning::Further),
    field("kinds-not-voidable", Unit::Text, Leaning::Further),
    field("same", Unit::Text, Leaning::Further),
    field("tiers-by", Unit::Text, Leaning::Further),
    field("roles", Unit::Text, Leaning::Neither),
    field("leaves-to-layers", Unit::Text, Leaning::Neither),
    // Words that are neither stricter nor looser
    field("acquiring-fee", Unit::Text, Leaning::Neither),
    field("between", Unit::Text, Leaning::Neither),
    field("card-type", Unit::Text, Leaning::Neither),
    field("channel", Unit::Text, Leaning::Neither),
    field("counted", Unit::Text, Leaning::Neither),
    field("coupon", Unit::Text, Leaning::Neither),
    field("currency", Unit::Text, Leaning::Neither),
    field("cut-off", Unit::Text, Leaning::Neither),
    field("executor", Unit::Text, Leaning::Neither),
    field("from", Unit::Text, Leaning::Neither),
    field("funding", Unit::Text, Leaning::Neither),
    field("holidays", Unit::Text, Leaning::Neither),
    field("instead", Unit::Text, Leaning::Neither),
    field("kind", Unit::Text, Leaning::Neither),
    field("merchant", Unit::Text, Leaning::Neither),
    field("name", Unit::Text, Leaning::Neither),
    field("paid-before", Unit::Text, Leaning::Neither),
    field("paid-from", Unit::Text, Leaning::Neither),
    field("payer", Unit::Text, Leaning::Neither),
    field("since", Unit::Text, Leaning::Neither),
    field("source", Unit::Text, Leaning::Neither),
    field("terminal-class", Unit::Text, Leaning::Neither),
    field("time-zone", Unit::Text, Leaning::Neither),
    field("until", Unit::Text, Leaning::Neither),
    field("version", Unit::Text, Leaning::Neither),
    field("weekday", Unit::Text, Leaning::Neither),
    field("weekend", Unit::Text, Leaning::Neither),
    field("workdays", Unit::Text, Leaning::Neither),
];

/// Where a value stands in a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The section, such as `void`; a header field is in none.
    pub section: String,
    /// The variant it belongs to, such as `credit`.
    pub variant: Option<String>,
    /// What leads to it within the section, such as `tier[one-person].up-to`.
    pub path: String,
}

/// As an explanation names it: `void.when[credit].window`.
impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if !self.section.is_empty() {
            f.write_str(&self.section)?;
        }
        if let Some(variant) = &self.variant {
            write!(f, ".when[{variant}]")?;
        }
        let dot = if self.section.is_empty() || self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        write!(f, "{dot}{}", self.path)
    }
}

/// One value of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Where.
    pub place: Place,
    /// Which field. `None`: one this table does not know.
    pub field: Option<&'static Field>,
    /// The value in canonical form; lists of words as a whole.
    pub value: Value,
}

/// Every value of a policy, in the order of its canonical form.
#[must_use]
pub fn leaves(document: &Document) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let Ok(Value::Object(root)) = serde_json::to_value(document) else { return leaves };
    for (key, value) in &root {
        match value {
            Value::Object(ways) if key == "when" => {
                for (way, variants) in ways {
                    variants_of(way, variants, &mut leaves);
                }
            }
            Value::Object(_) => descend(&mut Walk::new(key, None), value, &mut leaves),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                descend(&mut Walk::new(key, None), value, &mut leaves);
            }
            _ => {
                let mut walk = Walk::new("", None);
                walk.path.push(key.clone());
                descend(&mut walk, value, &mut leaves);
            }
        }
    }
    leaves
}

fn variants_of(way: &str, variants: &Value, leaves: &mut Vec<Leaf>) {
    for variant in variants.as_array().into_iter().flatten() {
        let name = variant.get("name").and_then(Value::as_str).unwrap_or_default();
        for part in ["match", "rules"] {
            let mut walk = Walk::new(way, Some(name));
            if part == "match" {
                walk.path.push(part.to_owned());
            }
            if let Some(value) = variant.get(part) {
                descend(&mut walk, value, leaves);
            }
        }
    }
}

struct Walk<'a> {
    section: &'a str,
    variant: Option<&'a str>,
    /// Keys, and `[name]` or `[index]` of items.
    path: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(section: &'a str, variant: Option<&'a str>) -> Self {
        Self { section, variant, path: Vec::new() }
    }

    fn place(&self) -> Place {
        let mut path = String::new();
        for part in &self.path {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        Place { section: self.section.to_owned(), variant: self.variant.map(str::to_owned), path }
    }

    /// The field that the last key of the path means here.
    fn field(&self) -> Option<&'static Field> {
        let keys: Vec<&str> = self.path.iter().map(String::as_str).filter(|part| !part.starts_with('[')).collect();
        of(self.section, &keys)
    }
}

/// The field that the last of these keys means in a section.
pub(crate) fn of(section: &str, keys: &[&str]) -> Option<&'static Field> {
    let key = keys.last()?;
    let around = |name: &&str| *name == section || keys.contains(name);
    FIELDS.iter().find(|field| field.key == *key && (field.within.is_empty() || field.within.iter().any(around)))
}

fn descend(walk: &mut Walk<'_>, value: &Value, leaves: &mut Vec<Leaf>) {
    let field = walk.field();
    let whole = field.is_some_and(|field| field.unit == Unit::Window || field.key == "between");
    match value {
        Value::Object(fields) if !whole => {
            for (key, value) in fields {
                walk.path.push(key.clone());
                descend(walk, value, leaves);
                walk.path.pop();
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                let name = ["name", "kind", "counted"].iter().find_map(|key| item.get(*key).and_then(Value::as_str));
                let alone = |name: &str| {
                    let same = |other: &&Value| {
                        ["name", "kind", "counted"].iter().find_map(|key| other.get(*key).and_then(Value::as_str))
                            == Some(name)
                    };
                    items.iter().filter(same).count() == 1
                };
                let name = name.filter(|name| alone(name)).map_or_else(|| index.to_string(), str::to_owned);
                walk.path.push(format!("[{name}]"));
                descend(walk, item, leaves);
                walk.path.pop();
            }
        }
        _ => leaves.push(Leaf { place: walk.place(), field, value: value.clone() }),
    }
}

/// A value of a field as a policy writes it.
#[must_use]
pub fn written(currency: &str, field: Option<&Field>, value: &Value) -> String {
    let unit = field.map_or(Unit::Text, |field| field.unit);
    match (unit, value) {
        (_, Value::Array(items)) if items.is_empty() => "nothing".to_owned(),
        (_, Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| written(currency, field, item)).collect();
            items.join(", ")
        }
        (Unit::Amount, Value::Number(n)) => {
            let amount = n.as_i64().and_then(|minor| Amount::new(minor).ok());
            amount.map_or_else(|| n.to_string(), |amount| notation::amount(currency, amount))
        }
        (Unit::Span, Value::Number(n)) => span_of(value).map_or_else(|| n.to_string(), notation::span),
        (Unit::Rate, Value::Number(n)) => {
            let rate = n.as_u64().and_then(|n| u32::try_from(n).ok()).and_then(|n| Rate::new(n).ok());
            rate.map_or_else(|| n.to_string(), notation::rate)
        }
        (Unit::Window, Value::Object(window)) => {
            let mut text = window.iter().map(|(unit, count)| {
                let unit = unit.trim_end_matches('s').replace('-', " ");
                notation::counted(count.as_u64().unwrap_or_default(), &unit)
            });
            text.next().unwrap_or_default()
        }
        (_, Value::Object(band)) => {
            let part = |key: &str| band.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            format!("{} to {}", part("from"), part("until"))
        }
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(true)) => "yes".to_owned(),
        (_, Value::Bool(false)) => "no".to_owned(),
        (_, other) => other.to_string(),
    }
}

/// A span in canonical form.
#[must_use]
pub fn span_of(value: &Value) -> Option<Span> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).and_then(|n| Span::new(n).ok())
}

//! What each field of the language measures. Read by whoever writes policies out or looks for their edges; a test holds it
//! against the language. Which way a field is stricter is the language's own table.

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
    /// `allow`, `refer` or `deny`.
    Permission,
    /// A word, a name, a date, a text.
    Text,
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
}

const fn field(key: &'static str, unit: Unit) -> Field {
    Field { key, within: &[], unit }
}

const fn only(within: &'static [&'static str], key: &'static str, unit: Unit) -> Field {
    Field { key, within, unit }
}

/// Every field. The first with the key that may stand in the place is meant.
pub const FIELDS: &[Field] = &[
    // Times
    only(&["refund"], "window", Unit::Window),
    field("window", Unit::Span),
    field("minimum-wait", Unit::Span),
    field("min-spacing", Unit::Span),
    field("max-age", Unit::Span),
    field("validity", Unit::Span),
    field("time-to-live", Unit::Span),
    field("bundle-age", Unit::Span),
    field("contact-age", Unit::Span),
    field("expires-after", Unit::Span),
    field("after", Unit::Span),
    field("within", Unit::Span),
    field("queries", Unit::Span),
    field("case-lives", Unit::Span),
    field("grant-lives", Unit::Span),
    field("order-lives", Unit::Span),
    // Amounts
    field("max-amount", Unit::Amount),
    field("min-amount", Unit::Amount),
    field("max-total", Unit::Amount),
    field("above", Unit::Amount),
    field("up-to", Unit::Amount),
    field("cap", Unit::Amount),
    field("fixed", Unit::Amount),
    field("floor", Unit::Amount),
    field("amount-below", Unit::Amount),
    field("amount-from", Unit::Amount),
    // Rates and counts
    field("rate", Unit::Rate),
    field("max-rate", Unit::Rate),
    field("ceiling-percent", Unit::Count),
    field("per-business-day", Unit::Count),
    field("at-most", Unit::Count),
    field("max-count", Unit::Count),
    field("max-records", Unit::Count),
    field("needed", Unit::Count),
    field("min-days", Unit::Count),
    field("max-days", Unit::Count),
    field("retention-days", Unit::Count),
    field("format", Unit::Count),
    // Permissions, demands, switches
    field("after-refund", Unit::Permission),
    field("after-window", Unit::Permission),
    field("at-ceiling", Unit::Permission),
    field("cancellable", Unit::Permission),
    field("closed", Unit::Permission),
    field("expired", Unit::Permission),
    field("not-refundable", Unit::Permission),
    field("paid-out", Unit::Permission),
    field("real-time", Unit::Permission),
    field("same-business-day", Unit::Permission),
    field("scanned", Unit::Permission),
    field("void", Unit::Permission),
    field("refund", Unit::Permission),
    field("reversal", Unit::Permission),
    field("other", Unit::Permission),
    field("reason", Unit::Text),
    field("enabled", Unit::Flag),
    field("partial", Unit::Flag),
    field("until-settlement", Unit::Flag),
    field("bound", Unit::Flag),
    field("slip", Unit::Flag),
    field("working-days", Unit::Flag),
    // Lists
    field("operator-roles", Unit::Text),
    field("completion-roles", Unit::Text),
    field("release-roles", Unit::Text),
    field("reasons", Unit::Text),
    field("any-of", Unit::Text),
    field("kinds-not-refundable", Unit::Text),
    field("kinds-not-voidable", Unit::Text),
    field("same", Unit::Text),
    field("tiers-by", Unit::Text),
    field("roles", Unit::Text),
    field("leaves-to-layers", Unit::Text),
    // Words that are neither stricter nor looser
    field("acquiring-fee", Unit::Text),
    field("between", Unit::Text),
    field("card-type", Unit::Text),
    field("channel", Unit::Text),
    field("counted", Unit::Text),
    field("coupon", Unit::Text),
    field("currency", Unit::Text),
    field("cut-off", Unit::Text),
    field("executor", Unit::Text),
    field("from", Unit::Text),
    field("funding", Unit::Text),
    field("holidays", Unit::Text),
    field("instead", Unit::Text),
    field("kind", Unit::Text),
    field("merchant", Unit::Text),
    field("name", Unit::Text),
    field("paid-before", Unit::Text),
    field("paid-from", Unit::Text),
    field("payer", Unit::Text),
    field("since", Unit::Text),
    field("source", Unit::Text),
    field("terminal-class", Unit::Text),
    field("time-zone", Unit::Text),
    field("until", Unit::Text),
    field("version", Unit::Text),
    field("weekday", Unit::Text),
    field("weekend", Unit::Text),
    field("workdays", Unit::Text),
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
    /// What leads to it within the section, step by step: keys, and `[name]` or `[index]` of items.
    pub steps: Vec<String>,
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

/// Steps as one text: `tier[one-person].up-to`.
#[must_use]
pub fn path(steps: &[String]) -> String {
    let mut path = String::new();
    for part in steps {
        if !path.is_empty() && !part.starts_with('[') {
            path.push('.');
        }
        path.push_str(part);
    }
    path
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
        Place { section: self.section.to_owned(), variant: self.variant.map(str::to_owned), path: path(&self.path) }
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

/// What an item of a list is named by.
fn name_of(item: &Value) -> Option<&str> {
    ["name", "kind", "counted"].iter().find_map(|key| item.get(*key).and_then(Value::as_str))
}

/// The step that leads to an item of a list: `[name]` where no other has its name, else `[index]`.
fn step_of(items: &[Value], index: usize) -> String {
    let name = items.get(index).and_then(name_of);
    let alone = |name: &&str| items.iter().filter(|item| name_of(item) == Some(name)).count() == 1;
    name.filter(alone).map_or_else(|| format!("[{index}]"), |name| format!("[{name}]"))
}

/// The item of a list that a step leads to.
#[must_use]
pub fn item<'a>(list: Option<&'a Value>, step: &str) -> Option<&'a Value> {
    let items = list?.as_array()?;
    items.iter().enumerate().find(|(index, _)| step_of(items, *index) == step).map(|(_, item)| item)
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
                walk.path.push(step_of(items, index));
                descend(walk, item, leaves);
                walk.path.pop();
            }
        }
        _ => leaves.push(Leaf { place: walk.place(), steps: walk.path.clone(), field, value: value.clone() }),
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

//! What changed between two versions of a policy, in words: by section and field, and whether it became stricter.

use crate::field::{self, Field, Leaf, Leaning, Place, Unit};
use rescind_policy::Document;
use serde::Serialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// Less is allowed, or more is demanded.
    Stricter,
    /// More is allowed, or less is demanded.
    Looser,
    /// Neither, or nobody can tell from the field alone.
    Other,
}

/// One field that says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Changed {
    /// The section, with the variant: `void`, `void.when[credit]`; `policy` for the header.
    pub section: String,
    /// The field within it, such as `tier[one-person].up-to`.
    pub field: String,
    /// What it said, as a policy writes it. `None`: nothing.
    pub was: Option<String>,
    /// What it says.
    pub now: Option<String>,
    /// Which way that goes.
    pub course: Course,
}

impl core::fmt::Display for Changed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { section, field, was, now, course } = self;
        match (was, now) {
            (Some(was), Some(now)) => write!(f, "{section}: {field} {was} → {now}")?,
            (None, Some(now)) if now.is_empty() => write!(f, "{section}: {field} added")?,
            (Some(was), None) if was.is_empty() => write!(f, "{section}: {field} removed")?,
            (None, Some(now)) => write!(f, "{section}: {field} added: {now}")?,
            (Some(was), None) => write!(f, "{section}: {field} removed, was {was}")?,
            (None, None) => write!(f, "{section}: {field}")?,
        }
        match course {
            Course::Stricter => f.write_str(" (stricter)"),
            Course::Looser => f.write_str(" (looser)"),
            Course::Other => Ok(()),
        }
    }
}

/// The sections in the order in which people read a policy.
const SECTIONS: [&str; 14] = [
    "",
    "effective",
    "calendar",
    "void",
    "refund",
    "reversal",
    "code",
    "hold",
    "prepaid",
    "charge",
    "offline",
    "support",
    "legal",
    "privacy",
];

/// Everything that changed, section by section. What a variant only takes over from its section is said once, there.
#[must_use]
pub fn between(old: &Document, new: &Document) -> Vec<Changed> {
    let (before, after) = (by_place(old), by_place(new));
    let places: BTreeSet<&Place> = before.keys().chain(after.keys()).collect();
    let mut changed: Vec<(&Place, Changed)> = Vec::new();
    let mut told: BTreeSet<(String, Option<String>, String)> = BTreeSet::new();
    for place in places {
        let (was, now) = (before.get(place), after.get(place));
        if was.map(|leaf| &leaf.value) == now.map(|leaf| &leaf.value) {
            continue;
        }
        if place.variant.is_some() && taken_over(place, &before, &after) {
            continue;
        }
        if let Some(item) = whole_item(place, was.is_some(), &before, &after) {
            if told.insert((place.section.clone(), place.variant.clone(), item.clone())) {
                changed.push((place, item_changed(place, &item, &before, &after, old, new)));
            }
            continue;
        }
        if is_name(place) {
            continue;
        }
        let field = was.or(now).and_then(|leaf| leaf.field);
        changed.push((
            place,
            Changed {
                section: section(place),
                field: place.path.clone(),
                was: was.map(|leaf| field::written(&old.currency, leaf.field, &leaf.value)),
                now: now.map(|leaf| field::written(&new.currency, leaf.field, &leaf.value)),
                course: course(field, was.map(|leaf| &leaf.value), now.map(|leaf| &leaf.value)),
            },
        ));
    }
    let rank = |place: &Place| SECTIONS.iter().position(|name| *name == place.section).unwrap_or(SECTIONS.len());
    changed.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    changed.into_iter().map(|(_, changed)| changed).collect()
}

/// In words, one line each; a line of its own if nothing changed.
#[must_use]
pub fn text(old: &Document, new: &Document) -> String {
    let mut lines = vec![format!("{} {} → {} {}", old.name, old.version, new.name, new.version)];
    let changes = between(old, new);
    if changes.is_empty() {
        lines.push("nothing changed but comments and order".to_owned());
    }
    lines.extend(changes.iter().map(ToString::to_string));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn by_place(document: &Document) -> BTreeMap<Place, Leaf> {
    field::leaves(document).into_iter().map(|leaf| (leaf.place.clone(), leaf)).collect()
}

fn section(place: &Place) -> String {
    let whole = Place { path: String::new(), ..place.clone() }.to_string();
    if whole.is_empty() { "policy".to_owned() } else { whole }
}

/// The name of an item is part of its place already.
fn is_name(place: &Place) -> bool {
    ["name", "kind", "counted"].iter().any(|key| {
        place.path.rsplit_once('.').is_some_and(|(item, last)| last == *key && item.ends_with(']'))
            && !place.path.contains(".match")
    })
}

/// Whether a variant changed only as its section did.
fn taken_over(place: &Place, before: &BTreeMap<Place, Leaf>, after: &BTreeMap<Place, Leaf>) -> bool {
    let of_section = Place { variant: None, ..place.clone() };
    let value = |leaves: &BTreeMap<Place, Leaf>, place: &Place| leaves.get(place).map(|leaf| leaf.value.clone());
    let new_variant = |leaves: &BTreeMap<Place, Leaf>| {
        !leaves.keys().any(|other| other.section == place.section && other.variant == place.variant)
    };
    if place.path.starts_with("match") {
        return false;
    }
    match (new_variant(before), new_variant(after)) {
        // A variant that comes or goes says what it says otherwise than its section.
        (true, _) => value(after, place) == value(after, &of_section),
        (_, true) => value(before, place) == value(before, &of_section),
        _ => value(before, place) == value(before, &of_section) && value(after, place) == value(after, &of_section),
    }
}

/// The innermost list item around a place that is there on one side only.
fn whole_item(
    place: &Place,
    was_there: bool,
    before: &BTreeMap<Place, Leaf>,
    after: &BTreeMap<Place, Leaf>,
) -> Option<String> {
    let other = if was_there { after } else { before };
    let ends = place.path.match_indices(']').map(|(at, _)| at.saturating_add(1));
    let mut items = ends.filter_map(|end| place.path.get(..end));
    items
        .find(|item| {
            let inside = |other: &Place| {
                other.section == place.section && other.variant == place.variant && other.path.starts_with(*item)
            };
            !other.keys().any(inside)
        })
        .map(str::to_owned)
}

/// An item of a list that came or went, in one line.
fn item_changed(
    place: &Place,
    item: &str,
    before: &BTreeMap<Place, Leaf>,
    after: &BTreeMap<Place, Leaf>,
    old: &Document,
    new: &Document,
) -> Changed {
    let says = |leaves: &BTreeMap<Place, Leaf>, currency: &str| -> Vec<String> {
        let inside = leaves.iter().filter(|(other, _)| {
            other.section == place.section && other.variant == place.variant && other.path.starts_with(item)
        });
        inside
            .filter(|(place, _)| !is_name(place))
            .map(|(other, leaf)| {
                let key = other.path.get(item.len()..).unwrap_or_default().trim_start_matches('.');
                format!("{key} {}", field::written(currency, leaf.field, &leaf.value))
            })
            .collect()
    };
    let (was, now) = (says(before, &old.currency), says(after, &new.currency));
    let there = |leaves: &BTreeMap<Place, Leaf>| {
        leaves.keys().any(|other| {
            other.section == place.section && other.variant == place.variant && other.path.starts_with(item)
        })
    };
    let list = item.split('[').next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    let course = match (list, there(after)) {
        ("count" | "evidence" | "identity", true) => Course::Stricter,
        ("count" | "evidence" | "identity", false) => Course::Looser,
        // One that needed nobody leaves its amounts to those who do.
        ("tier", false) if !was.iter().any(|says| says == "needed 0") => Course::Looser,
        _ => Course::Other,
    };
    Changed {
        section: section(place),
        field: item.to_owned(),
        was: there(before).then(|| was.join(", ")),
        now: there(after).then(|| now.join(", ")),
        course,
    }
}

/// Which way a field went.
fn course(field: Option<&Field>, was: Option<&Value>, now: Option<&Value>) -> Course {
    let Some(field) = field else { return Course::Other };
    let stricter = |first: Ordering| match first {
        Ordering::Less => Course::Looser,
        Ordering::Greater => Course::Stricter,
        Ordering::Equal => Course::Other,
    };
    match field.leaning {
        Leaning::Neither => Course::Other,
        Leaning::Less => match (size(field, was), size(field, now)) {
            (Some(was), Some(now)) => stricter(was.cmp(&now)),
            (None, Some(_)) => Course::Stricter,
            (Some(_), None) => Course::Looser,
            (None, None) => Course::Other,
        },
        // Absent: it is demanded from nothing on.
        Leaning::Threshold => stricter(size(field, was).unwrap_or_default().cmp(&size(field, now).unwrap_or_default())),
        Leaning::More => stricter(size(field, now).unwrap_or_default().cmp(&size(field, was).unwrap_or_default())),
        Leaning::Permission | Leaning::Demand | Leaning::Yes | Leaning::No => {
            let rank = |value: Option<&Value>| rank(field.leaning, value);
            stricter(rank(now).cmp(&rank(was)))
        }
        Leaning::Fewer | Leaning::Further => {
            let items = |value: Option<&Value>| -> BTreeSet<String> {
                let list = value.and_then(Value::as_array).into_iter().flatten();
                list.map(ToString::to_string).collect()
            };
            let (was, now) = (items(was), items(now));
            let shrinks = field.leaning == Leaning::Fewer;
            match (was.is_superset(&now), now.is_superset(&was)) {
                (true, true) => Course::Other,
                // No list at all is anything, where the list says what may be.
                _ if shrinks && was.is_empty() => Course::Stricter,
                _ if shrinks && now.is_empty() => Course::Looser,
                (true, false) => {
                    if shrinks {
                        Course::Stricter
                    } else {
                        Course::Looser
                    }
                }
                (false, true) => {
                    if shrinks {
                        Course::Looser
                    } else {
                        Course::Stricter
                    }
                }
                (false, false) => Course::Other,
            }
        }
    }
}

/// How strict a word is. What a policy does not say is what it answers then: `deny`, `optional`, no.
fn rank(leaning: Leaning, value: Option<&Value>) -> u8 {
    match (leaning, value.and_then(Value::as_str), value.and_then(Value::as_bool)) {
        (Leaning::Permission, Some("allow"), _) => 0,
        (Leaning::Permission, Some("refer"), _) => 1,
        (Leaning::Permission, ..) => 2,
        (Leaning::Demand, Some("mandatory"), _) => 1,
        (Leaning::Yes, _, Some(true)) => 1,
        (Leaning::No, _, Some(false)) => 1,
        _ => 0,
    }
}

/// Milliseconds in a day.
const DAY: i64 = 86_400;

/// How large a value is, in the unit of its field.
fn size(field: &Field, value: Option<&Value>) -> Option<i64> {
    match (field.unit, value?) {
        // Months as their mean: what is longer by less than that cannot be told from the field alone, and is rare.
        (Unit::Window, Value::Object(window)) => window.iter().next().and_then(|(unit, count)| {
            let seconds = match unit.as_str() {
                "months" => DAY.saturating_mul(30),
                _ => DAY,
            };
            count.as_i64()?.checked_mul(seconds)
        }),
        (_, value) => value.as_i64(),
    }
}

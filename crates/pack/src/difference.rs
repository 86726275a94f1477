//! What changed between two versions of a policy, in words: by section and field, and whether it became stricter.
//!
//! Which way a field went is the word of the table by which layers are judged ([`rescind_policy::Comparison`]): what is only
//! stricter here is what a layer could have said.

use crate::field::{self, Leaf, Place};
use rescind_policy::document::Variant;
use rescind_policy::{Comparison, Document, Held, Order};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub use rescind_policy::Course;

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
            Course::Same | Course::Other => Ok(()),
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
    let comparison = Comparison::new(old, new);
    let (before, after) = (by_place(old), by_place(new));
    let places: BTreeSet<&Place> = before.keys().chain(after.keys()).collect();
    let mut changed: Vec<(Place, Changed)> = reordered(&comparison, old, new);
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
                let course = course_of_item(&comparison, place, &item, was.or(now));
                changed.push((place.clone(), item_changed(place, &item, &before, &after, [old, new], course)));
            }
            continue;
        }
        if is_name(place) {
            continue;
        }
        changed.push((
            place.clone(),
            Changed {
                section: section(place),
                field: place.path.clone(),
                was: was.map(|leaf| field::written(&old.currency, leaf.field, &leaf.value)),
                now: now.map(|leaf| field::written(&new.currency, leaf.field, &leaf.value)),
                course: course(&comparison, place, was.or(now)),
            },
        ));
    }
    let rank = |place: &Place| SECTIONS.iter().position(|name| *name == place.section).unwrap_or(SECTIONS.len());
    changed.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    changed.into_iter().map(|(_, changed)| changed).collect()
}

/// Variants that are tried in another order: where two match one sale, the first holds.
fn reordered(comparison: &Comparison, old: &Document, new: &Document) -> Vec<(Place, Changed)> {
    let mut changed = Vec::new();
    for way in ["void", "refund", "reversal", "code", "hold"] {
        let (before, after) = (variants(old, way), variants(new, way));
        let in_both = |names: &[String], others: &[String]| -> Vec<String> {
            names.iter().filter(|name| others.contains(name)).cloned().collect()
        };
        let (was, now) = (in_both(&before, &after), in_both(&after, &before));
        if was == now {
            continue;
        }
        let held = was.iter().flat_map(|variant| comparison.of_variant(way, variant));
        let courses = held.map(|(old, new)| comparison.course_of(way, (old.as_ref(), new.as_ref())));
        let course = Course::all(courses);
        let place = Place { section: way.to_owned(), variant: None, path: "when".to_owned() };
        let (was, now) = (Some(was.join(", ")), Some(now.join(", ")));
        changed.push((place, Changed { section: way.to_owned(), field: "order of when".to_owned(), was, now, course }));
    }
    changed
}

/// The names of a way's variants, in their order.
fn variants(document: &Document, way: &str) -> Vec<String> {
    fn names<R>(variants: &[Variant<R>]) -> Vec<String> {
        variants.iter().map(|variant| variant.name.clone()).collect()
    }
    let when = &document.when;
    match way {
        "void" => names(&when.void),
        "refund" => names(&when.refund),
        "reversal" => names(&when.reversal),
        "code" => names(&when.code),
        _ => names(&when.hold),
    }
}

/// Which way the policy went as a whole: [`Course::Stricter`] only if nothing became looser and all that changed can be told.
#[must_use]
pub fn whole(old: &Document, new: &Document) -> Course {
    Comparison::new(old, new).course()
}

/// In words, one line each, and in the last the whole; a line of its own if nothing changed.
#[must_use]
pub fn text(old: &Document, new: &Document) -> String {
    let mut lines = vec![format!("{} {} → {} {}", old.name, old.version, new.name, new.version)];
    let changes = between(old, new);
    if changes.is_empty() {
        lines.push("nothing changed but comments and order".to_owned());
    }
    lines.extend(changes.iter().map(ToString::to_string));
    if !changes.is_empty() {
        let whole = match whole(old, new) {
            Course::Same => "in all: it means the same",
            Course::Stricter => "in all: only stricter",
            Course::Looser => "in all: only looser",
            Course::Other => "in all: neither only stricter nor only looser",
        };
        lines.push(whole.to_owned());
    }
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
    [old, new]: [&Document; 2],
    course: Course,
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
    Changed {
        section: section(place),
        field: item.to_owned(),
        was: there(before).then(|| was.join(", ")),
        now: there(after).then(|| now.join(", ")),
        course,
    }
}

/// Which way a field went.
fn course(comparison: &Comparison, place: &Place, leaf: Option<&Leaf>) -> Course {
    leaf.map_or(Course::Other, |leaf| along(comparison, place, &leaf.steps))
}

/// Which way an item of a list went that came or went away: the part of the way there that ends with it.
fn course_of_item(comparison: &Comparison, place: &Place, item: &str, leaf: Option<&Leaf>) -> Course {
    let Some(leaf) = leaf else { return Course::Other };
    let mut steps: &[String] = &leaf.steps;
    while let [rest @ .., _] = steps {
        if field::path(steps) == item {
            break;
        }
        steps = rest;
    }
    along(comparison, place, steps)
}

/// Which way that went to which steps lead.
fn along(comparison: &Comparison, place: &Place, steps: &[String]) -> Course {
    let section = place.section.as_str();
    // A variant matches other sales: what came of that for them, in all that is said.
    if let Some(variant) = place.variant.as_deref() {
        let is_match = steps.first().is_some_and(|step| step == "match");
        let held = comparison.of_variant(section, variant);
        return Course::all(held.iter().map(|(old, new)| {
            let held = (old.as_ref(), new.as_ref());
            if is_match { comparison.course_of(section, held) } else { within(comparison, section, held, steps) }
        }));
    }
    match (section, steps) {
        ("", [header]) if HEADER.contains(&header.as_str()) => Course::Same,
        ("layers", _) => Course::Same,
        ("", [header]) if header == "leaves-to-layers" => comparison.course_of_what_is_left(),
        ("", [field, rest @ ..]) => at(comparison.order("", field), comparison.of_root(field), rest),
        // Tables and lists of the root.
        ("charge" | "effective" | "prepaid", rest) => {
            at(comparison.order("", section), comparison.of_root(section), rest)
        }
        _ => within(comparison, section, comparison.of_root(section), steps),
    }
}

/// What names a version and decides nothing.
const HEADER: [&str; 4] = ["format", "name", "source", "version"];

/// The same within the rules of a section.
fn within(comparison: &Comparison, section: &str, held: Held<'_>, steps: &[String]) -> Course {
    let ((Some(old), Some(new)), [field, rest @ ..]) = (held, steps) else {
        return comparison.course_of(section, held);
    };
    at(comparison.order(section, field), (old.get(field), new.get(field)), rest)
}

/// The same within a value of a field: as far as its parts are compared for themselves, and from there on as a whole.
fn at(order: Option<Order>, (old, new): Held<'_>, steps: &[String]) -> Course {
    let Some(order) = order else { return Course::Other };
    let whole = || order.course(old, new);
    let Some((step, rest)) = steps.split_first() else { return whole() };
    let in_table = |old: &Value, new: &Value, steps: &[String]| match steps.split_first() {
        Some((field, rest)) if order.part(field).is_some() => {
            Some(at(order.part(field), (old.get(field), new.get(field)), rest))
        }
        _ => None,
    };
    if step.starts_with('[') {
        let list = |item: &Value| Value::Array(vec![item.clone()]);
        // The same one may have another step, where others have its name.
        let same = |list: Option<&Value>, item: &Value| {
            list?.as_array()?.iter().find(|other| order.is_same_item(item, other)).cloned()
        };
        return match (field::item(old, step), field::item(new, step)) {
            (Some(one), Some(other)) if order.is_same_item(one, other) => {
                in_table(one, other, rest).unwrap_or_else(whole)
            }
            (Some(one), None) if order.is_item_by_item() => {
                order.course(Some(&list(one)), same(new, one).as_ref().map(list).as_ref())
            }
            (None, Some(other)) if order.is_item_by_item() => {
                order.course(same(old, other).as_ref().map(list).as_ref(), Some(&list(other)))
            }
            _ => whole(),
        };
    }
    match (old, new) {
        (Some(old), Some(new)) => in_table(old, new, steps).unwrap_or_else(whole),
        _ => whole(),
    }
}

//! Which way a policy went between two versions, by the very table that layers are judged by
//! ([`strictness`](crate::strictness)): a version that is only stricter is one that a layer could have said.

use super::stricter::is_no_looser;
use crate::document::{Document, Matcher};
use crate::strictness::{ROOT, SECTIONS, Strictness, WAYS, left_beyond};
use serde::Serialize;
use serde_json::Value;

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// It means the same.
    Same,
    /// Less is allowed, or more is demanded; nowhere is it looser.
    Stricter,
    /// More is allowed, or less is demanded; nowhere is it stricter.
    Looser,
    /// Both, or neither can be told.
    Other,
}

impl Course {
    fn of(is_no_looser: bool, is_no_stricter: bool) -> Self {
        match (is_no_looser, is_no_stricter) {
            (true, true) => Self::Same,
            (true, false) => Self::Stricter,
            (false, true) => Self::Looser,
            (false, false) => Self::Other,
        }
    }

    /// Which way this and another change go together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, one) | (one, Self::Same) => one,
            (one, other) if one == other => one,
            _ => Self::Other,
        }
    }

    /// Which way all of these go together.
    pub fn all(courses: impl IntoIterator<Item = Self>) -> Self {
        courses.into_iter().fold(Self::Same, Self::and)
    }
}

/// How the values of one field of the language compare.
#[derive(Debug, Clone, Copy)]
pub struct Order(Strictness);

impl Order {
    /// Which way a value went. Values are in canonical form; absent is not said.
    #[must_use]
    pub fn course(self, old: Option<&Value>, new: Option<&Value>) -> Course {
        Course::of(is_no_looser(self.0, old, new), is_no_looser(self.0, new, old))
    }

    /// How a field of its table compares, or of the tables of its list, where those are compared field by field.
    #[must_use]
    pub fn part(self, field: &str) -> Option<Self> {
        match self.0 {
            Strictness::Demand(fields) | Strictness::Grant(fields) | Strictness::Keyed(_, fields) => {
                fields.iter().find(|(name, _)| *name == field).map(|(_, kind)| Self(*kind))
            }
            _ => None,
        }
    }

    /// Whether two tables of its list are the same one in both versions. Never, where a list is compared as a whole.
    #[must_use]
    pub fn is_same_item(self, one: &Value, other: &Value) -> bool {
        match self.0 {
            Strictness::Keyed(key, _) => key.iter().all(|field| one.get(field) == other.get(field)),
            _ => false,
        }
    }

    /// Whether each table of its list counts for itself.
    #[must_use]
    pub fn is_item_by_item(self) -> bool {
        matches!(self.0, Strictness::Keyed(..))
    }
}

/// The rules of a way for some sales.
#[derive(Debug)]
struct Rules {
    /// Nothing: for those that no variant matches.
    name: Option<String>,
    matches: Matcher,
    /// Nothing: there are none.
    rules: Option<Value>,
}

/// Two versions of a policy, held against each other.
#[derive(Debug)]
pub struct Comparison {
    old: Value,
    new: Value,
    left: [Vec<String>; 2],
}

/// What is said of some sales in the old version, and in the new one. Nothing: there is nothing on them.
pub type Held<'a> = (Option<&'a Value>, Option<&'a Value>);

impl Comparison {
    /// Of two versions.
    #[must_use]
    pub fn new(old: &Document, new: &Document) -> Self {
        let canonical = |document: &Document| serde_json::to_value(document).unwrap_or_default();
        let left = [old.leaves_to_layers.clone(), new.leaves_to_layers.clone()];
        Self { old: canonical(old), new: canonical(new), left }
    }

    /// How a field of a section compares, or one of the root (`section` is empty).
    #[must_use]
    pub fn order(&self, section: &str, field: &str) -> Option<Order> {
        let fields = match section {
            "" => ROOT,
            _ => WAYS.iter().chain(SECTIONS).find(|(name, _)| *name == section)?.1,
        };
        let kind = fields.iter().find(|(name, _)| *name == field)?.1;
        let has_calendar = [&self.old, &self.new].iter().any(|document| document.get("calendar").is_some());
        Some(Order(match kind {
            Strictness::Window if !has_calendar => Strictness::WindowWithoutCalendar,
            kind => kind,
        }))
    }

    /// A field of the root in both versions, or a section.
    #[must_use]
    pub fn of_root(&self, key: &str) -> Held<'_> {
        (self.old.get(key), self.new.get(key))
    }

    /// What both versions say of the sales of a variant: the rules of every variant, and of the section, that some of them
    /// come under, in pairs.
    #[must_use]
    pub fn of_variant(&self, way: &str, variant: &str) -> Vec<(Option<Value>, Option<Value>)> {
        let is_of = |rules: &Rules| rules.name.as_deref() == Some(variant);
        let (old, new) = (rules_of(&self.old, way), rules_of(&self.new, way));
        let pairs = pairs(&old, &new).into_iter().filter(|(one, other)| is_of(one) || is_of(other));
        pairs.map(|(one, other)| (one.rules.clone(), other.rules.clone())).collect()
    }

    /// Which way the rules of a section went, for one kind of sales. Absent: there are none.
    #[must_use]
    pub fn course_of(&self, section: &str, (old, new): Held<'_>) -> Course {
        match (old, new) {
            (None, None) => Course::Same,
            (Some(old), Some(new)) => {
                let fields = WAYS.iter().chain(SECTIONS).find(|(name, _)| *name == section).map(|(_, fields)| *fields);
                let courses = fields.unwrap_or_default().iter().map(|(field, _)| {
                    let order = self.order(section, field);
                    order.map_or(Course::Other, |order| order.course(old.get(field), new.get(field)))
                });
                Course::all(courses)
            }
            (None, Some(new)) if grants(section, new) => Course::Looser,
            (Some(old), None) if grants(section, old) => Course::Stricter,
            _ => Course::Other,
        }
    }

    /// Which way that went which layers may loosen.
    #[must_use]
    pub fn course_of_what_is_left(&self) -> Course {
        let [old, new] = &self.left;
        Course::of(left_beyond(old, new).next().is_none(), left_beyond(new, old).next().is_none())
    }

    /// Which way the whole policy went.
    #[must_use]
    pub fn course(&self) -> Course {
        let root = ROOT.iter().map(|(field, _)| {
            let (old, new) = self.of_root(field);
            self.order("", field).map_or(Course::Other, |order| order.course(old, new))
        });
        let sections = SECTIONS.iter().map(|(section, _)| self.course_of(section, self.of_root(section)));
        let ways = WAYS.iter().map(|(way, _)| {
            let (old, new) = (rules_of(&self.old, way), rules_of(&self.new, way));
            let pairs = pairs(&old, &new).into_iter();
            Course::all(pairs.map(|(old, new)| self.course_of(way, (old.rules.as_ref(), new.rules.as_ref()))))
        });
        Course::all(root.chain(sections).chain(ways)).and(self.course_of_what_is_left())
    }
}

/// Whether a section only grants something, so that adding it is looser and going without is stricter: without `[void]`
/// nothing is voided. Of others neither can be told: without `[reversal]` there are reversals, without `[calendar]` there are
/// working days. And where nothing is said some ways are left to support: what a section denies of those it does not grant.
fn grants(section: &str, rules: &Value) -> bool {
    let says = |fields: &[&str], word: &str| {
        fields.iter().any(|field| rules.get(*field).and_then(Value::as_str) == Some(word))
    };
    match section {
        "legal" | "refund" | "void" => true,
        "code" => !says(&["expired", "scanned"], "deny"),
        "hold" => ["release-authentication", "release-roles"].iter().all(|field| rules.get(*field).is_none()),
        "offline" => {
            says(&["other", "refund", "reversal", "void"], "allow")
                && !says(&["at-ceiling", "other", "refund", "reversal", "void"], "deny")
        }
        _ => false,
    }
}

/// The variants of a way and its section, in the order in which they hold.
fn rules_of(document: &Value, way: &str) -> Vec<Rules> {
    let variants = document.get("when").and_then(|when| when.get(way)).and_then(Value::as_array);
    let rules = |variant: &Value| {
        let matches: Matcher = serde_json::from_value(variant.get("match")?.clone()).ok()?;
        let name = variant.get("name")?.as_str()?.to_owned();
        Some(Rules { name: Some(name), matches, rules: variant.get("rules").cloned() })
    };
    let mut all: Vec<Rules> = variants.into_iter().flatten().filter_map(rules).collect();
    all.push(Rules { name: None, matches: Matcher::default(), rules: document.get(way).cloned() });
    all
}

/// Every two rules under which one sale can come: those of the old version and those of the new one.
fn pairs<'a>(old: &'a [Rules], new: &'a [Rules]) -> Vec<(&'a Rules, &'a Rules)> {
    let mut pairs = Vec::new();
    for (at, one) in old.iter().enumerate() {
        for (beside, other) in new.iter().enumerate() {
            let before = || old.iter().take(at).chain(new.iter().take(beside));
            let some = |both: &Matcher| !before().any(|earlier| earlier.matches.covers(both));
            if one.matches.and(&other.matches).iter().any(some) {
                pairs.push((one, other));
            }
        }
    }
    pairs
}

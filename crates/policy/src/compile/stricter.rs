//! The stricter of two values, for every kind of [`Strictness`].
//!
//! Values are compared in their canonical form: what holds is decided there, and one comparison serves every field of a
//! kind. What stands in order of amounts (tiers, identity) is compared amount by amount.

use crate::document::{EscalationRule, IdentityRule, Permission, RefundWindow, Tier};
use crate::scalar::{Amount, Span};
use crate::strictness::{Field, Strictness};
use crate::word::Word as _;
use rescind_model::Role;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What holds of two values, the upper's and the lower's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Meet {
    /// The stricter, or what only both together demand. Absent: nothing is said.
    pub(super) value: Option<Value>,
    /// Whether the lower loosens anything.
    pub(super) is_looser: bool,
}

/// There is no value that is as strict as both, or it cannot be told which is the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Apart;

/// The stricter of two values of a kind.
pub(super) fn meet(kind: Strictness, upper: Option<&Value>, lower: Option<&Value>) -> Result<Meet, Apart> {
    let (value, is_looser) = match kind {
        Strictness::AtMost => limit(upper, lower, |upper, lower| number(lower) <= number(upper)),
        Strictness::AtLeast => limit(upper, lower, |upper, lower| number(lower) >= number(upper)),
        Strictness::Until => limit(upper, lower, |upper, lower| lower.as_str() <= upper.as_str()),
        Strictness::From => limit(upper, lower, |upper, lower| lower.as_str() >= upper.as_str()),
        Strictness::OneOf => return one_of(upper, lower),
        Strictness::AllOf | Strictness::Evidence => (list(&all_of(items(upper), items(lower))), false),
        Strictness::Permission(absent) => {
            let word = |value: Option<&Value>| {
                Permission::from_word(value.and_then(Value::as_str).unwrap_or(absent)).unwrap_or(Permission::Deny)
            };
            (if word(lower) >= word(upper) { lower } else { upper }.cloned(), word(lower) < word(upper))
        }
        Strictness::Demanded => truth(upper, lower, true),
        Strictness::Granted => truth(upper, lower, false),
        Strictness::Mandatory => {
            let demands = |value: Option<&Value>| value.and_then(Value::as_str) == Some("mandatory");
            (if demands(upper) { upper } else { lower }.cloned(), demands(upper) && !demands(lower))
        }
        Strictness::Window => return window(upper, lower, CalendarEnds::OnSomeDay),
        Strictness::WindowWithoutCalendar => return window(upper, lower, CalendarEnds::Never),
        Strictness::Demand(fields) => match (upper, lower) {
            (Some(upper), Some(lower)) => return table(fields, upper, lower),
            (upper, lower) => (lower.or(upper).cloned(), upper.is_some()),
        },
        Strictness::Grant(fields) => match (upper, lower) {
            (Some(upper), Some(lower)) => return table(fields, upper, lower),
            (upper, lower) => (None, upper.is_none() && lower.is_some()),
        },
        Strictness::Keyed(key, fields) => return keyed(key, fields, items(upper), items(lower)),
        Strictness::Tiers => {
            let (upper, lower): (Vec<Tier>, Vec<Tier>) = (typed(upper)?, typed(lower)?);
            let both = tiers(&upper, &lower)?;
            let is_looser = sense(&both) != sense(&lower);
            (Some(value(&both)?), is_looser)
        }
        Strictness::Identity => {
            let (upper, lower): (Vec<IdentityRule>, Vec<IdentityRule>) = (typed(upper)?, typed(lower)?);
            let both = identity(&upper, &lower)?;
            let is_looser = both != identity(&lower, &lower)?;
            (list(&items_of(&both)?), is_looser)
        }
        Strictness::Equal if upper == lower => (lower.cloned(), false),
        Strictness::Equal => return Err(Apart),
    };
    Ok(Meet { value, is_looser })
}

/// The stricter of two tables, field by field. Fields without an order are the lower's.
pub(super) fn table(fields: &[Field], upper: &Value, lower: &Value) -> Result<Meet, Apart> {
    let mut both = lower.as_object().cloned().unwrap_or_default();
    let mut is_looser = false;
    for (field, kind) in fields {
        let of = meet(*kind, upper.get(field), lower.get(field))?;
        is_looser |= of.is_looser;
        put(&mut both, field, of.value);
    }
    Ok(Meet { value: Some(Value::Object(both)), is_looser })
}

/// Whether the new of two values is nowhere looser than the old: what both demand together is what it demands alone.
pub(super) fn is_no_looser(kind: Strictness, old: Option<&Value>, new: Option<&Value>) -> bool {
    if !meet(kind, old, new).is_ok_and(|both| !both.is_looser) {
        return false;
    }
    // What a layer does not repeat of these is not loosened by it but added; a new version goes without.
    match kind {
        Strictness::AllOf => items(old).iter().all(|item| items(new).contains(item)),
        Strictness::Evidence => items(old).iter().all(|item| items(new).iter().any(|other| is_implied(item, other))),
        Strictness::Keyed(key, fields) => items(old).iter().all(|item| {
            let same = |other: &&Value| key.iter().all(|field| item.get(field) == other.get(field));
            items(new).iter().find(same).is_some_and(|other| is_table_no_looser(fields, item, other))
        }),
        Strictness::Demand(fields) | Strictness::Grant(fields) => match (old, new) {
            (Some(old), Some(new)) => is_table_no_looser(fields, old, new),
            _ => true,
        },
        _ => true,
    }
}

fn is_table_no_looser(fields: &[Field], old: &Value, new: &Value) -> bool {
    fields.iter().all(|(field, kind)| is_no_looser(*kind, old.get(field), new.get(field)))
}

/// Whether whoever gives the evidence that one rule demands has given what another does.
fn is_implied(rule: &Value, by: &Value) -> bool {
    let from = |rule: &Value, field: &str| rule.get(field).and_then(Value::as_i64);
    // Absent is from nothing on, and for every reason.
    let no_later = |field: &str| from(by, field).is_none_or(|by| from(rule, field).is_some_and(|from| by <= from));
    let (reasons, for_reasons) = (items(rule.get("reasons")), items(by.get("reasons")));
    let every_reason = || !reasons.is_empty() && reasons.iter().all(|reason| for_reasons.contains(reason));
    rule.get("kind") == by.get("kind")
        && no_later("above")
        && no_later("after")
        && (for_reasons.is_empty() || every_reason())
}

/// Sets a field, or removes it.
pub(super) fn put(table: &mut Map<String, Value>, field: &str, value: Option<Value>) {
    match value {
        Some(value) => table.insert(field.to_owned(), value),
        None => table.remove(field),
    };
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// A limit, absent where there is none.
fn limit(
    upper: Option<&Value>,
    lower: Option<&Value>,
    is_stricter: impl Fn(&Value, &Value) -> bool,
) -> (Option<Value>, bool) {
    match (upper, lower) {
        (Some(upper), Some(lower)) if is_stricter(upper, lower) => (Some(lower.clone()), false),
        (None, lower) => (lower.cloned(), false),
        (Some(upper), _) => (Some(upper.clone()), true),
    }
}

fn truth(upper: Option<&Value>, lower: Option<&Value>, stricter: bool) -> (Option<Value>, bool) {
    let is = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(stricter);
    (if is(upper) { upper } else { lower }.cloned(), is(upper) && !is(lower))
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A list, absent if it is empty.
fn list(items: &[Value]) -> Option<Value> {
    (!items.is_empty()).then(|| Value::Array(items.to_vec()))
}

fn one_of(upper: Option<&Value>, lower: Option<&Value>) -> Result<Meet, Apart> {
    let (upper, lower) = (items(upper), items(lower));
    if upper.is_empty() || lower.is_empty() {
        let is_looser = lower.is_empty() && !upper.is_empty();
        return Ok(Meet { value: list(if is_looser { upper } else { lower }), is_looser });
    }
    let both: Vec<Value> = lower.iter().filter(|item| upper.contains(item)).cloned().collect();
    // An empty list would be everything.
    let value = Some(list(&both).ok_or(Apart)?);
    Ok(Meet { value, is_looser: both.len() < lower.len() })
}

fn all_of(upper: &[Value], lower: &[Value]) -> Vec<Value> {
    let added = lower.iter().filter(|item| !upper.contains(item));
    upper.iter().chain(added).cloned().collect()
}

fn keyed(key: &[&str], fields: &[Field], upper: &[Value], lower: &[Value]) -> Result<Meet, Apart> {
    let same = |a: &Value, b: &Value| key.iter().all(|field| a.get(field) == b.get(field));
    let (mut both, mut is_looser) = (upper.to_vec(), false);
    for item in lower {
        let found = both.iter().position(|other| same(other, item));
        let nothing = Value::Object(Map::new());
        let of = table(fields, found.and_then(|at| both.get(at)).unwrap_or(&nothing), item)?;
        is_looser |= of.is_looser;
        match (found.and_then(|at| both.get_mut(at)), of.value) {
            (Some(place), Some(value)) => *place = value,
            (_, value) => both.extend(value),
        }
    }
    Ok(Meet { value: list(&both), is_looser })
}

fn typed<T: DeserializeOwned + Default>(value: Option<&Value>) -> Result<T, Apart> {
    value.map_or_else(|| Ok(T::default()), |value| serde_json::from_value(value.clone()).map_err(|_| Apart))
}

fn value<T: Serialize>(of: &T) -> Result<Value, Apart> {
    serde_json::to_value(of).map_err(|_| Apart)
}

fn items_of<T: Serialize>(all: &[T]) -> Result<Vec<Value>, Apart> {
    all.iter().map(value).collect()
}

/// The shorter window, if that can be told. A month has 28 to 31 days; a working day is a day or longer, and how much longer
/// only a calendar knows. Where a calendar ends, nobody says whether working days are over: there, days would go on.
fn window(upper: Option<&Value>, lower: Option<&Value>, calendar: CalendarEnds) -> Result<Meet, Apart> {
    let (Some(above), Some(below)) = (upper, lower) else {
        return Ok(Meet { value: lower.or(upper).cloned(), is_looser: lower.is_none() });
    };
    let read = |value: &Value| serde_json::from_value::<RefundWindow>(value.clone()).map_err(|_| Apart);
    let (one, two) = (read(above)?, read(below)?);
    match (is_no_longer(two, one, calendar), is_no_longer(one, two, calendar)) {
        (true, _) => Ok(Meet { value: lower.cloned(), is_looser: false }),
        (false, true) => Ok(Meet { value: upper.cloned(), is_looser: true }),
        (false, false) => Err(Apart),
    }
}

/// Whether working days are counted in a calendar, that ends on some day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CalendarEnds {
    OnSomeDay,
    Never,
}

fn is_no_longer(one: RefundWindow, other: RefundWindow, calendar: CalendarEnds) -> bool {
    use RefundWindow::{Days, Months, WorkingDays};
    match (one, other) {
        (Days(one), Days(other)) | (Months(one), Months(other)) | (WorkingDays(one), WorkingDays(other)) => {
            one <= other
        }
        (Days(days), Months(months)) => days <= months.saturating_mul(28),
        (Months(months), Days(days)) => months.saturating_mul(31) <= days,
        (Days(_) | Months(_), WorkingDays(_)) if calendar == CalendarEnds::OnSomeDay => false,
        (Days(days), WorkingDays(working)) => days <= working,
        (Months(months), WorkingDays(working)) => months.saturating_mul(31) <= working,
        (WorkingDays(_), Days(_) | Months(_)) => false,
    }
}

// ------------------------------------------------------------ tiers

/// For every amount the stricter tier of both lists.
fn tiers(upper: &[Tier], lower: &[Tier]) -> Result<Vec<Tier>, Apart> {
    let (mut uppers, mut lowers) = (upper.iter().peekable(), lower.iter().peekable());
    let mut all: Vec<Tier> = Vec::new();
    while let (Some(above), Some(below)) = (uppers.peek(), lowers.peek()) {
        let up_to = match (above.up_to, below.up_to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let both = Tier { up_to, ..tier(above, below)? };
        let (above_ends, below_ends) = (above.up_to == up_to, below.up_to == up_to);
        match all.last_mut() {
            Some(last) if (Tier { up_to, ..last.clone() }) == both => last.up_to = up_to,
            _ => all.push(both),
        }
        if above_ends {
            uppers.next();
        }
        if below_ends {
            lowers.next();
        }
    }
    Ok(all)
}

/// The stricter of two tiers for one amount.
fn tier(above: &Tier, below: &Tier) -> Result<Tier, Apart> {
    // Where nobody is needed, whoever needs somebody is the stricter.
    if above.needed == 0 || below.needed == 0 {
        let expires_after = above.expires_after.min(below.expires_after);
        return Ok(match (above.needed, below.needed) {
            (0, 0) => Tier { expires_after, ..below.clone() },
            (0, _) => below.clone(),
            (_, _) => above.clone(),
        });
    }
    let expires_after = above.expires_after.min(below.expires_after);
    let mut changes: Vec<Span> = above.escalation.iter().chain(&below.escalation).map(|rule| rule.after).collect();
    changes.retain(|after| *after < expires_after);
    changes.sort_unstable();
    changes.dedup();
    let roles = common(&circle(above, None), &circle(below, None));
    if roles.is_empty() {
        return Err(Apart);
    }
    let mut so_far = roles.clone();
    let mut escalation = Vec::new();
    for after in changes {
        let mut wider = common(&circle(above, Some(after)), &circle(below, Some(after)));
        wider.retain(|role| !so_far.contains(role));
        if !wider.is_empty() {
            so_far.extend(wider.iter().cloned());
            escalation.push(EscalationRule { after, roles: wider });
        }
    }
    let (needed, name) = (above.needed.max(below.needed), below.name.clone());
    let both = Tier { escalation, expires_after, name, needed, roles, up_to: None };
    // As it was written, if that is the same.
    let as_written = [below, above].into_iter().find(|tier| sense_of(tier) == sense_of(&both));
    Ok(as_written.cloned().unwrap_or(both))
}

/// Whose approval counts some time after submission.
fn circle(tier: &Tier, at: Option<Span>) -> Vec<Role> {
    let later = tier.escalation.iter().filter(|rule| at.is_some_and(|at| rule.after <= at));
    tier.roles.iter().chain(later.flat_map(|rule| &rule.roles)).cloned().collect()
}

fn common(above: &[Role], below: &[Role]) -> Vec<Role> {
    let mut both: Vec<Role> = Vec::new();
    for role in below {
        if above.contains(role) && !both.contains(role) {
            both.push(role.clone());
        }
    }
    both
}

/// What a tier demands, however it is written: persons, time, and the circle from each time on.
type Sense = (u32, Span, Vec<(Option<Span>, Vec<Role>)>);

fn sense_of(tier: &Tier) -> Sense {
    let mut circles: Vec<(Option<Span>, Vec<Role>)> = Vec::new();
    for at in core::iter::once(None).chain(tier.escalation.iter().map(|rule| Some(rule.after))) {
        let mut roles = circle(tier, at);
        roles.sort_unstable();
        roles.dedup();
        if circles.last().is_none_or(|(_, last)| *last != roles) {
            circles.push((at, roles));
        }
    }
    (tier.needed, tier.expires_after, circles)
}

/// What tiers demand, amount by amount, however they are cut and named.
fn sense(tiers: &[Tier]) -> Vec<(Option<Amount>, Sense)> {
    let mut all: Vec<(Option<Amount>, Sense)> = Vec::new();
    for tier in tiers {
        let of = sense_of(tier);
        match all.last_mut() {
            Some(last) if last.1 == of => last.0 = tier.up_to,
            _ => all.push((tier.up_to, of)),
        }
    }
    all
}

// ------------------------------------------------------------ identity

/// For every amount the proofs that satisfy both.
fn identity(upper: &[IdentityRule], lower: &[IdentityRule]) -> Result<Vec<IdentityRule>, Apart> {
    let mut from: Vec<Option<Amount>> = upper.iter().chain(lower).map(|rule| rule.above).collect();
    from.sort_unstable();
    from.dedup();
    let mut all: Vec<IdentityRule> = Vec::new();
    for above in from {
        let applies = |rules: &[IdentityRule]| rules.iter().rev().find(|rule| rule.above <= above).cloned();
        let any_of = match (applies(upper), applies(lower)) {
            (Some(one), Some(two)) => {
                let both: Vec<_> = two.any_of.into_iter().filter(|kind| one.any_of.contains(kind)).collect();
                if both.is_empty() {
                    return Err(Apart);
                }
                both
            }
            (one, two) => one.or(two).map(|rule| rule.any_of).unwrap_or_default(),
        };
        if all.last().is_none_or(|last| last.any_of != any_of) {
            all.push(IdentityRule { above, any_of });
        }
    }
    Ok(all)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should")]
mod tests {
    use super::*;
    use crate::document::{CodeRules, HoldRules, RefundRules, ReversalRules, VoidRules, Weekday};
    use crate::scalar::Date;
    use crate::strictness::{ROOT, SECTIONS, WAYS};
    use crate::working_days::WorkingDays;
    use chrono::{Days, Months, NaiveDate};
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use serde_json::json;

    /// Values of a kind, as a document of the language can hold them.
    fn values(kind: Strictness) -> BoxedStrategy<Option<Value>> {
        let words = |words: &'static [&'static str]| select(words).prop_map(|word| Some(json!(word))).boxed();
        let lists = |least: usize| {
            subsequence(vec!["a", "b", "c", "d"], least..=4)
                .prop_map(|list| (!list.is_empty()).then(|| json!(list)))
                .boxed()
        };
        match kind {
            Strictness::AtMost | Strictness::AtLeast => prop::option::of((1..9_u32).prop_map(|n| json!(n))).boxed(),
            Strictness::Until | Strictness::From => {
                prop::option::of(select(vec!["2026-01-01", "2026-06-01", "2027-01-01"]).prop_map(|day| json!(day)))
                    .boxed()
            }
            Strictness::OneOf | Strictness::AllOf => lists(0),
            Strictness::Evidence => {
                let rule = (
                    select(vec!["photo", "receipt"]),
                    prop::option::of(1..4_u32),
                    prop::option::of(1..4_u32),
                    subsequence(vec!["a", "b", "c"], 0..=3),
                );
                let rules = prop::collection::vec(rule, 0..4).prop_map(|rules| {
                    let rules = rules.into_iter().map(|(kind, above, after, reasons)| {
                        let mut rule = Map::new();
                        put(&mut rule, "above", above.map(Value::from));
                        put(&mut rule, "after", after.map(Value::from));
                        rule.insert("kind".to_owned(), json!(kind));
                        put(&mut rule, "reasons", (!reasons.is_empty()).then(|| json!(reasons)));
                        Value::Object(rule)
                    });
                    let mut once: Vec<Value> = Vec::new();
                    for rule in rules {
                        if !once.contains(&rule) {
                            once.push(rule);
                        }
                    }
                    list(&once)
                });
                rules.boxed()
            }
            Strictness::Permission("deny") => prop_oneof![Just(None), words(&["refer", "deny"])].boxed(),
            Strictness::Permission(_) => words(&["allow", "refer", "deny"]),
            Strictness::Demanded | Strictness::Granted => any::<bool>().prop_map(|flag| Some(json!(flag))).boxed(),
            Strictness::Mandatory => words(&["mandatory", "optional"]),
            Strictness::Window | Strictness::WindowWithoutCalendar => {
                let window = (select(vec!["days", "months", "working-days"]), 1..40_u32);
                window.prop_map(|(unit, n)| Some(json!({ unit: n }))).boxed()
            }
            Strictness::Demand(fields) | Strictness::Grant(fields) => prop::option::of(tables(fields)).boxed(),
            Strictness::Keyed(key, fields) => prop::collection::vec(tables(fields), 0..4)
                .prop_map(move |tables| {
                    let keyed = tables.into_iter().zip(["x", "y", "z"]).map(|(mut table, of)| {
                        for field in key {
                            table.as_object_mut().unwrap().insert((*field).to_owned(), json!(of));
                        }
                        table
                    });
                    list(&keyed.collect::<Vec<_>>())
                })
                .boxed(),
            Strictness::Tiers => prop::collection::vec((1..9_u32, tier_of()), 1..5)
                .prop_map(|tiers| {
                    let mut up_to = 0;
                    let last = tiers.len() - 1;
                    let tiers = tiers.into_iter().enumerate().map(|(index, (more, tier))| {
                        up_to += i64::from(more);
                        Tier { up_to: (index < last).then(|| Amount::new(up_to).unwrap()), ..tier }
                    });
                    Some(value(&tiers.collect::<Vec<_>>()).unwrap())
                })
                .boxed(),
            Strictness::Identity => {
                let kinds = vec!["card-presented", "pin-verified", "customer-confirmed"];
                (any::<bool>(), prop::collection::vec((1..9_u32, subsequence(kinds, 1..=3)), 0..4))
                    .prop_map(|(from_nothing, rules)| {
                        let mut above = 0;
                        let rules = rules.into_iter().enumerate().map(|(index, (more, any_of))| {
                            above += more;
                            match from_nothing && index == 0 {
                                true => json!({ "any-of": any_of }),
                                false => json!({ "above": above, "any-of": any_of }),
                            }
                        });
                        list(&rules.collect::<Vec<_>>())
                    })
                    .boxed()
            }
            Strictness::Equal => words(&["a", "b"]),
        }
    }

    fn tier_of() -> impl Strategy<Value = Tier> {
        let roles = || subsequence(vec!["r", "s", "t", "u"], 1..=3);
        let escalation = prop::collection::vec((1..5_u32, roles()), 0..3); // the last before the request ends
        (0..4_u32, roles(), escalation, 9..15_u32).prop_map(|(needed, roles, escalation, expires)| {
            let role = |role: &&str| Role::parse(role).unwrap();
            let roles: Vec<Role> = roles.iter().map(role).collect();
            let mut after = 0;
            let escalation = escalation.iter().map(|(later, roles)| {
                after += later;
                EscalationRule { after: Span::new(after).unwrap(), roles: roles.iter().map(role).collect() }
            });
            let escalation: Vec<EscalationRule> = escalation.collect();
            let expires_after = Span::new(expires).unwrap();
            let (escalation, roles) = if needed == 0 { (Vec::new(), Vec::new()) } else { (escalation, roles) };
            Tier { escalation, expires_after, name: "t".to_owned(), needed, roles, up_to: None }
        })
    }

    fn tables(fields: &'static [Field]) -> BoxedStrategy<Value> {
        let all: Vec<BoxedStrategy<(&'static str, Option<Value>)>> =
            fields.iter().map(|(field, kind)| values(*kind).prop_map(move |value| (*field, value)).boxed()).collect();
        all.prop_map(|fields| {
            let mut table = Map::new();
            for (field, value) in fields {
                put(&mut table, field, value);
            }
            Value::Object(table)
        })
        .boxed()
    }

    fn kinds() -> Vec<(&'static str, Strictness)> {
        let sections = WAYS.iter().chain(SECTIONS).flat_map(|(_, fields)| fields.iter());
        sections.chain(ROOT).copied().chain([("window", Strictness::WindowWithoutCalendar)]).collect()
    }

    /// A field's kind, and three of its values.
    fn three() -> impl Strategy<Value = (&'static str, Strictness, [Option<Value>; 3])> {
        select(kinds()).prop_flat_map(|(field, kind)| {
            let three = [values(kind), values(kind), values(kind)];
            three.prop_map(move |values| (field, kind, values))
        })
    }

    /// The day on which a window is over for what was paid on one, and whether nobody says so.
    fn end(
        window: RefundWindow,
        paid_on: NaiveDate,
        days: &WorkingDays,
        until: Option<NaiveDate>,
    ) -> (NaiveDate, bool) {
        match window {
            RefundWindow::Days(n) => (paid_on + Days::new(u64::from(n)), false),
            RefundWindow::Months(n) => (paid_on + Months::new(n), false),
            RefundWindow::WorkingDays(n) => match days.after_working_days(paid_on, n) {
                Some(last) => (last, false),
                None => (until.unwrap(), true),
            },
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_no_longer_is_over_no_later(
            units in (select(vec!["days", "months", "working-days"]), select(vec!["days", "months", "working-days"])),
            lengths in (1..40_u32, 1..40_u32),
            paid in 0..800_u64,
            has_calendar in any::<bool>(),
        ) {
            let window = |unit: &str, n: u32| serde_json::from_value::<RefundWindow>(json!({ unit: n })).unwrap();
            let (one, other) = (window(units.0, lengths.0), window(units.1, lengths.1));
            let calendar = crate::document::Calendar {
                weekend: vec![Weekday::Saturday, Weekday::Sunday],
                holidays: vec![Date::parse("2027-01-01").unwrap()],
                workdays: vec![Date::parse("2027-01-02").unwrap(), Date::parse("2027-01-03").unwrap()],
                until: Date::parse("2027-12-31").unwrap(),
            };
            let calendar = has_calendar.then_some(calendar);
            let ends = if has_calendar { CalendarEnds::OnSomeDay } else { CalendarEnds::Never };
            prop_assume!(is_no_longer(one, other, ends));
            let days = WorkingDays::new(calendar.as_ref());
            let until = calendar.map(|calendar| calendar.until.day());
            let paid_on = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(paid);
            prop_assume!(until.is_none_or(|until| paid_on <= until));
            let (first, second) = (end(one, paid_on, &days, until), end(other, paid_on, &days, until));
            prop_assert!(first.0 <= second.0, "{one:?} {first:?} {other:?} {second:?}");
        }
    }

    /// Whether one value is as strict as the other.
    fn is_stricter(kind: Strictness, one: Option<&Value>, than: Option<&Value>) -> bool {
        let added = matches!(kind, Strictness::AllOf | Strictness::Evidence | Strictness::Keyed(..));
        meet(kind, than, one).is_ok_and(|both| !both.is_looser && (!added || same(kind, both.value.as_ref(), one)))
    }

    /// Whether two values say the same, in any order.
    fn same(kind: Strictness, one: Option<&Value>, other: Option<&Value>) -> bool {
        match kind {
            Strictness::Permission(absent) => {
                let absent = json!(absent);
                one.unwrap_or(&absent) == other.unwrap_or(&absent)
            }
            Strictness::Tiers => sense(&typed::<Vec<Tier>>(one).unwrap()) == sense(&typed::<Vec<Tier>>(other).unwrap()),
            Strictness::Identity => {
                let plain = |value| {
                    let rules: Vec<IdentityRule> = typed(value).unwrap();
                    identity(&rules, &rules).unwrap()
                };
                let sets = |rules: Vec<IdentityRule>| {
                    let words = |rule: &IdentityRule| {
                        let mut words: Vec<&str> = rule.any_of.iter().map(|kind| kind.word()).collect();
                        words.sort_unstable();
                        words
                    };
                    let mut sets: Vec<_> = rules.iter().map(|rule| (rule.above, words(rule))).collect();
                    sets.dedup_by(|later, earlier| later.1 == earlier.1);
                    sets
                };
                sets(plain(one)) == sets(plain(other))
            }
            _ => sorted(one.cloned()) == sorted(other.cloned()),
        }
    }

    fn sorted(value: Option<Value>) -> Option<Value> {
        value.map(|value| match value {
            Value::Array(items) => {
                let mut items: Vec<Value> = items.into_iter().filter_map(|item| sorted(Some(item))).collect();
                items.sort_by_key(ToString::to_string);
                Value::Array(items)
            }
            Value::Object(fields) => {
                Value::Object(fields.into_iter().filter_map(|(key, value)| Some((key, sorted(Some(value))?))).collect())
            }
            atom => atom,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

        #[test]
        fn what_holds_is_as_strict_as_both((field, kind, [a, b, _]) in three()) {
            let Ok(both) = meet(kind, a.as_ref(), b.as_ref()) else { return Ok(()) };
            let holds = both.value.as_ref();
            prop_assert!(is_stricter(kind, holds, a.as_ref()), "{field}: {holds:?} is looser than {a:?}");
            // A list of tables may say less than what is above: it holds as it is there.
            let unsaid = matches!(kind, Strictness::Keyed(..)) && meet(kind, b.as_ref(), holds).is_err();
            prop_assert!(unsaid || is_stricter(kind, holds, b.as_ref()), "{field}: {holds:?} is looser than {b:?}");
        }

        #[test]
        fn a_value_with_itself_is_itself((field, kind, [a, _, _]) in three()) {
            let both = meet(kind, a.as_ref(), a.as_ref()).unwrap();
            prop_assert!(!both.is_looser, "{field}: {a:?}");
            prop_assert!(same(kind, both.value.as_ref(), a.as_ref()), "{field}: {a:?}: {:?}", both.value);
        }

        #[test]
        fn it_does_not_matter_which_is_the_upper((field, kind, [a, b, _]) in three()) {
            let one = meet(kind, a.as_ref(), b.as_ref()).map(|both| both.value);
            let other = meet(kind, b.as_ref(), a.as_ref()).map(|both| both.value);
            if let (Ok(one), Ok(other)) = (one, other) {
                prop_assert!(same(kind, one.as_ref(), other.as_ref()), "{field}: {one:?} {other:?}");
            }
        }

        #[test]
        fn three_layers_hold_the_same_in_either_order_of_putting_them_together((field, kind, [a, b, c]) in three()) {
            let then = |one: Option<&Value>, other: Option<&Value>| meet(kind, one, other).map(|both| both.value);
            let left = then(a.as_ref(), b.as_ref()).and_then(|both| then(both.as_ref(), c.as_ref()));
            let right = then(b.as_ref(), c.as_ref()).and_then(|both| then(a.as_ref(), both.as_ref()));
            if let (Ok(left), Ok(right)) = (left, right) {
                prop_assert!(same(kind, left.as_ref(), right.as_ref()), "{field}: {left:?} {right:?}");
            }
        }
    }

    /// The evidence that rules demand for more than an amount, some time after the payment, for a reason.
    fn demanded(rules: Option<&Value>, amount: i64, age: i64, reason: &str) -> Vec<String> {
        let reaches = |rule: &&Value| {
            let reasons = items(rule.get("reasons"));
            rule.get("above").and_then(Value::as_i64).is_none_or(|above| amount > above)
                && rule.get("after").and_then(Value::as_i64).is_none_or(|after| age >= after)
                && (reasons.is_empty() || reasons.contains(&json!(reason)))
        };
        let kinds = items(rules).iter().filter(reaches).map(|rule| rule["kind"].to_string());
        let mut kinds: Vec<String> = kinds.collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

        #[test]
        fn a_version_that_is_nowhere_looser_is_what_a_layer_may_say((field, kind, [a, b, c]) in three()) {
            prop_assert!(is_no_looser(kind, a.as_ref(), a.as_ref()), "{field}: {a:?}");
            if is_no_looser(kind, a.as_ref(), b.as_ref()) {
                let both = meet(kind, a.as_ref(), b.as_ref()).unwrap();
                prop_assert!(!both.is_looser, "{field}: {a:?} {b:?}");
                // And what holds then is what the version says.
                prop_assert!(is_no_looser(kind, b.as_ref(), both.value.as_ref()), "{field}: {both:?} {b:?}");
                prop_assert!(is_no_looser(kind, both.value.as_ref(), b.as_ref()), "{field}: {both:?} {b:?}");
                let then = is_no_looser(kind, b.as_ref(), c.as_ref());
                prop_assert!(!then || is_no_looser(kind, a.as_ref(), c.as_ref()), "{field}: {a:?} {b:?} {c:?}");
            }
        }

        #[test]
        fn evidence_that_is_nowhere_looser_demands_no_less(
            (a, b) in (values(Strictness::Evidence), values(Strictness::Evidence)),
            (amount, age, reason) in (0..6_i64, 0..6_i64, select(vec!["a", "b", "c", "d"])),
        ) {
            prop_assume!(is_no_looser(Strictness::Evidence, a.as_ref(), b.as_ref()));
            let (old, new) = (demanded(a.as_ref(), amount, age, reason), demanded(b.as_ref(), amount, age, reason));
            prop_assert!(old.iter().all(|kind| new.contains(kind)), "{old:?} {new:?}");
        }
    }

    #[test]
    fn every_field_of_the_language_has_its_strictness() {
        // The readers ask for every field; serde names what it misses and what it does not know.
        fn named<T: DeserializeOwned>(fields: &[Field]) {
            for (field, _) in fields {
                let error = serde_json::from_value::<T>(json!({ *field: [[]] })).map(|_| ()).unwrap_err().to_string();
                assert!(!error.contains("unknown field"), "{field}: {error}");
            }
            let error = serde_json::from_value::<T>(json!({ "?": 0 })).map(|_| ()).unwrap_err().to_string();
            let expected: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
            let known: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
            assert_eq!(expected, known);
        }
        let of = |way: &str| WAYS.iter().chain(SECTIONS).find(|(name, _)| *name == way).unwrap().1;
        named::<VoidRules>(of("void"));
        named::<RefundRules>(of("refund"));
        named::<ReversalRules>(of("reversal"));
        named::<CodeRules>(of("code"));
        named::<HoldRules>(of("hold"));
        named::<crate::document::Calendar>(of("calendar"));
        named::<crate::document::LegalRules>(of("legal"));
        named::<crate::document::OfflineRules>(of("offline"));
        named::<crate::document::SupportRules>(of("support"));
    }
}

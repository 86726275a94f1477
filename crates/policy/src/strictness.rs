//! Which of two policies is the stricter, field by field: what a layer may say, and which way a new version went.
//!
//! A layer is put upon a policy. Of each field that it says, the stricter of both holds; where it is the looser, that is a
//! mistake unless the upper leaves the field to its layers. Two versions are compared by the same word. This table is the
//! whole of that: whoever adds a field to the language says here which way is stricter.

/// How two values of a field compare.
#[cfg_attr(not(feature = "compile"), allow(dead_code, reason = "layers are put together where policies are compiled"))]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Strictness {
    /// The smaller number is stricter; absent is no limit.
    AtMost,
    /// The larger number is stricter; absent is no limit.
    AtLeast,
    /// The earlier day is stricter; absent is no limit.
    Until,
    /// The later day is stricter; absent is no limit.
    From,
    /// Fewer are stricter: those that are in both. Empty is everything.
    OneOf,
    /// More are stricter: those that are in either.
    AllOf,
    /// Evidence that is demanded: more is stricter, from a smaller amount or an earlier time on, for more reasons.
    Evidence,
    /// `allow`, `refer`, `deny`: the later is stricter. Absent: as given.
    Permission(&'static str),
    /// `true` is stricter.
    Demanded,
    /// `false` is stricter.
    Granted,
    /// `mandatory` is stricter than `optional`.
    Mandatory,
    /// A refund's window, in days, months or working days: the shorter is stricter, if that can be told.
    Window,
    /// The same in a document without a calendar: working days go on for ever.
    WindowWithoutCalendar,
    /// A table, field by field. Absent: nothing is demanded, so adding it is stricter.
    Demand(&'static [Field]),
    /// A table, field by field. Absent: it is not granted, so adding it is looser.
    Grant(&'static [Field]),
    /// A list of tables, each with its own key: the stricter of those with the same key, and all others of both.
    Keyed(&'static [&'static str], &'static [Field]),
    /// Who must agree, by amount: more persons, of fewer roles, in less time are stricter.
    Tiers,
    /// How the customer is identified, by amount: fewer kinds of proof are stricter.
    Identity,
    /// Neither is stricter: they must be equal.
    Equal,
}
use Strictness::{
    AllOf, AtLeast, AtMost, Demand, Demanded, Equal, Evidence, From, Grant, Granted, Identity, Keyed, Mandatory, OneOf,
    Permission, Tiers, Until, Window,
};

/// A field, as it is written, and how its values compare.
pub(crate) type Field = (&'static str, Strictness);

const PROOF: &[Field] = &[("bound", Demanded), ("max-age", AtMost)];

const COUNT: &[Field] = &[("at-ceiling", Permission("allow")), ("at-most", AtMost), ("per-business-day", AtMost)];

/// `[void]`.
const VOID: &[Field] = &[
    ("acquiring-fee", Equal),
    ("after-refund", Permission("allow")),
    ("arrival", Equal),
    ("authentication", Demand(PROOF)),
    ("closed", Permission("deny")),
    ("count", Keyed(&["counted", "within"], COUNT)),
    ("enabled", Granted),
    ("evidence", Evidence),
    ("executor", Equal),
    ("identity", Identity),
    ("instead", Equal),
    ("kinds-not-voidable", AllOf),
    ("max-amount", AtMost),
    ("min-amount", AtLeast),
    ("minimum-wait", AtLeast),
    ("operation-fee", Equal),
    ("operator-roles", OneOf),
    ("paid-out", Permission("allow")),
    ("reason", Mandatory),
    ("reasons", OneOf),
    ("same", AllOf),
    ("since", Equal),
    ("slip", Equal),
    ("until-settlement", Demanded),
    ("window", AtMost),
];

/// `[refund]`.
const REFUND: &[Field] = &[
    ("acquiring-fee", Equal),
    ("after-window", Permission("deny")),
    ("arrival", Equal),
    ("authentication", Demand(PROOF)),
    ("closed", Permission("deny")),
    ("count", Keyed(&["counted", "within"], COUNT)),
    ("coupon", Equal),
    ("enabled", Granted),
    ("evidence", Evidence),
    ("executor", Equal),
    ("funding", Equal),
    ("identity", Identity),
    ("instead", Equal),
    ("kinds-not-refundable", AllOf),
    ("late-fee", Equal),
    ("max-amount", AtMost),
    ("max-count", AtMost),
    ("min-amount", AtLeast),
    ("min-spacing", AtLeast),
    ("minimum-wait", AtLeast),
    ("not-refundable", Permission("deny")),
    ("operation-fee", Equal),
    ("partial", Granted),
    ("real-time", Permission("allow")),
    ("reason", Mandatory),
    ("reasons", OneOf),
    ("same-business-day", Permission("allow")),
    ("since", Equal),
    ("slip", Equal),
    ("tier", Tiers),
    ("tiers-by", AllOf),
    ("window", Window),
];

/// `[reversal]`.
const REVERSAL: &[Field] = &[
    ("after-window", Permission("allow")), // without a window, nothing is after it
    ("enabled", Granted),
    ("executor", Equal),
    ("minimum-wait", AtLeast),
    ("queries", Equal),
    ("slip", Equal),
    ("window", AtMost),
];

/// `[code]`.
const CODE: &[Field] = &[
    ("enabled", Granted),
    ("executor", Equal),
    ("expired", Permission("allow")),
    ("queries", Equal),
    ("scanned", Permission("allow")),
    ("slip", Equal),
    ("time-to-live", AtMost),
];

/// `[hold]`.
const HOLD: &[Field] = &[
    ("ceiling-percent", AtMost),
    ("completion-authentication", Demand(PROOF)),
    ("completion-roles", OneOf),
    (
        "completion-void",
        Grant(&[
            ("authentication", Demand(PROOF)),
            ("operator-roles", OneOf),
            ("until-settlement", Demanded),
            ("window", AtMost),
        ]),
    ),
    ("enabled", Granted),
    ("executor", Equal),
    ("penalty", Grant(&[("cap", AtMost), ("max-rate", AtMost)])),
    ("queries", Equal),
    ("release-authentication", Demand(PROOF)),
    ("release-roles", OneOf),
    ("slip", Equal),
    ("validity", AtMost),
];

/// The ways, each with its fields. They can have variants.
pub(crate) const WAYS: &[(&str, &[Field])] =
    &[("code", CODE), ("hold", HOLD), ("refund", REFUND), ("reversal", REVERSAL), ("void", VOID)];

/// The other sections, each with its fields. Adding one that the upper does not have is not stricter: it grants something,
/// or says something that has no order.
pub(crate) const SECTIONS: &[(&str, &[Field])] = &[
    ("calendar", &[("holidays", Equal), ("until", Equal), ("weekend", Equal), ("workdays", Equal)]),
    ("legal", &[("order-lives", AtMost), ("roles", OneOf)]),
    (
        "offline",
        &[
            ("at-ceiling", Permission("allow")),
            ("bundle-age", AtMost),
            ("contact-age", AtMost),
            ("max-amount", AtMost),
            ("max-count", AtMost),
            ("max-records", AtMost),
            ("max-total", AtMost),
            ("other", Permission("allow")),
            ("refund", Permission("allow")),
            ("reversal", Permission("allow")),
            ("void", Permission("allow")),
        ],
    ),
    ("privacy", &[("retention-days", AtMost)]),
    ("support", &[("case-lives", AtMost), ("grant-lives", AtMost), ("roles", OneOf)]),
];

/// What stands at the top of a document.
pub(crate) const ROOT: &[Field] = &[
    ("charge", Equal),
    ("currency", Equal),
    ("cut-off", Equal),
    ("effective", Demand(&[("from", From), ("until", Until)])),
    ("prepaid", Keyed(&["kind"], &[("cancellable", Permission("allow")), ("penalty", Equal)])),
    ("time-zone", Equal),
];

/// Whether a policy can leave a place to its layers: `refund`, `refund.window`, `charge`, ….
pub(crate) fn can_be_left(place: &str) -> bool {
    let (section, field) = place.split_once('.').map_or((place, None), |(section, field)| (section, Some(field)));
    let of = WAYS.iter().chain(SECTIONS).find(|(name, _)| *name == section);
    match (of, field) {
        (Some(_), None) => true,
        (Some((_, fields)), Some(field)) => fields.iter().any(|(name, _)| *name == field),
        // Which currency an amount is in, and when a day ends, is never left: the numbers above would mean others.
        (None, None) => ROOT.iter().any(|(name, _)| *name == section) && !FIXED.contains(&section),
        (None, Some(_)) => false,
    }
}

/// Which of the places that a layer leaves to those below it were not left to it, by their number: what is left can only
/// become less.
#[cfg_attr(not(feature = "compile"), allow(dead_code, reason = "layers are put together where policies are compiled"))]
pub(crate) fn left_beyond<'a>(upper: &'a [String], lower: &'a [String]) -> impl Iterator<Item = usize> + 'a {
    let is_left = move |place: &String| {
        let section = place.split('.').next().unwrap_or_default();
        upper.iter().any(|left| left == place || left == section)
    };
    lower.iter().enumerate().filter(move |(_, place)| !is_left(place)).map(|(index, _)| index)
}

/// What a layer can never change.
pub(crate) const FIXED: &[&str] = &["currency", "cut-off", "time-zone"];

//! Where a policy states a rule.

/// A place in the document, written out only where somebody wants to read it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "only explanations read places"))]
pub(crate) enum Place<'a> {
    /// Nowhere: it is no policy's choice.
    Nowhere,
    /// A field of the section that holds, or of its variant: `window`, `completion-void.window`.
    Field(&'static str),
    /// An item of a list there: `count[0]`.
    Item(&'static str, usize),
    /// A named item of a list there: `tier[one-person]`.
    Named(&'static str, &'a str),
    /// Elsewhere in the document: `legal.roles`.
    Document(&'static str),
    /// A field of the rule for a kind that is paid for in advance: `prepaid[hotel].penalty`.
    Prepaid(&'a str, &'static str),
    /// A step of its penalty schedule: `prepaid[hotel].penalty[0]`.
    PenaltyStep(&'a str, usize),
    /// A charge: `charge[credit]`, `charge[credit].cap`.
    Charge(&'a str, &'static str),
}

#[cfg(not(target_arch = "wasm32"))]
mod text {
    use super::Place;
    use serde::Serialize;

    /// The section that is judged by, with what its variant changes.
    #[derive(Debug, Default)]
    pub(crate) struct Section {
        name: &'static str,
        variant: Option<String>,
        /// Fields in which the variant differs from its section.
        differing: Vec<String>,
    }

    impl Section {
        /// A section, or the variant of it that holds.
        pub(crate) fn new<R: Serialize>(name: &'static str, base: Option<&R>, variant: Option<(&str, &R)>) -> Self {
            let Some((variant, rules)) = variant else { return Self { name, ..Self::default() } };
            Self { name, variant: Some(variant.to_owned()), differing: differing(base, rules) }
        }

        /// The variant's name.
        pub(crate) fn variant(&self) -> Option<&str> {
            self.variant.as_deref()
        }

        /// A place as it is written. What a variant took over from its section is stated there.
        pub(crate) fn text(&self, place: Place<'_>) -> String {
            match place {
                Place::Nowhere => String::new(),
                Place::Field(field) => self.of(field),
                Place::Item(field, index) => format!("{}[{index}]", self.of(field)),
                Place::Named(field, name) => format!("{}[{name}]", self.of(field)),
                Place::Document(place) => place.to_owned(),
                Place::Prepaid(kind, field) => format!("prepaid[{kind}].{field}"),
                Place::PenaltyStep(kind, step) => format!("prepaid[{kind}].penalty[{step}]"),
                Place::Charge(name, "") => format!("charge[{name}]"),
                Place::Charge(name, part) => format!("charge[{name}].{part}"),
            }
        }

        fn of(&self, field: &str) -> String {
            let first = field.split('.').next().unwrap_or(field);
            match &self.variant {
                Some(variant) if self.differing.iter().any(|differing| differing == first) => {
                    format!("{}.when[{variant}].{field}", self.name)
                }
                _ => format!("{}.{field}", self.name),
            }
        }
    }

    /// The fields in which two sections differ.
    fn differing<R: Serialize>(base: Option<&R>, rules: &R) -> Vec<String> {
        // Serializing cannot fail: texts, integers, lists and records only. Should it ever, nothing differs.
        let fields = |rules: &R| match serde_json::to_value(rules) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (base, rules) = (base.map(fields).unwrap_or_default(), fields(rules));
        let changed = rules.iter().filter(|(name, value)| base.get(*name) != Some(*value));
        changed.map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use text::Section;

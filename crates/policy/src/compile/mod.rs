//! From TOML to the canonical form.

mod arrival;
mod calendar;
mod charge;
mod code;
mod comparison;
mod count;
mod diagnostic;
mod fee;
mod hold;
mod layer;
mod matcher;
mod offline;
mod people;
mod prepaid;
mod proof;
mod reader;
mod refund;
mod reversal;
mod stricter;
mod variant;
mod void;

pub use comparison::{Comparison, Course, Held, Order};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use layer::{compile_layers, extends};

use crate::canonical::canonical;
use crate::check::{self, Place, Problem, Step, shown};
use crate::document::{Document, FORMAT, Variants};
use crate::limits::{DOCUMENT_BYTES, TOML_BYTES};
use crate::scalar::{BadScalar, CutOff, UtcOffset};
use core::ops::Range;
use diagnostic::Mistake;
use miette::NamedSource;
use reader::{Item, Reader, Section};
use rescind_model::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeTable;

/// A compiled policy: its canonical form and the hash of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    document: Document,
    canonical: Vec<u8>,
    hash: Digest,
}

impl Compiled {
    /// A document without problems.
    fn new(document: Document) -> Result<Self, Box<Mistake>> {
        let canonical = canonical(&document);
        if canonical.len() > DOCUMENT_BYTES {
            let expected = format!("at most {DOCUMENT_BYTES} bytes compiled");
            return Err(Box::new(whole_file("policy.too-large", expected, format!("{} bytes", canonical.len()))));
        }
        let hash = Digest::of(&canonical);
        Ok(Self { document, canonical, hash })
    }

    /// What the policy says.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The canonical form: what is stored, signed and loaded.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// The SHA-256 of the canonical form.
    #[must_use]
    pub fn hash(&self) -> &Digest {
        &self.hash
    }
}

/// Compiles a policy that is written as a whole. `file_name` is used in messages only. A layer is compiled with what it is
/// put upon: [`compile_layers`].
///
/// # Errors
/// Everything that is wrong, at once and each at its place: syntax; fields that are missing, unknown or of the wrong kind;
/// then ranges and contradictions of every section that could be read.
pub fn compile(toml_text: &str, file_name: &str) -> Result<Compiled, Diagnostics> {
    let table = parsed(toml_text, file_name)?;
    whole(toml_text, file_name, &table).map(|(compiled, _)| compiled)
}

/// Where everything stands in a file.
type Spans = BTreeMap<Place, Range<usize>>;

fn parsed<'i>(toml_text: &'i str, file_name: &str) -> Result<Spanned<DeTable<'i>>, Diagnostics> {
    if toml_text.len() > TOML_BYTES {
        // The text itself is not carried in the message: it may be anything.
        let mistake =
            whole_file("policy.too-large", format!("at most {TOML_BYTES} bytes"), format!("{} bytes", toml_text.len()));
        return Err(refused(file_name, "", vec![mistake]));
    }
    let (table, errors) = DeTable::parse_recoverable(toml_text);
    if errors.is_empty() {
        return Ok(table);
    }
    let syntax = errors.iter().map(|error| Mistake {
        code: "policy.syntax",
        span: error.span().unwrap_or(0..0),
        at: String::new(),
        expected: "TOML".to_owned(),
        found: error.message().to_owned(),
        suggestion: None,
    });
    Err(refused(file_name, toml_text, syntax.collect()))
}

fn whole(text: &str, file_name: &str, table: &Spanned<DeTable<'_>>) -> Result<(Compiled, Spans), Diagnostics> {
    if let Some(upper) = layer::upper_of(table.get_ref()) {
        let (expected, found) = ("a policy that is written as a whole", format!("a layer upon {}", shown(upper)));
        let mistake = whole_file("policy.layer", expected.to_owned(), found);
        return Err(refused(file_name, text, vec![mistake]));
    }
    let mut reader = Reader::new();
    let mut root = Section::root(table);
    let parts = document(&mut reader, &mut root);
    reader.finish(&root);
    let (mut mistakes, spans) = reader.into_parts();
    mistakes.extend(contradictions(&parts, &spans));
    match parts.document.filter(|_| mistakes.is_empty()) {
        Some(document) => match Compiled::new(document) {
            Ok(compiled) => Ok((compiled, spans)),
            Err(mistake) => Err(refused(file_name, text, vec![*mistake])),
        },
        None => {
            if mistakes.is_empty() {
                mistakes.push(whole_file("policy.shape", "a policy".to_owned(), "something else".to_owned()));
            }
            Err(refused(file_name, text, mistakes))
        }
    }
}

fn whole_file(code: &'static str, expected: String, found: String) -> Mistake {
    Mistake { code, span: 0..0, at: String::new(), expected, found, suggestion: None }
}

fn refused(file_name: &str, text: &str, mistakes: Vec<Mistake>) -> Diagnostics {
    let source = Arc::new(NamedSource::new(file_name, text.to_owned()));
    let all = mistakes.into_iter().map(|mistake| Diagnostic::new(&source, mistake)).collect();
    Diagnostics::new(file_name, all)
}

/// The document, and what of it could be read when not all could.
struct Parts {
    document: Option<Document>,
    /// With what could not be read left out; nothing if not even the header could be.
    readable: Option<Document>,
    /// Whether the void section could not be read.
    void_is_unreadable: bool,
}

/// What the checks find in everything that could be read.
fn contradictions(parts: &Parts, spans: &Spans) -> Vec<Mistake> {
    let Some(document) = &parts.readable else { return Vec::new() };
    let mut problems = check::problems(document);
    problems.retain(|problem| !(parts.void_is_unreadable && problem.code == "policy.no-remedy"));
    let of_sections: Vec<Problem> =
        problems.iter().filter(|problem| section_place(&problem.at).is_none()).cloned().collect();
    problems.retain(|problem| !is_inherited(problem, &of_sections, spans));
    let mistake = |problem: Problem| Mistake {
        code: problem.code,
        span: span_of(&problem.at, spans),
        at: problem.at.to_string(),
        expected: problem.expected,
        found: problem.found,
        suggestion: problem.suggestion,
    };
    problems.into_iter().map(mistake).collect()
}

/// The place in the section of what stands in one of its variants: `void.window` of `void.when[0].window`.
fn section_place(at: &Place) -> Option<Place> {
    match at.0.as_slice() {
        [way, Step::Key("when"), Step::Index(_), rest @ ..] => Some(Place([&[*way], rest].concat())),
        _ => None,
    }
}

/// Whether a variant has a problem only because its section has it: once is enough.
fn is_inherited(problem: &Problem, of_sections: &[Problem], spans: &Spans) -> bool {
    let Some(above) = section_place(&problem.at).filter(|_| !spans.contains_key(&problem.at)) else { return false };
    let same = |other: &Problem| (&other.at, other.code, &other.found) == (&above, problem.code, &problem.found);
    of_sections.iter().any(same)
}

/// The span of a place; of a variant's field that it has from its section, the span there; of what is missing, the span of
/// the nearest thing around it.
fn span_of(place: &Place, spans: &Spans) -> Range<usize> {
    let mut place = place.clone();
    loop {
        let of_section = || section_place(&place).filter(|above| above.0.len() > 1).and_then(|above| spans.get(&above));
        if let Some(span) = spans.get(&place).or_else(of_section) {
            return span.clone();
        }
        if place.0.pop().is_none() {
            return 0..0;
        }
    }
}

fn format(r: &mut Reader, item: &Item<'_, '_>) -> Option<u32> {
    let format = r.count(item)?;
    // One mistake instead of a hundred: a later language is not this one with mistakes.
    (format == FORMAT)
        .then_some(format)
        .or_else(|| r.scalar(item, |_| Err(BadScalar { expected: "1, the only format this Rescind knows" })))
}

fn document(r: &mut Reader, root: &mut Section<'_, '_>) -> Parts {
    let format = r.required(root, "format", |r, item| format(r, &item));
    let name = r.required(root, "name", |r, item| r.text(&item));
    let version = r.required(root, "version", |r, item| r.text(&item));
    let source = r.required(root, "source", |r, item| r.text(&item));
    let currency = r.required(root, "currency", |r, item| r.text(&item));
    let time_zone = r.required(root, "time-zone", |r, item| r.scalar(&item, UtcOffset::parse));
    let cut_off = r.required(root, "cut-off", |r, item| r.scalar(&item, CutOff::parse));
    r.set_currency(currency.as_deref().unwrap_or(""));
    let calendar = r.optional(root, "calendar", |r, item| r.table(item, calendar::calendar));
    let effective = r.optional(root, "effective", |r, item| r.table(item, calendar::effective));
    let leaves_to_layers = r.list(root, "leaves-to-layers", |r, item| r.text(&item));
    let charge = r.list(root, "charge", |r, item| r.table(item, charge::charge_rule));
    let void = r.optional(root, "void", |r, item| r.way(item, &[], void::void_rules));
    let refund = r.optional(root, "refund", |r, item| r.way(item, &[], refund::refund_rules));
    let reversal =
        r.optional(root, "reversal", |r, item| r.way(item, &[], |r, s| reversal::reversal_rules(r, s).map(Some)));
    let code = r.optional(root, "code", |r, item| r.way(item, &[], code::code_rules));
    let hold = r.optional(root, "hold", |r, item| r.way(item, &[], hold::hold_rules));
    let offline = r.optional(root, "offline", |r, item| r.table(item, offline::offline_rules));
    let prepaid = r.list(root, "prepaid", |r, item| r.table(item, prepaid::prepaid_rule));
    let support = r.optional(root, "support", |r, item| r.table(item, people::support_rules));
    let legal = r.optional(root, "legal", |r, item| r.table(item, people::legal_rules));
    let privacy = r.optional(root, "privacy", |r, item| r.table(item, people::privacy_rules));

    let days = calendar.is_some() && effective.is_some() && leaves_to_layers.is_some() && charge.is_some();
    let money = void.is_some() && refund.is_some() && reversal.is_some();
    let began = code.is_some() && hold.is_some() && prepaid.is_some() && offline.is_some();
    let people = support.is_some() && legal.is_some() && privacy.is_some();
    let (void_is_unreadable, complete) = (void.is_none(), days && money && began && people);
    let (void, when_void) = variant::parts(void.flatten());
    let (refund, when_refund) = variant::parts(refund.flatten());
    let (reversal, when_reversal) = variant::parts(reversal.flatten());
    let (code, when_code) = variant::parts(code.flatten());
    let (hold, when_hold) = variant::parts(hold.flatten());
    let when =
        Variants { code: when_code, hold: when_hold, refund: when_refund, reversal: when_reversal, void: when_void };
    let header = || -> Option<Document> {
        Some(Document {
            calendar: calendar.flatten(),
            charge: charge.unwrap_or_default(),
            code,
            currency: currency?,
            cut_off: cut_off?,
            effective: effective.flatten(),
            format: format?,
            hold,
            layers: Vec::new(),
            leaves_to_layers: leaves_to_layers.unwrap_or_default(),
            legal: legal.flatten(),
            name: name?,
            offline: offline.flatten(),
            prepaid: prepaid.unwrap_or_default(),
            privacy: privacy.flatten(),
            refund,
            reversal,
            source: source?,
            support: support.flatten(),
            time_zone: time_zone?,
            version: version?,
            void,
            when,
        })
    };
    let readable = header();
    Parts { document: readable.clone().filter(|_| complete), readable, void_is_unreadable }
}

/// Whether a section says nothing but `enabled = false`.
fn only_switched_off(s: &Section<'_, '_>, enabled: Option<bool>) -> bool {
    enabled == Some(false) && s.is_alone()
}

//! Layers: what a merchant, or a class of terminals, says besides its provider.
//!
//! A layer is put upon the policy above it and makes one effective document: of each field that it says, the stricter of
//! both holds ([`strictness`](crate::strictness)). It says only what it restricts; what it does not say is as above.
//! Saying something looser is a mistake, unless the policy above leaves that place to its layers.

use super::diagnostic::Mistake;
use super::reader::{Reader, Section};
use super::stricter::{Meet, meet, put};
use super::variant::{Said, Way};
use super::{
    Compiled, Diagnostics, Spans, calendar, charge, code, format, hold, matcher, offline, parsed, people, prepaid,
    refund, refused, reversal, section_place, span_of, void, whole, whole_file,
};
use crate::check::{self, Place, Step, shown};
use crate::document::{Document, LayerName, Matcher};
use crate::limits::{LAYERS, VARIANTS, WORD_BYTES};
use crate::scalar::{CutOff, UtcOffset};
use crate::strictness::{FIXED, Field, ROOT, SECTIONS, Strictness, WAYS, left_beyond};
use crate::word::words;
use Step::{Index, Key};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::DeTable;

/// Whose layer it is. A lower kind is put upon a higher one, or upon its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LayerKind {
    Merchant,
    TerminalClass,
}

words! {
    LayerKind { Merchant "merchant", TerminalClass "terminal-class", }
}

/// Compiles a policy and the layers put upon it, the uppermost first: each a text with its file's name for messages. They
/// make one effective document, with the lowest layer's name, version and source. One file is compiled as it is.
///
/// # Errors
/// As [`compile`](super::compile), for the first file that has a mistake; and for a layer, what it loosens
/// (`policy.looser`) without being let to, and what nothing can be as strict as (`policy.apart`).
pub fn compile_layers(files: &[(&str, &str)]) -> Result<Compiled, Diagnostics> {
    let Some((first, _)) = files.split_first() else {
        let mistake = whole_file("policy.shape", "at least one file".to_owned(), "none".to_owned());
        return Err(refused("", "", vec![mistake]));
    };
    let tables: Vec<Spanned<DeTable<'_>>> =
        files.iter().map(|(text, file)| parsed(text, file)).collect::<Result<_, _>>()?;
    let mut read: Vec<Read<'_, '_>> = Vec::new();
    let mut effective: Option<(Compiled, Option<LayerKind>)> = None;
    for ((text, file), table) in files.iter().zip(&tables) {
        let (compiled, kind, spans) = match &effective {
            None => whole(text, first.1, table).map(|(compiled, spans)| (compiled, None, spans))?,
            Some((upper, kind)) => {
                put_upon(upper, *kind, &read, text, table).map_err(|mistakes| refused(file, text, mistakes))?
            }
        };
        read.insert(0, Read { text, table: table.get_ref(), spans });
        effective = Some((compiled, kind));
    }
    effective.map(|(compiled, _)| compiled).ok_or_else(|| {
        refused("", "", vec![whole_file("policy.shape", "at least one file".to_owned(), "none".to_owned())])
    })
}

/// The name of the policy that a layer is put upon; nothing if it is none, or no TOML.
#[must_use]
pub fn extends(toml_text: &str) -> Option<String> {
    let table = parsed(toml_text, "").ok()?;
    upper_of(table.get_ref()).map(str::to_owned)
}

/// As [`extends`]; a layer that does not say it has an upper without a name.
pub(super) fn upper_of<'t>(root: &'t DeTable<'_>) -> Option<&'t str> {
    let text = |key: &str| root.get(key).map(|value| value.get_ref().as_str().unwrap_or_default());
    text("extends").or_else(|| text("layer").map(|_| ""))
}

/// A file that was read.
struct Read<'t, 'i> {
    text: &'t str,
    table: &'t DeTable<'i>,
    spans: Spans,
}

/// What a layer says.
struct Layer {
    kind: LayerKind,
    extends: String,
    name: String,
    version: String,
    source: String,
    only_for: Option<Matcher>,
    leaves_to_layers: Option<Vec<String>>,
    /// Fields of the root, in canonical form.
    root: Vec<(&'static str, Value)>,
    /// Sections without variants, in canonical form, with the fields that the file says.
    sections: Vec<(&'static str, Value, Vec<&'static str>)>,
    ways: Vec<(&'static str, Vec<Patch>)>,
}

/// What a layer says of one way, for all sales or for some.
struct Patch {
    name: Option<String>,
    /// Nothing: for all.
    matches: Option<Matcher>,
    rules: Value,
    said: Vec<&'static str>,
    place: Place,
}

/// Reads a layer and puts it upon a policy.
fn put_upon(
    upper: &Compiled,
    upper_kind: Option<LayerKind>,
    above: &[Read<'_, '_>],
    text: &str,
    table: &Spanned<DeTable<'_>>,
) -> Result<(Compiled, Option<LayerKind>, Spans), Vec<Mistake>> {
    let mut reader = Reader::new();
    reader.set_currency(&upper.document.currency);
    let mut root = Section::root(table);
    let uppers: Vec<&DeTable<'_>> = above.iter().map(|file| file.table).collect();
    let layer = read(&mut reader, &mut root, &uppers);
    reader.finish(&root);
    let (mistakes, spans) = reader.into_parts();
    let (Some(layer), true) = (layer, mistakes.is_empty()) else { return Err(mistakes) };
    let mut laying = Laying { upper: &upper.document, above, text, spans, mistakes };
    laying.header(&layer, upper_kind);
    let effective = laying.effective(&layer);
    let Laying { mistakes, spans, .. } = laying;
    match effective.filter(|_| mistakes.is_empty()) {
        Some(document) => match Compiled::new(document) {
            Ok(compiled) => Ok((compiled, Some(layer.kind), spans)),
            Err(mistake) => Err(vec![*mistake]),
        },
        None => Err(mistakes),
    }
}

// ------------------------------------------------------------ reading

fn canonical<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn read<'t, 'i>(r: &mut Reader, root: &mut Section<'t, 'i>, uppers: &[&'t DeTable<'i>]) -> Option<Layer> {
    let format = r.required(root, "format", |r, item| format(r, &item));
    let kind = r.required(root, "layer", |r, item| r.word(&item));
    let extends = r.required(root, "extends", |r, item| r.text(&item));
    let name = r.required(root, "name", |r, item| r.text(&item));
    let version = r.required(root, "version", |r, item| r.text(&item));
    let source = r.required(root, "source", |r, item| r.text(&item));
    let only_for = r.optional(root, "for", |r, item| r.table(item, matcher::matcher));
    let leaves_to_layers = r.optional(root, "leaves-to-layers", |r, item| r.items(&item, |r, item| r.text(&item)));

    let currency = r.optional(root, "currency", |r, item| r.text(&item));
    let time_zone = r.optional(root, "time-zone", |r, item| r.scalar(&item, UtcOffset::parse));
    let cut_off = r.optional(root, "cut-off", |r, item| r.scalar(&item, CutOff::parse));
    let effective = r.optional(root, "effective", |r, item| r.table(item, calendar::effective));
    let charge = r.optional(root, "charge", |r, item| r.items(&item, |r, item| r.table(item, charge::charge_rule)));
    let prepaid = r.optional(root, "prepaid", |r, item| r.items(&item, |r, item| r.table(item, prepaid::prepaid_rule)));

    let calendar = r.optional(root, "calendar", |r, item| r.part(item, uppers, calendar::calendar));
    let legal = r.optional(root, "legal", |r, item| r.part(item, uppers, people::legal_rules));
    let offline = r.optional(root, "offline", |r, item| r.part(item, uppers, offline::offline_rules));
    let privacy = r.optional(root, "privacy", |r, item| r.part(item, uppers, people::privacy_rules));
    let support = r.optional(root, "support", |r, item| r.part(item, uppers, people::support_rules));

    let code = r.optional(root, "code", |r, item| r.way(item, uppers, code::code_rules));
    let hold = r.optional(root, "hold", |r, item| r.way(item, uppers, hold::hold_rules));
    let refund = r.optional(root, "refund", |r, item| r.way(item, uppers, refund::refund_rules));
    let reversal =
        r.optional(root, "reversal", |r, item| r.way(item, uppers, |r, s| reversal::reversal_rules(r, s).map(Some)));
    let void = r.optional(root, "void", |r, item| r.way(item, uppers, void::void_rules));

    format?;
    let mut layer = Layer {
        kind: kind?,
        extends: extends?,
        name: name?,
        version: version?,
        source: source?,
        only_for: only_for?,
        leaves_to_layers: leaves_to_layers?,
        root: Vec::new(),
        sections: Vec::new(),
        ways: Vec::new(),
    };
    layer.field("currency", currency?.as_ref());
    layer.field("time-zone", time_zone?.as_ref());
    layer.field("cut-off", cut_off?.as_ref());
    layer.field("effective", effective?.as_ref());
    layer.field("charge", charge?.as_ref());
    layer.field("prepaid", prepaid?.as_ref());
    layer.section("calendar", calendar?);
    layer.section("legal", legal?);
    layer.section("offline", offline?);
    layer.section("privacy", privacy?);
    layer.section("support", support?);
    layer.way("code", code?);
    layer.way("hold", hold?);
    layer.way("refund", refund?);
    layer.way("reversal", reversal?);
    layer.way("void", void?);
    Some(layer)
}

impl Layer {
    fn field<T: Serialize>(&mut self, key: &'static str, value: Option<&T>) {
        self.root.extend(value.map(|value| (key, canonical(value))));
    }

    fn section<R: Serialize>(&mut self, key: &'static str, said: Option<Said<R>>) {
        self.sections.extend(said.map(|Said { rules, fields }| (key, canonical(&rules), fields)));
    }

    fn way<R: Serialize>(&mut self, key: &'static str, way: Option<Way<R>>) {
        let Some(Way { section, when }) = way else { return };
        let variants = when.iter().enumerate().map(|(index, (variant, said))| Patch {
            name: Some(variant.name.clone()),
            matches: Some(variant.matches.clone()),
            rules: canonical(&variant.rules),
            said: said.clone(),
            place: Place(vec![Key(key), Key("when"), Index(index)]),
        });
        let section = section.map(|Said { rules, fields }| Patch {
            name: None,
            matches: None,
            rules: canonical(&rules),
            said: fields,
            place: Place(vec![Key(key)]),
        });
        self.ways.push((key, variants.chain(section).collect()));
    }
}

// ------------------------------------------------------------ putting one upon the other

/// A layer that is being put upon a policy.
struct Laying<'a> {
    upper: &'a Document,
    /// The files above, the nearest first.
    above: &'a [Read<'a, 'a>],
    text: &'a str,
    spans: Spans,
    mistakes: Vec<Mistake>,
}

/// The rules of a way for some sales, or for those that no variant matches.
#[derive(Clone)]
struct Rules {
    /// Nothing: the section.
    variant: Option<(String, Matcher)>,
    rules: Map<String, Value>,
}

/// What a patch is compared with.
struct Compared<'a> {
    /// What holds above.
    upper: &'a Rules,
    /// The section above.
    section: &'a Map<String, Value>,
    /// Whether loosening it is a mistake; other rules above hold where they are stricter, without a word.
    is_reference: bool,
    /// Whether the effective document has a calendar.
    has_calendar: bool,
}

impl Laying<'_> {
    fn mistake(&mut self, at: &Place, code: &'static str, expected: String, found: String, suggestion: Option<String>) {
        let (span, at) = (span_of(at, &self.spans), at.to_string());
        if !self.mistakes.iter().any(|other| (other.code, &other.at) == (code, &at)) {
            self.mistakes.push(Mistake { code, span, at, expected, found, suggestion });
        }
    }

    /// Whether the policy above leaves a place to its layers.
    fn is_left(&self, section: &str, field: Option<&str>) -> bool {
        let place = field.map(|field| format!("{section}.{field}"));
        self.upper.leaves_to_layers.iter().any(|left| left == section || Some(left) == place.as_ref())
    }

    fn header(&mut self, layer: &Layer, upper_kind: Option<LayerKind>) {
        let upper = &self.upper.name;
        if layer.extends != *upper {
            let expected = format!("{upper:?}, the policy above it");
            let (found, suggestion) = (shown(&layer.extends), Some(format!("{upper:?}")));
            self.mistake(&Place(vec![Key("extends")]), "policy.layer", expected, found, suggestion);
        }
        if upper_kind.is_some_and(|kind| layer.kind < kind) {
            let expected = "\"terminal-class\", since that is what the layer above is".to_owned();
            self.mistake(&Place(vec![Key("layer")]), "policy.layer", expected, "\"merchant\"".to_owned(), None);
        }
        let Some(only_for) = &layer.only_for else { return };
        for problem in check::matcher(&self.upper.currency, &[Key("for")], only_for) {
            self.mistake(&problem.at, problem.code, problem.expected, problem.found, problem.suggestion);
        }
        let others = layer.root.iter().map(|(key, _)| *key).chain(layer.sections.iter().map(|(key, ..)| *key));
        for key in others.collect::<Vec<_>>() {
            let expected = "only sections that can hold for some sales, since this layer is `for` some".to_owned();
            self.mistake(&Place(vec![Key(key)]), "policy.layer", expected, format!("`{key}`"), None);
        }
    }

    fn effective(&mut self, layer: &Layer) -> Option<Document> {
        let Value::Object(mut document) = canonical(self.upper) else { return None };
        for (key, value) in &layer.root {
            self.field(&mut document, key, value);
        }
        for (key, rules, said) in &layer.sections {
            self.section(&mut document, key, rules, said);
        }
        let mut origins = BTreeMap::new();
        for (key, patches) in &layer.ways {
            self.way(&mut document, key, patches, layer, &mut origins);
        }
        self.leaves(&mut document, layer);
        let mut layers = self.upper.layers.clone();
        layers.push(LayerName { name: self.upper.name.clone(), version: self.upper.version.clone() });
        if layers.len() > LAYERS {
            let (expected, found) = (format!("at most {LAYERS} documents above it"), layers.len().to_string());
            self.mistake(&Place::default(), "policy.range", expected, found, None);
        }
        document.insert("layers".to_owned(), canonical(&layers));
        for (key, text) in [("name", &layer.name), ("version", &layer.version), ("source", &layer.source)] {
            document.insert(key.to_owned(), Value::from(text.as_str()));
        }
        if !self.mistakes.is_empty() {
            return None;
        }
        let document: Document = match serde_json::from_value(Value::Object(document)) {
            Ok(document) => document,
            Err(error) => {
                let found = error.to_string();
                self.mistake(&Place::default(), "policy.shape", "a policy".to_owned(), found, None);
                return None;
            }
        };
        for problem in check::problems(&document) {
            let at = where_it_is_said(problem.at, &origins);
            self.mistake(&at, problem.code, problem.expected, problem.found, problem.suggestion);
        }
        Some(document)
    }

    fn leaves(&mut self, document: &mut Map<String, Value>, layer: &Layer) {
        // A layer that says nothing leaves nothing: what was left to it was not left to what is put upon it.
        let leaves = layer.leaves_to_layers.as_deref().unwrap_or_default();
        for index in left_beyond(&self.upper.leaves_to_layers, leaves) {
            let expected = format!("only places that {} leaves to its layers", self.upper.name);
            let at = Place(vec![Key("leaves-to-layers"), Index(index)]);
            let found = leaves.get(index).map_or_else(String::new, |place| shown(place));
            self.mistake(&at, "policy.looser", expected, found, None);
        }
        put(document, "leaves-to-layers", (!leaves.is_empty()).then(|| canonical(&leaves)));
    }

    /// A field of the root.
    fn field(&mut self, document: &mut Map<String, Value>, key: &'static str, value: &Value) {
        let Some((_, kind)) = ROOT.iter().find(|(field, _)| *field == key) else { return };
        let at = Place(vec![Key(key)]);
        let upper = document.get(key).cloned();
        let holds = if self.is_left(key, None) && !FIXED.contains(&key) {
            Some(value.clone())
        } else {
            self.stricter(&at, &at, *kind, upper.as_ref(), Some(value))
        };
        put(document, key, holds.filter(|value| value.as_array().is_none_or(|items| !items.is_empty())));
    }

    fn section(&mut self, document: &mut Map<String, Value>, key: &'static str, rules: &Value, said: &[&'static str]) {
        let Some((_, fields)) = SECTIONS.iter().find(|(section, _)| *section == key) else { return };
        let Some(Value::Object(mut holds)) = document.get(key).cloned() else {
            if self.may_add(key) {
                document.insert(key.to_owned(), rules.clone());
            }
            return;
        };
        for field in said {
            let Some((_, kind)) = fields.iter().find(|(name, _)| name == field) else { continue };
            let at = Place(vec![Key(key), Key(field)]);
            let value = if self.is_left(key, Some(field)) {
                rules.get(field).cloned()
            } else {
                self.stricter(&at, &at, *kind, holds.get(*field), rules.get(field))
            };
            put(&mut holds, field, value);
        }
        document.insert(key.to_owned(), Value::Object(holds));
    }

    /// Whether a section may be added that the policy above does not have.
    fn may_add(&mut self, key: &'static str) -> bool {
        let may = self.is_left(key, None);
        if !may {
            let expected = format!("no `[{key}]`, as in {}", self.upper.name);
            self.mistake(&Place(vec![Key(key)]), "policy.looser", expected, "one".to_owned(), None);
        }
        may
    }

    /// The stricter of two values; a mistake if the lower is the looser, or if neither is.
    fn stricter(
        &mut self,
        at: &Place,
        of_upper: &Place,
        kind: Strictness,
        upper: Option<&Value>,
        lower: Option<&Value>,
    ) -> Option<Value> {
        let holds = meet(kind, upper, lower);
        if let Ok(Meet { value, is_looser: false }) = holds {
            return value;
        }
        if upper.and_then(Value::as_array).is_some_and(|items| items.iter().any(Value::is_object)) {
            // Too long to be quoted.
            let (expected, found) = match kind {
                Strictness::Equal => ("the same as", "another"),
                _ => ("nothing looser than", "something looser"),
            };
            let expected = format!("{expected} `{at}` of {}", self.upper.name);
            self.mistake(at, "policy.looser", expected, found.to_owned(), None);
            return upper.cloned();
        }
        let words = self.as_written(of_upper, upper);
        let expected = match kind {
            Strictness::Equal => format!("{words}, as in {}", self.upper.name),
            _ => format!("{words}, as in {}, or stricter", self.upper.name),
        };
        let found = self.spans.get(at).and_then(|span| self.text.get(span.clone())).map(excerpt);
        let found = found.unwrap_or_else(|| lower.map_or("nothing".to_owned(), |value| excerpt(&value.to_string())));
        let suggestion = upper.map(|_| words);
        self.mistake(at, "policy.looser", expected, found, suggestion);
        upper.cloned()
    }

    /// A value of the policy above as the nearest file has it that says it.
    fn as_written(&self, at: &Place, value: Option<&Value>) -> String {
        let Some(value) = value else { return "nothing".to_owned() };
        let written = |file: &Read<'_, '_>| file.text.get(file.spans.get(at)?.clone()).map(excerpt);
        self.above.iter().find_map(written).unwrap_or_else(|| excerpt(&value.to_string()))
    }

    // ------------------------------------------------------------ ways

    /// A way, for every pair of what holds above and what the layer says that some sale can come under.
    fn way(
        &mut self,
        document: &mut Map<String, Value>,
        key: &'static str,
        patches: &[Patch],
        layer: &Layer,
        origins: &mut BTreeMap<(&'static str, usize), Place>,
    ) {
        let Some((_, fields)) = WAYS.iter().find(|(way, _)| *way == key) else { return };
        let Some(Value::Object(section)) = document.get(key).cloned() else {
            self.new_way(document, key, patches, layer);
            return;
        };
        let above = rules_above(document, key, &section);
        let mut holds = Holding::default();
        let has_calendar = document.contains_key("calendar");
        for upper in &above {
            for patch in patches {
                for matches in pieces(layer, patch) {
                    let reference = reference(&above, &matches);
                    for both in and(upper.variant.as_ref().map(|(_, matches)| matches), &matches) {
                        if holds.are_too_many() || holds.are_never(&both) {
                            continue;
                        }
                        let is_reference = reference == upper.variant.as_ref().map(|(name, _)| name.as_str());
                        let with = Compared { upper, section: &section, is_reference, has_calendar };
                        let rules = self.patched(key, fields, patch, &with);
                        let name = both_names(upper, patch, layer);
                        if let Some(index) = holds.add(rules, &name, both) {
                            origins.insert((key, index), patch.place.clone());
                        }
                    }
                }
            }
            // For sales that the layer says nothing of, all is as above.
            let matches = upper.variant.as_ref().map(|(_, matches)| matches.clone());
            let name = upper.variant.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
            holds.add(upper.rules.clone(), &name, matches.unwrap_or_default());
        }
        let (sections, variants): (Vec<Rules>, Vec<Rules>) =
            holds.all.into_iter().partition(|rules| rules.variant.is_none());
        if let Some(section) = sections.into_iter().next() {
            document.insert(key.to_owned(), Value::Object(section.rules));
        }
        let variants: Vec<Value> = variants.into_iter().filter_map(Rules::into_variant).collect();
        set_variants(document, key, variants);
    }

    /// A way that the policy above does not have.
    fn new_way(&mut self, document: &mut Map<String, Value>, key: &'static str, patches: &[Patch], layer: &Layer) {
        if patches.is_empty() || !self.may_add(key) {
            return;
        }
        if layer.only_for.is_some() {
            let expected = format!("`[{key}]` for all sales, since {} has none", self.upper.name);
            self.mistake(&Place(vec![Key(key)]), "policy.layer", expected, "it for some".to_owned(), None);
            return;
        }
        let rules = |patch: &Patch| Rules {
            variant: patch.name.clone().zip(patch.matches.clone()),
            rules: patch.rules.as_object().cloned().unwrap_or_default(),
        };
        let (sections, variants): (Vec<Rules>, Vec<Rules>) =
            patches.iter().map(rules).partition(|one| one.variant.is_none());
        put(document, key, sections.into_iter().next().map(|section| Value::Object(section.rules)));
        set_variants(document, key, variants.into_iter().filter_map(Rules::into_variant).collect());
    }

    /// What holds where both a rule above and a patch do.
    fn patched(
        &mut self,
        key: &'static str,
        fields: &[Field],
        patch: &Patch,
        with: &Compared<'_>,
    ) -> Map<String, Value> {
        let Compared { upper, section, is_reference, has_calendar } = *with;
        let mut rules = upper.rules.clone();
        for field in &patch.said {
            let Some((_, kind)) = fields.iter().find(|(name, _)| name == field) else { continue };
            let kind = match kind {
                Strictness::Window if !has_calendar => &Strictness::WindowWithoutCalendar,
                kind => kind,
            };
            let at = Place([patch.place.0.as_slice(), &[Key(field)]].concat());
            let (above, below) = (upper.rules.get(*field), patch.rules.get(field));
            let is_left = self.is_left(key, Some(field));
            let value = if is_left && (is_reference || above == section.get(*field)) {
                below.cloned()
            } else if is_reference {
                // A variant of the effective document may stand in no file as it is.
                let of_upper = if upper.variant.is_none() { vec![Key(key), Key(field)] } else { Vec::new() };
                self.stricter(&at, &Place(of_upper), *kind, above, below)
            } else {
                match meet(*kind, above, below) {
                    Ok(both) => both.value,
                    Err(_) if is_left || matches!(kind, Strictness::Equal) => above.cloned(),
                    Err(_) => {
                        let name = upper.variant.as_ref().map_or(key, |(name, _)| name);
                        let expected = format!("something that goes together with {name:?} of {}", self.upper.name);
                        let found = below.map_or("nothing".to_owned(), |value| excerpt(&value.to_string()));
                        self.mistake(&at, "policy.apart", expected, found, None);
                        above.cloned()
                    }
                }
            };
            put(&mut rules, field, value);
        }
        rules
    }
}

impl Rules {
    fn into_variant(self) -> Option<Value> {
        let (name, matches) = self.variant?;
        let mut variant = Map::new();
        variant.insert("match".to_owned(), canonical(&matches));
        variant.insert("name".to_owned(), Value::from(name));
        variant.insert("rules".to_owned(), Value::Object(self.rules));
        Some(Value::Object(variant))
    }
}

/// The variants of a way and its section, in the order in which they hold.
fn rules_above(document: &Map<String, Value>, key: &str, section: &Map<String, Value>) -> Vec<Rules> {
    let variants = document.get("when").and_then(|when| when.get(key)).and_then(Value::as_array);
    let rules = |variant: &Value| {
        let matches: Matcher = serde_json::from_value(variant.get("match")?.clone()).ok()?;
        let name = variant.get("name")?.as_str()?.to_owned();
        Some(Rules { variant: Some((name, matches)), rules: variant.get("rules")?.as_object()?.clone() })
    };
    let mut all: Vec<Rules> = variants.into_iter().flatten().filter_map(rules).collect();
    all.push(Rules { variant: None, rules: section.clone() });
    all
}

fn set_variants(document: &mut Map<String, Value>, key: &str, variants: Vec<Value>) {
    let mut when = document.get("when").and_then(Value::as_object).cloned().unwrap_or_default();
    put(&mut when, key, (!variants.is_empty()).then_some(Value::Array(variants)));
    put(document, "when", (!when.is_empty()).then_some(Value::Object(when)));
}

/// The sales that a patch is for: every sale is an empty matcher.
fn pieces(layer: &Layer, patch: &Patch) -> Vec<Matcher> {
    let all = Matcher::default();
    layer.only_for.as_ref().unwrap_or(&all).and(patch.matches.as_ref().unwrap_or(&all))
}

fn and(above: Option<&Matcher>, matches: &Matcher) -> Vec<Matcher> {
    above.map_or_else(|| vec![matches.clone()], |above| above.and(matches))
}

/// What holds above for all the sales of a patch, by name; nothing: the section.
fn reference<'a>(above: &'a [Rules], matches: &Matcher) -> Option<&'a str> {
    let variants = above.iter().filter_map(|rules| rules.variant.as_ref());
    variants.into_iter().find(|(_, variant)| variant.covers(matches)).map(|(name, _)| name.as_str())
}

fn both_names(upper: &Rules, patch: &Patch, layer: &Layer) -> String {
    let own = patch.name.as_ref().or(layer.only_for.as_ref().map(|_| &layer.name));
    match (&upper.variant, own) {
        (Some((above, _)), Some(own)) => format!("{above}-{own}"),
        (Some((name, _)), None) | (None, Some(name)) => name.clone(),
        (None, None) => String::new(),
    }
}

/// What holds for the sales of a way, the first that matches.
#[derive(Default)]
struct Holding {
    all: Vec<Rules>,
    /// How often each name was wanted.
    names: BTreeMap<String, usize>,
}

impl Holding {
    /// Whether there are more than a document can have: the rest makes no difference any more.
    fn are_too_many(&self) -> bool {
        self.all.len() > VARIANTS.saturating_add(1)
    }

    /// Whether something that holds before matches all these sales.
    fn are_never(&self, matches: &Matcher) -> bool {
        self.all.iter().any(|before| before.variant.as_ref().is_none_or(|(_, before)| before.covers(matches)))
    }

    /// Adds what holds for some sales, unless something that holds before it matches them all: the variant's index.
    fn add(&mut self, rules: Map<String, Value>, name: &str, matches: Matcher) -> Option<usize> {
        if self.are_too_many() || self.are_never(&matches) {
            return None;
        }
        let index = self.all.len();
        let variant = (!matches.is_empty()).then(|| (self.free(name), matches));
        let is_variant = variant.is_some();
        self.all.push(Rules { variant, rules });
        is_variant.then_some(index)
    }

    /// A name that no other has: numbered if it has to be.
    fn free(&mut self, name: &str) -> String {
        let short = |length: usize| name.chars().take(length).collect::<String>();
        let mut free = short(WORD_BYTES);
        // Each turn counts a name up or ends, and there are no more names than variants.
        while let Some(wanted) = self.names.get_mut(&free) {
            *wanted = wanted.saturating_add(1);
            free = format!("{}-{wanted}", short(WORD_BYTES.saturating_sub(4)));
        }
        self.names.insert(free.clone(), 1);
        free
    }
}

/// Where the layer says what is wrong with the effective document: its variants stand elsewhere there.
fn where_it_is_said(at: Place, origins: &BTreeMap<(&'static str, usize), Place>) -> Place {
    let origin = match at.0.as_slice() {
        [Key(way), Key("when"), Index(index), ..] => origins.get(&(*way, *index)),
        _ => None,
    };
    match (origin, section_place(&at)) {
        (Some(origin), Some(of_section)) => {
            Place([origin.0.as_slice(), of_section.0.get(1..).unwrap_or_default()].concat())
        }
        _ => at,
    }
}

/// A value as a message shows it: its first line, not too long.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(WORD_BYTES).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

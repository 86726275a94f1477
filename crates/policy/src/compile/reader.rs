//! Reads values out of parsed TOML, noting every mistake with its place in the file instead of stopping at the first.
//!
//! A function that cannot give a value notes why and returns `None`; [`Reader::into_parts`] then has at least one mistake.

use super::diagnostic::Mistake;
use super::variant::{Said, Way};
use crate::check::{Place, Step, shown};
use crate::document::Variant;
use crate::limits::{READ_ITEMS, VARIANTS};
use crate::scalar::{Amount, BadScalar};
use crate::word::Word;
use core::ops::Range;
use rescind_model::{Money, Role};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How far a misspelt name may be from the right one to be suggested (Jaro–Winkler, as other compilers use it).
const CLOSE: f64 = 0.8;

/// One table being read, and what holds where it says nothing.
pub(super) struct Section<'t, 'i> {
    table: &'t DeTable<'i>,
    /// Tables that this one is put over, the nearest first. Mistakes in them are told where they are read themselves.
    below: Vec<Below<'t, 'i>>,
    /// Fields of the tables below that do not hold here.
    without: Vec<Item<'t, 'i>>,
    span: Range<usize>,
    place: Vec<Step>,
    asked: Vec<&'static str>,
    /// As [`Item::is_own`].
    is_own: bool,
}

/// A table that another is put over.
#[derive(Clone)]
struct Below<'t, 'i> {
    table: &'t DeTable<'i>,
    in_this_file: bool,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn root(table: &'t Spanned<DeTable<'i>>) -> Self {
        // The whole file would be underlined: the beginning is enough.
        let (below, without, asked) = (Vec::new(), Vec::new(), Vec::new());
        Self { table: table.get_ref(), below, without, span: 0..0, place: Vec::new(), asked, is_own: true }
    }

    /// Whether one thing only is said, here and in every table that this one is put over.
    pub(super) fn is_alone(&self) -> bool {
        self.table.len() == 1 && self.below.iter().all(|below| below.table.len() == 1)
    }

    /// What was asked for and is said here or in the table of this file that it is put over.
    pub(super) fn said(&self) -> Vec<&'static str> {
        let here = |table: &DeTable<'_>, key: &str| table.get(key).is_some();
        let below = |key: &str| self.below.iter().any(|below| below.in_this_file && here(below.table, key));
        let mut said = self.asked.clone();
        said.retain(|key| here(self.table, key) || (!self.drops(key) && below(key)));
        said
    }

    /// What it does not say is as in the same section of these files, the nearest first.
    fn put_over(&mut self, uppers: &[&'t DeTable<'i>]) {
        let Some(Step::Key(key)) = self.place.last() else { return };
        let same = |root: &&'t DeTable<'i>| root.get(*key)?.get_ref().as_table();
        self.below = uppers.iter().filter_map(same).map(|table| Below { table, in_this_file: false }).collect();
    }

    fn get(&mut self, key: &'static str) -> Option<Item<'t, 'i>> {
        self.asked.push(key);
        let mut place = self.place.clone();
        place.push(Step::Key(key));
        if let Some(value) = self.table.get(key) {
            return Some(Item { value, place, is_own: self.is_own });
        }
        if self.drops(key) {
            return None;
        }
        let value = self.below.iter().find_map(|below| below.table.get(key))?;
        Some(Item { value, place, is_own: false })
    }

    /// Whether it says that a field of the tables below does not hold here.
    fn drops(&self, key: &str) -> bool {
        self.without.iter().any(|item| item.value.get_ref().as_str() == Some(key))
    }
}

/// One value being read.
#[derive(Clone)]
pub(super) struct Item<'t, 'i> {
    value: &'t Spanned<DeValue<'i>>,
    place: Vec<Step>,
    /// Whether it stands where it is read. Else it is read again for a table put over its own, and was told before.
    is_own: bool,
}

/// The mistakes so far, and where everything stands in the file.
pub(super) struct Reader {
    currency: String,
    mistakes: Vec<Mistake>,
    spans: BTreeMap<Place, Range<usize>>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { currency: String::new(), mistakes: Vec::new(), spans: BTreeMap::new() }
    }

    /// Amounts are read in this currency from now on.
    pub(super) fn set_currency(&mut self, currency: &str) {
        currency.clone_into(&mut self.currency);
    }

    pub(super) fn into_parts(self) -> (Vec<Mistake>, BTreeMap<Place, Range<usize>>) {
        (self.mistakes, self.spans)
    }

    fn refuse<T>(
        &mut self,
        item: &Item<'_, '_>,
        code: &'static str,
        expected: impl Into<String>,
        suggestion: Option<String>,
    ) -> Option<T> {
        if !item.is_own {
            return None;
        }
        let mistake = Mistake {
            code,
            span: item.value.span(),
            at: Place(item.place.clone()).to_string(),
            expected: expected.into(),
            found: found(item.value.get_ref()),
            suggestion,
        };
        self.mistakes.push(mistake);
        None
    }

    // ------------------------------------------------------------ fields

    /// A field that must be there.
    pub(super) fn required<'t, 'i, T>(
        &mut self,
        section: &mut Section<'t, 'i>,
        key: &'static str,
        read: impl FnOnce(&mut Self, Item<'t, 'i>) -> Option<T>,
    ) -> Option<T> {
        if let Some(item) = section.get(key) {
            self.note(&item);
            return read(self, item);
        }
        if let Some(dropped) = section.without.iter().find(|item| item.value.get_ref().as_str() == Some(key)) {
            return self.refuse(dropped, "policy.without", "a field that may be absent", None);
        }
        if section.below.iter().any(|below| below.in_this_file) {
            // It is missing in the section that this is put over, and that was told there.
            return None;
        }
        let at = Place(section.place.clone()).to_string();
        let (span, expected) = (section.span.clone(), format!("the field `{key}`"));
        self.mistakes.push(Mistake {
            code: "policy.missing-field",
            span,
            at,
            expected,
            found: "none".to_owned(),
            suggestion: None,
        });
        None
    }

    /// A field that may be absent: `Some(None)`. `None`: it is there and wrong.
    #[allow(clippy::option_option, reason = "absent and wrong are different, and wrong has been noted")]
    pub(super) fn optional<'t, 'i, T>(
        &mut self,
        section: &mut Section<'t, 'i>,
        key: &'static str,
        read: impl FnOnce(&mut Self, Item<'t, 'i>) -> Option<T>,
    ) -> Option<Option<T>> {
        match section.get(key) {
            Some(item) => {
                self.note(&item);
                read(self, item).map(Some)
            }
            None => Some(None),
        }
    }

    /// A list that may be absent: then it is empty.
    pub(super) fn list<'t, 'i, T>(
        &mut self,
        section: &mut Section<'t, 'i>,
        key: &'static str,
        mut read: impl FnMut(&mut Self, Item<'t, 'i>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(item) = section.get(key) else { return Some(Vec::new()) };
        self.items(&item, &mut read)
    }

    /// The items of a list.
    pub(super) fn items<'t, 'i, T>(
        &mut self,
        item: &Item<'t, 'i>,
        mut read: impl FnMut(&mut Self, Item<'t, 'i>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.note(item);
        let DeValue::Array(array) = item.value.get_ref() else {
            return self.refuse(item, "policy.type", "a list", None);
        };
        if array.len() > READ_ITEMS {
            return self.refuse(item, "policy.range", format!("at most {READ_ITEMS} items"), None);
        }
        let mut all = Some(Vec::new());
        for (index, value) in array.iter().enumerate() {
            let mut place = item.place.clone();
            place.push(Step::Index(index));
            let one = Item { value, place, is_own: item.is_own };
            self.note(&one);
            let one = read(self, one);
            all = all.zip(one).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        all
    }

    /// A table, read to its end: fields that were not asked for are mistakes.
    pub(super) fn table<'t, 'i, T>(
        &mut self,
        item: Item<'t, 'i>,
        read: impl FnOnce(&mut Self, &mut Section<'t, 'i>) -> Option<T>,
    ) -> Option<T> {
        let mut section = self.enter(item)?;
        let value = read(self, &mut section);
        self.finish(&section);
        value
    }

    fn enter<'t, 'i>(&mut self, item: Item<'t, 'i>) -> Option<Section<'t, 'i>> {
        let DeValue::Table(table) = item.value.get_ref() else {
            return self.refuse(&item, "policy.type", "a table", None);
        };
        let (below, without, asked) = (Vec::new(), Vec::new(), Vec::new());
        let (span, place, is_own) = (item.value.span(), item.place, item.is_own);
        Some(Section { table, below, without, span, place, asked, is_own })
    }

    /// The rules of a way, and what holds instead for some sales. `uppers`: the files that this one is a layer upon, the
    /// nearest first; what it does not say is as there.
    pub(super) fn way<'t, 'i, R>(
        &mut self,
        item: Item<'t, 'i>,
        uppers: &[&'t DeTable<'i>],
        mut read: impl FnMut(&mut Self, &mut Section<'t, 'i>) -> Option<Option<R>>,
    ) -> Option<Way<R>> {
        let mut section = self.enter(item)?;
        section.put_over(uppers);
        let rules = read(self, &mut section);
        let said = section.said();
        let when = match section.get("when") {
            // Each is read with the whole section below it.
            Some(item) if item.value.get_ref().as_array().is_some_and(|all| all.len() > VARIANTS) => {
                self.refuse(&item, "policy.range", format!("at most {VARIANTS} variants"), None)
            }
            Some(item) if item.is_own => self.items(&item, |r, item| r.variant(item, &section, &mut read)),
            _ => Some(Vec::new()),
        };
        self.finish(&section);
        Some(Way { section: rules?.map(|rules| Said { rules, fields: said }), when: when? })
    }

    /// A section without variants. `uppers`: as for [`way`](Self::way).
    pub(super) fn part<'t, 'i, R>(
        &mut self,
        item: Item<'t, 'i>,
        uppers: &[&'t DeTable<'i>],
        read: impl FnOnce(&mut Self, &mut Section<'t, 'i>) -> Option<R>,
    ) -> Option<Said<R>> {
        let mut section = self.enter(item)?;
        section.put_over(uppers);
        let rules = read(self, &mut section);
        self.finish(&section);
        Some(Said { rules: rules?, fields: section.said() })
    }

    /// What holds instead for some sales: only what differs from the section is said.
    fn variant<'t, 'i, R>(
        &mut self,
        item: Item<'t, 'i>,
        section: &Section<'t, 'i>,
        read: &mut impl FnMut(&mut Self, &mut Section<'t, 'i>) -> Option<Option<R>>,
    ) -> Option<(Variant<R>, Vec<&'static str>)> {
        let mut own = self.enter(item)?;
        let name = self.required(&mut own, "name", |r, item| r.text(&item));
        let matches = self.required(&mut own, "match", |r, item| r.table(item, super::matcher::matcher));
        let mut without = Vec::new();
        let dropped = self.list(&mut own, "without", |r, item| {
            without.push(item.clone());
            r.text(&item)
        });
        own.below = vec![Below { table: section.table, in_this_file: true }];
        own.below.extend(section.below.iter().cloned());
        own.without = without;
        let rules = read(self, &mut own);
        self.finish(&own);
        self.dropped(&own);
        dropped?;
        Some((Variant { matches: matches?, name: name?, rules: rules?? }, own.said()))
    }

    /// Notes what a variant drops although there is nothing to drop.
    fn dropped(&mut self, own: &Section<'_, '_>) {
        for item in &own.without {
            let Some(name) = item.value.get_ref().as_str() else { continue };
            let suggestion = closest(name, own.asked.iter().copied()).map(|close| format!("{close:?}"));
            if !own.asked.contains(&name) {
                self.refuse::<()>(item, "policy.unknown-field", "a field of this section", suggestion);
            } else if own.table.get(name).is_some() {
                self.refuse::<()>(item, "policy.without", "a field that is not said here too", None);
            } else if !own.below.iter().any(|below| below.in_this_file && below.table.get(name).is_some()) {
                self.refuse::<()>(item, "policy.without", "a field that the section itself says", None);
            }
        }
    }

    /// Remembers where something stands in the file.
    fn note(&mut self, item: &Item<'_, '_>) {
        if item.is_own {
            self.spans.insert(Place(item.place.clone()), item.value.span());
        }
    }

    /// Notes every field of a table that was not asked for.
    pub(super) fn finish(&mut self, section: &Section<'_, '_>) {
        if !section.is_own {
            return;
        }
        for (key, _) in section.table.iter() {
            let name: &str = key.get_ref();
            if section.asked.contains(&name) {
                continue;
            }
            let suggestion = closest(name, section.asked.iter().copied()).map(|close| format!("`{close}`"));
            self.mistakes.push(Mistake {
                code: "policy.unknown-field",
                span: key.span(),
                at: Place(section.place.clone()).to_string(),
                expected: "only fields that the language has".to_owned(),
                found: format!("`{}`", name.chars().take(64).collect::<String>()),
                suggestion,
            });
        }
    }

    // ------------------------------------------------------------ values

    pub(super) fn text(&mut self, item: &Item<'_, '_>) -> Option<String> {
        match item.value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.refuse(item, "policy.type", "a text in quotes", None),
        }
    }

    pub(super) fn flag(&mut self, item: &Item<'_, '_>) -> Option<bool> {
        match item.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.refuse(item, "policy.type", "`true` or `false`", None),
        }
    }

    pub(super) fn count(&mut self, item: &Item<'_, '_>) -> Option<u32> {
        let number = match item.value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.or_else(|| self.refuse(item, "policy.type", "a whole number, zero or more", None))
    }

    pub(super) fn word<T: Word>(&mut self, item: &Item<'_, '_>) -> Option<T> {
        let words = || T::ALL.iter().map(|(_, word)| *word);
        let text = item.value.get_ref().as_str();
        if let Some(value) = text.and_then(T::from_word) {
            return Some(value);
        }
        let expected: Vec<String> = words().map(|word| format!("{word:?}")).collect();
        let suggestion = text.and_then(|text| closest(text, words())).map(|word| format!("{word:?}"));
        self.refuse(item, "policy.unknown-word", expected.join(" or "), suggestion)
    }

    pub(super) fn scalar<T>(
        &mut self,
        item: &Item<'_, '_>,
        parse: impl FnOnce(&str) -> Result<T, BadScalar>,
    ) -> Option<T> {
        let text = item.value.get_ref().as_str().unwrap_or("");
        match parse(text) {
            Ok(value) => Some(value),
            Err(bad) => self.refuse(item, "policy.scalar", bad.expected, None),
        }
    }

    pub(super) fn role(&mut self, item: &Item<'_, '_>) -> Option<Role> {
        match item.value.get_ref().as_str().map(Role::parse) {
            Some(Ok(role)) => Some(role),
            _ => self.refuse(item, "policy.word", "a role such as \"manager\" (A-Z a-z 0-9 . _ - @ ~)", None),
        }
    }

    pub(super) fn amount(&mut self, item: &Item<'_, '_>) -> Option<Amount> {
        let currency = self.currency.clone();
        let text = item.value.get_ref().as_str().unwrap_or("");
        match Money::parse(text, &currency).map(|money| Amount::new(money.minor)) {
            Ok(Ok(amount)) => Some(amount),
            // A currency that is unknown is told at the currency.
            _ if rescind_model::money::decimals(&currency).is_none() => None,
            _ => {
                let suggestion = match item.value.get_ref() {
                    DeValue::Integer(number) => Some(format!("\"{}\"", number.as_str())),
                    DeValue::Float(number) => Some(format!("\"{}\"", number.as_str())),
                    _ => None,
                };
                self.refuse(
                    item,
                    "policy.amount",
                    format!("an amount of {currency} in quotes, such as \"100.00\""),
                    suggestion,
                )
            }
        }
    }
}

/// What was found, in words.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown(text),
        DeValue::Integer(number) => format!("the number {}", number.as_str().chars().take(40).collect::<String>()),
        DeValue::Float(number) => format!("the number {}", number.as_str().chars().take(40).collect::<String>()),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(_) => "a date or time without quotes".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn closest(name: &str, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // A very long name is no slip of the finger, and comparing it would take long.
    if name.len() > crate::limits::WORD_BYTES {
        return None;
    }
    words
        .map(|word| (strsim::jaro_winkler(name, word), word))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
}

//! Goes through the canonical form from its first byte to its last, and refuses the first that should be another.
//!
//! A canonical text is written in one way only, so it is read in one way only: each key stands where it has to stand or is
//! not there, no value is kept that the next one could contradict, and nothing is written again to be compared. What is
//! refused costs more, for then it is said why.

use super::members::Members;
use crate::check::shown;
use crate::word::Word;

/// Most characters of what was found that are shown.
const SHOWN: usize = 24;

/// Something was refused; the reader knows [why](Reader::refusal).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// Why a text is not the canonical form of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not have the document's shape: what was expected and found, and where.
    Shape(String),
    /// It may have, but is written differently from this byte on.
    NotCanonical(usize),
}

/// Something that has one way to be written.
pub(super) trait Canonical: Sized {
    /// Reads it. After it stands what follows it.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused>;
}

/// A record that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// The text from its first key on.
    from: &'a str,
    /// Its keys, in the order in which they stand.
    keys: &'static [&'static str],
}

/// A text, and how far it was read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    length: usize,
    /// What was not read yet.
    rest: &'a str,
    /// Whether the next member or item stands behind another.
    follows: bool,
    refusal: Option<Refusal>,
}

impl<'a> Reader<'a> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { length: text.len(), rest: text, follows: false, refusal: None }
    }

    /// Reads the whole text as one value.
    pub(super) fn whole<T: Canonical>(mut self) -> Result<T, Refusal> {
        let value = T::read(&mut self).and_then(|value| match self.rest {
            "" => Ok(value),
            _ => Err(self.refuse("the end")),
        });
        value.map_err(|Refused| self.refusal.unwrap_or_else(|| Refusal::Shape("expected something else".to_owned())))
    }

    fn at(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// Reads these very bytes, if they stand here.
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    // ------------------------------------------------------------ records and lists

    /// Begins a record.
    pub(super) fn begin(&mut self, keys: &'static [&'static str]) -> Result<Record<'a>, Refused> {
        if !self.takes("{") {
            return Err(self.refuse("`{`"));
        }
        self.follows = false;
        Ok(Record { from: self.rest, keys })
    }

    /// Whether this member is the next one. `written` is its key as it is written: `"window":`.
    pub(super) fn has(&mut self, written: &str) -> bool {
        let rest = if self.follows { self.rest.strip_prefix(',') } else { Some(self.rest) };
        match rest.and_then(|rest| rest.strip_prefix(written)) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Ends a record.
    pub(super) fn end(&mut self, record: Record<'_>) -> Result<(), Refused> {
        if !self.takes("}") {
            return Err(self.amiss(record, None));
        }
        self.follows = true;
        Ok(())
    }

    /// Reads a list.
    pub(super) fn list<T: Canonical>(&mut self) -> Result<Vec<T>, Refused> {
        if !self.takes("[") {
            return Err(self.refuse("a list"));
        }
        let mut items = Vec::new();
        if !self.takes("]") {
            loop {
                items.push(T::read(self)?);
                if self.takes("]") {
                    break;
                }
                if !self.takes(",") {
                    return Err(self.refuse("`,` or `]`"));
                }
            }
        }
        self.follows = true;
        Ok(items)
    }

    // ------------------------------------------------------------ scalars

    pub(super) fn boolean(&mut self) -> Result<bool, Refused> {
        self.follows = true;
        if self.takes("true") {
            Ok(true)
        } else if self.takes("false") {
            Ok(false)
        } else {
            Err(self.refuse("`true` or `false`"))
        }
    }

    /// Reads a whole number of nothing or more that stands for something.
    pub(super) fn number<T>(&mut self, parse: impl FnOnce(u64) -> Result<T, &'static str>) -> Result<T, Refused> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest.get(..digits).filter(|text| !text.starts_with('0') || digits == 1);
        let parsed = number.and_then(|text| text.parse().ok()).ok_or("a whole number").and_then(parse);
        match parsed {
            Ok(value) => {
                self.rest = self.rest.get(digits..).unwrap_or_default();
                self.follows = true;
                Ok(value)
            }
            Err(expected) => Err(self.refuse(expected)),
        }
    }

    /// Reads a text that needs no escapes, and gives it as it stands. `None`: it has some.
    fn plain(&mut self) -> Result<Option<&'a str>, Refused> {
        let Some(text) = self.rest.strip_prefix('"') else { return Err(self.refuse("a text")) };
        // Every other byte stands for itself.
        let special = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(text.len());
        let Some((plain, rest)) = text.split_at_checked(special) else { return Err(self.refuse("a text")) };
        match rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.follows = true;
                Ok(Some(plain))
            }
            None => Ok(None),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, Refused> {
        match self.plain()? {
            Some(plain) => Ok(plain.to_owned()),
            None => self.escaped(),
        }
    }

    /// Reads a text that stands for something, by letters that need no escapes.
    pub(super) fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Result<T, &'static str>) -> Result<T, Refused> {
        let from = self.rest;
        let parsed = match self.plain()? {
            Some(plain) => parse(plain),
            None => {
                self.escaped()?;
                Err("a text without escapes")
            }
        };
        parsed.map_err(|expected| {
            self.rest = from;
            self.refuse(expected)
        })
    }

    /// Reads a word of a vocabulary.
    pub(super) fn word<T: Word>(&mut self) -> Result<T, Refused> {
        let from = self.rest;
        if let Some(word) = self.plain()?.and_then(T::from_word) {
            return Ok(word);
        }
        self.rest = from;
        let words: Vec<String> = T::ALL.iter().map(|(_, word)| format!("{word:?}")).collect();
        Err(self.refuse(&words.join(" or ")))
    }

    /// Reads a text with escapes. Each letter has one way to be written: as itself if it can be; else by its short escape;
    /// else by its number in lower case.
    #[cold]
    fn escaped(&mut self) -> Result<String, Refused> {
        let mut text = String::new();
        self.takes("\"");
        loop {
            let Some(next) = self.rest.chars().next() else { return Err(self.refuse("the text's end")) };
            if next == '"' {
                self.takes("\"");
                self.follows = true;
                return Ok(text);
            }
            if next < ' ' {
                return Err(self.refuse("a text without line breaks and other control characters"));
            }
            if next != '\\' {
                text.push(next);
                self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
                continue;
            }
            let escapes = [
                ("\\\"", '"'),
                ("\\\\", '\\'),
                ("\\b", '\x08'),
                ("\\f", '\x0c'),
                ("\\n", '\n'),
                ("\\r", '\r'),
                ("\\t", '\t'),
            ];
            match escapes.into_iter().find(|(escape, _)| self.takes(escape)) {
                Some((_, letter)) => text.push(letter),
                None => text.push(self.by_number()?),
            }
        }
    }

    /// A control character that has no escape of its own.
    fn by_number(&mut self) -> Result<char, Refused> {
        let digits = self.rest.strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let Some(digits) = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) else {
            let is_known = self.rest.starts_with("\\/");
            return Err(if is_known { self.differs() } else { self.refuse("an escape of JSON") });
        };
        let letter = u8::from_str_radix(digits, 16).map_or('\u{fffd}', char::from);
        let is_short = matches!(letter, '\x08' | '\x0c' | '\n' | '\r' | '\t');
        if letter >= ' ' || is_short || digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(self.differs());
        }
        self.rest = self.rest.get("\\u0000".len()..).unwrap_or_default();
        Ok(letter)
    }

    // ------------------------------------------------------------ refusals

    /// Refuses what stands here: something else was expected.
    #[cold]
    pub(super) fn refuse(&mut self, expected: &str) -> Refused {
        if self.rest.starts_with([' ', '\t', '\n', '\r']) {
            return self.differs();
        }
        let found: String = self.rest.chars().take(SHOWN).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { shown(&found) };
        let at = self.at();
        self.refused(Refusal::Shape(format!("expected {expected}, found {found} at byte {at}")))
    }

    /// Refuses what may mean the same but is written differently from here on.
    #[cold]
    pub(super) fn differs(&mut self) -> Refused {
        let at = self.at();
        self.refused(Refusal::NotCanonical(at))
    }

    fn refused(&mut self, refusal: Refusal) -> Refused {
        // What was refused first is the reason.
        self.refusal.get_or_insert(refusal);
        Refused
    }

    /// Refuses what stands where a member has to be, whose key is written so.
    #[cold]
    pub(super) fn lacks(&mut self, record: Record<'_>, written: &str) -> Refused {
        let key = written.trim_matches(['"', ':']);
        self.amiss(record, Some(key))
    }

    /// Refuses what stands where a member is expected, or the end of the record if none is.
    #[cold]
    fn amiss(&mut self, record: Record<'_>, expected: Option<&str>) -> Refused {
        let all = || Members::of(record.from).map(|(key, _)| key);
        let here = if self.follows { self.rest.strip_prefix(',') } else { Some(self.rest) };
        let is_lacking = expected.is_some_and(|expected| !all().any(|key| key == expected));
        let refusal = match here.and_then(|here| Members::of(here).next()) {
            None if is_lacking && self.rest.starts_with('}') => None,
            None => Some("`,` or `}`".to_owned()),
            Some((key, _)) if !record.keys.contains(&key) => {
                let known: Vec<String> = record.keys.iter().map(|key| format!("`{key}`")).collect();
                Some(format!("one of the fields {}", known.join(", ")))
            }
            Some((key, _)) if all().filter(|other| *other == key).count() > 1 => {
                Some(format!("the field `{key}` once"))
            }
            Some(_) if is_lacking => None,
            // All that is there can be there, but not here.
            Some(_) => return self.differs(),
        };
        let refusal = refusal.unwrap_or_else(|| format!("the field `{}`", expected.unwrap_or_default()));
        self.refuse(&refusal)
    }
}

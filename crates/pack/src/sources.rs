//! Where every value of a pack comes from: the comment that its author wrote beside it.

use serde::Serialize;

/// The words that say that nobody but us says so.
const NO_SOURCE: &str = "no source";

/// Keys that name or describe and need no source.
const DESCRIBING: [&str; 7] = ["format", "name", "version", "source", "currency", "extends", "layer"];

/// What stands behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody says so.
    Cited,
    /// Somebody says part of it, the rest is our default.
    Partly,
    /// It is marked as our default.
    OurDefault,
    /// Nothing is said.
    Unsaid,
}

/// A value as it is written, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sourced {
    /// The line, from 1.
    pub line: usize,
    /// Where in the document: the table and the key.
    pub place: String,
    /// The value as it is written.
    pub value: String,
    /// What stands behind it.
    pub standing: Standing,
    /// The author's words; those of the line or table above, if the value's own line has none.
    pub source: String,
}

/// Every value of a pack, in the order of the file.
#[must_use]
pub fn of(text: &str) -> Vec<Sourced> {
    let mut found: Vec<Sourced> = Vec::new();
    let mut table = String::new();
    // What a value without a comment of its own goes by: the table's comment, or that of the value above it.
    let mut above = String::new();
    // The key of an array that goes over several lines.
    let mut open: Option<(String, usize)> = None;
    for (line, raw) in (1_usize..).zip(text.lines()) {
        let (code, comment) = split(raw);
        let code = code.trim();
        if code.is_empty() {
            continue;
        }
        if open.is_none() && code.starts_with('[') {
            table = code.trim_matches(['[', ']']).trim().to_owned();
            comment.clone_into(&mut above);
            continue;
        }
        let (place, value) = match (&mut open, code.split_once('=')) {
            (Some((key, index)), _) => {
                if code == "]" {
                    open = None;
                    continue;
                }
                let place = format!("{key}[{index}]");
                *index = index.saturating_add(1);
                (place, code.trim_end_matches(',').to_owned())
            }
            (None, Some((key, value))) => {
                let place = if table.is_empty() { key.trim().to_owned() } else { format!("{table}.{}", key.trim()) };
                if value.trim() == "[" {
                    if !comment.is_empty() {
                        comment.clone_into(&mut above);
                    }
                    open = Some((place, 0));
                    continue;
                }
                (place, value.trim().to_owned())
            }
            (None, None) => continue,
        };
        let key = place.rsplit('.').next().unwrap_or_default();
        if DESCRIBING.contains(&key) {
            continue;
        }
        if !comment.is_empty() {
            comment.clone_into(&mut above);
        }
        found.push(Sourced { line, place, value, standing: standing(&above), source: above.clone() });
    }
    found
}

fn standing(source: &str) -> Standing {
    match source.find(NO_SOURCE) {
        None if source.is_empty() => Standing::Unsaid,
        None => Standing::Cited,
        Some(0) => Standing::OurDefault,
        Some(_) => Standing::Partly,
    }
}

/// Code and comment of a line. A `#` within a text is none.
fn split(line: &str) -> (&str, &str) {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => {
                let (code, comment) = line.split_at(at);
                return (code, comment.trim_start_matches('#').trim());
            }
            _ => {}
        }
        escaped = false;
    }
    (line, "")
}

/// In words: the values, those without a source marked, and their numbers.
#[must_use]
pub fn text(values: &[Sourced], only_unsourced: bool) -> String {
    let number = |standing: Standing| values.iter().filter(|value| value.standing == standing).count();
    let mut lines = Vec::new();
    for Sourced { line, place, value, standing, source } in values {
        if only_unsourced && *standing == Standing::Cited {
            continue;
        }
        let mark = match standing {
            Standing::Cited => "  ",
            Standing::Partly => "~ ",
            Standing::OurDefault => "! ",
            Standing::Unsaid => "? ",
        };
        let source = if source.is_empty() { "nothing is said" } else { source };
        lines.push(format!("{mark}{line}: {place} = {value}: {source}"));
    }
    lines.push(format!(
        "{} values: {} cited, {} partly, {} our default (no source), {} unsaid",
        values.len(),
        number(Standing::Cited),
        number(Standing::Partly),
        number(Standing::OurDefault),
        number(Standing::Unsaid)
    ));
    lines.push(String::new());
    lines.join("\n")
}

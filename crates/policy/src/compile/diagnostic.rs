//! Diagnostics: everything wrong with a policy file, each at its place.

use core::fmt;
use miette::{LabeledSpan, NamedSource, SourceCode};
use std::sync::Arc;

/// One mistake in a policy file.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    code: &'static str,
    span: core::ops::Range<usize>,
    at: String,
    expected: String,
    found: String,
    suggestion: Option<String>,
    source: Arc<NamedSource<String>>,
}

impl Diagnostic {
    pub(super) fn new(source: &Arc<NamedSource<String>>, mistake: Mistake) -> Self {
        let Mistake { code, span, at, expected, found, suggestion } = mistake;
        Self { code, span, at, expected, found, suggestion, source: Arc::clone(source) }
    }

    /// A stable code, such as `policy.unknown-field`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The bytes of the file it is about.
    #[must_use]
    pub fn span(&self) -> core::ops::Range<usize> {
        self.span.clone()
    }

    /// Where it is in the document, such as `refund.tier[1].up-to`. Empty: the document itself.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What was expected.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was found.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What to write instead, if that can be told.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl core::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.suggestion.as_ref().map(|text| -> Box<dyn fmt::Display + 'a> { Box::new(format!("write {text}")) })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = format!("found {}", self.found);
        Some(Box::new(core::iter::once(LabeledSpan::new_with_span(Some(label), self.span.clone()))))
    }
}

/// Everything wrong with a policy file, in the order of the file. At least one.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    file: String,
    all: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, mut all: Vec<Diagnostic>) -> Self {
        all.sort_by_key(|one| (one.span.start, one.span.end));
        all.truncate(crate::limits::DIAGNOSTICS);
        Self { file: file.to_owned(), all }
    }

    /// Each of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = core::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.all.len() == 1 { "" } else { "s" };
        write!(f, "{} mistake{plural} in {}", self.all.len(), self.file)?;
        for one in &self.all {
            write!(f, "\n  {}: {one}", one.code)?;
        }
        Ok(())
    }
}

impl core::error::Error for Diagnostics {}

impl miette::Diagnostic for Diagnostics {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("policy.refused"))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.all.iter().map(|one| -> &dyn miette::Diagnostic { one })))
    }
}

/// A mistake before it knows its file.
pub(super) struct Mistake {
    pub(super) code: &'static str,
    pub(super) span: core::ops::Range<usize>,
    pub(super) at: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) suggestion: Option<String>,
}

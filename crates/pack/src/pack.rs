//! Packs as files: a policy, its cases beside it, and what it extends.

use miette::Diagnostic as _;
use rescind_eligibility::Engine;
use rescind_policy::{Compiled, Diagnostics};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// How many documents may extend one another: provider, merchant, terminal class, and one to spare.
const LAYERS: usize = 4;

/// A policy that was read and checked.
#[derive(Debug)]
pub struct Pack {
    /// Its file.
    pub file: PathBuf,
    /// What it says, as it was written.
    pub text: String,
    /// Checked and in canonical form; a layer: on its uppers.
    pub compiled: Compiled,
    /// Ready to decide.
    pub engine: Engine,
    /// The files it extends, the uppermost first.
    pub uppers: Vec<PathBuf>,
}

/// A policy that was refused.
#[derive(Debug)]
pub struct Refused {
    /// Its file.
    pub file: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why a policy was refused.
#[derive(Debug)]
pub enum Reason {
    /// It, or what it extends, could not be read.
    Unreadable(String),
    /// Mistakes, each with its place in a file.
    Mistakes(Diagnostics),
}

/// A mistake for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// A stable code.
    pub code: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the file it is about.
    pub span: (usize, usize),
    /// Where in the document, such as `refund.tier[1].up-to`.
    pub at: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to write instead, if that can be told.
    pub suggestion: Option<String>,
}

impl Refused {
    fn unreadable(file: &Path, reason: String) -> Self {
        Self { file: file.to_owned(), reason: Reason::Unreadable(reason) }
    }

    /// What is wrong, for programs.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let file = self.file.display().to_string();
        match &self.reason {
            Reason::Unreadable(reason) => vec![Mistake {
                file,
                code: "policy.unreadable".to_owned(),
                line: 1,
                column: 1,
                span: (0, 0),
                at: String::new(),
                expected: "a pack that can be read".to_owned(),
                found: reason.clone(),
                suggestion: None,
            }],
            Reason::Mistakes(diagnostics) => diagnostics
                .iter()
                .map(|diagnostic| {
                    let span = diagnostic.span();
                    let place = diagnostic.source_code().and_then(|source| {
                        let span = miette::SourceSpan::from((span.start, 0));
                        let found = source.read_span(&span, 0, 0).ok()?;
                        let name = found.name().map(str::to_owned);
                        Some((name, found.line().saturating_add(1), found.column().saturating_add(1)))
                    });
                    let (name, line, column) = place.unwrap_or((None, 1, 1));
                    Mistake {
                        file: name.unwrap_or_else(|| file.clone()),
                        code: diagnostic.code().to_owned(),
                        line,
                        column,
                        span: (span.start, span.end),
                        at: diagnostic.at().to_owned(),
                        expected: diagnostic.expected().to_owned(),
                        found: diagnostic.found().to_owned(),
                        suggestion: diagnostic.suggestion().map(str::to_owned),
                    }
                })
                .collect(),
        }
    }
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the policy {} is refused", self.file.display())?;
        match &self.reason {
            Reason::Unreadable(reason) => write!(f, ": {reason}"),
            Reason::Mistakes(diagnostics) => diagnostics.iter().try_for_each(|d| write!(f, "\n  {}: {d}", d.code())),
        }
    }
}

impl Pack {
    /// Reads one pack, with what it extends.
    ///
    /// # Errors
    /// It, or what it extends, cannot be read; or it is refused with everything that is wrong.
    pub fn read(file: &Path) -> Result<Self, Refused> {
        let chain = chain(file)?;
        let names: Vec<String> = chain.iter().map(|(file, _)| file.display().to_string()).collect();
        let layers: Vec<(&str, &str)> =
            chain.iter().zip(&names).map(|((_, text), name)| (text.as_str(), name.as_str())).collect();
        let compiled = rescind_policy::compile_layers(&layers)
            .map_err(|diagnostics| Refused { file: file.to_owned(), reason: Reason::Mistakes(diagnostics) })?;
        let engine = Engine::load(compiled.canonical()).map_err(|error| {
            Refused::unreadable(file, format!("its canonical form is not loaded: {}: {}", error.code, error.message))
        })?;
        let mut chain = chain;
        let (file, text) = chain.pop().unwrap_or_default();
        Ok(Self { file, text, compiled, engine, uppers: chain.into_iter().map(|(file, _)| file).collect() })
    }

    /// Reads packs of files and folders. Everything that is wrong with any of them is told at once.
    ///
    /// # Errors
    /// A folder that cannot be read or holds no pack.
    pub fn read_all(paths: &[PathBuf]) -> Result<(Vec<Self>, Vec<Refused>), String> {
        let (mut packs, mut refused) = (Vec::new(), Vec::new());
        for path in paths {
            for file in files(path)? {
                match Self::read(&file) {
                    Ok(pack) => packs.push(pack),
                    Err(reason) => refused.push(reason),
                }
            }
        }
        Ok((packs, refused))
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.compiled.document().name
    }

    /// The file of its cases, whether or not there is one.
    #[must_use]
    pub fn case_file(&self) -> PathBuf {
        self.file.with_extension("cases.toml")
    }
}

/// The packs of a path: the file itself, or those of a folder (`*.toml` that are not `*.cases.toml`) by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| format!("cannot read the policies {}: {error}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".toml") && !name.ends_with(".cases.toml") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("{} holds no policy packs (*.toml)", path.display()));
    }
    Ok(files)
}

/// A pack's file and text with those of what it extends, the uppermost first.
fn chain(file: &Path) -> Result<Vec<(PathBuf, String)>, Refused> {
    let mut chain = vec![(file.to_owned(), text_of(file, file)?)];
    while let Some(upper) = chain.first().and_then(|(_, text)| extends(text)) {
        if chain.len() >= LAYERS {
            return Err(Refused::unreadable(file, format!("expected at most {LAYERS} layers, found more")));
        }
        let upper_file = beside(file, &upper).ok_or_else(|| {
            let expected = file.with_file_name(format!("{upper}.toml"));
            Refused::unreadable(
                file,
                format!("it extends {upper:?}, which is not beside it: expected {}", expected.display()),
            )
        })?;
        if chain.iter().any(|(file, _)| *file == upper_file) {
            return Err(Refused::unreadable(file, format!("it extends itself through {}", upper_file.display())));
        }
        let text = text_of(file, &upper_file)?;
        chain.insert(0, (upper_file, text));
    }
    Ok(chain)
}

fn text_of(pack: &Path, file: &Path) -> Result<String, Refused> {
    std::fs::read_to_string(file)
        .map_err(|error| Refused::unreadable(pack, format!("{} cannot be read as UTF-8 text: {error}", file.display())))
}

/// The name of the document that a layer extends. A layer that does not say it is refused by whoever compiles it.
fn extends(text: &str) -> Option<String> {
    rescind_policy::extends(text).filter(|name| !name.is_empty())
}

/// The pack of that name in the same folder.
fn beside(file: &Path, name: &str) -> Option<PathBuf> {
    let named = file.with_file_name(format!("{name}.toml"));
    if named.is_file() {
        return Some(named);
    }
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files(folder).ok()?.into_iter().find(|other| {
        let text = std::fs::read_to_string(other).unwrap_or_default();
        let table: Option<toml::Table> = toml::from_str(&text).ok();
        table.is_some_and(|table| table.get("name").and_then(toml::Value::as_str) == Some(name))
    })
}

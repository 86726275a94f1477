//! Packs with their cases: which answer as expected, and what no case shows.

use crate::case::{Case, CaseFile, Difference};
use crate::coverage::{Coverage, Gap};
use crate::pack::{Pack, Refused};
use serde::Serialize;
use std::path::PathBuf;

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// The case's name.
    pub case: String,
    /// Who says so. `None`: nobody, and the case fails.
    pub source: Option<String>,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Why it could not be asked, or does not count.
    pub problem: Option<String>,
}

impl Tried {
    /// Whether the engine answers as the case expects.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty() && self.problem.is_none()
    }
}

/// What became of one pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tested {
    /// The policy's name.
    pub policy: String,
    /// Its file.
    pub file: PathBuf,
    /// Why its cases could not be read.
    pub problem: Option<String>,
    /// Its cases.
    pub cases: Vec<Tried>,
    /// How many rules it states.
    pub stated: usize,
    /// How many of them its cases show on every side.
    pub covered: usize,
    /// The rest.
    pub gaps: Vec<Gap>,
}

/// What became of all packs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Suite {
    /// Pack by pack.
    pub packs: Vec<Tested>,
    /// Packs that were refused, in words.
    pub refused: Vec<String>,
}

impl Suite {
    /// Runs the cases beside every pack.
    #[must_use]
    pub fn run(packs: &[Pack], refused: &[Refused]) -> Self {
        Self {
            packs: packs.iter().map(|pack| tested(pack, packs)).collect(),
            refused: refused.iter().map(ToString::to_string).collect(),
        }
    }

    /// How many cases there are.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.packs.iter().map(|pack| pack.cases.len()).sum()
    }

    /// How many rules the packs state.
    #[must_use]
    pub fn stated(&self) -> usize {
        self.packs.iter().map(|pack| pack.stated).sum()
    }

    /// How many of them cases show on every side.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.packs.iter().map(|pack| pack.covered).sum()
    }

    /// Whether every pack was read and every case answered as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.refused.is_empty()
            && self.packs.iter().all(|pack| pack.problem.is_none() && pack.cases.iter().all(Tried::passed))
    }

    /// Whether at least so many of a hundred rules are covered.
    #[must_use]
    pub fn reaches(&self, percent: u32) -> bool {
        let percent = usize::try_from(percent).unwrap_or(usize::MAX);
        self.covered().saturating_mul(100) >= self.stated().saturating_mul(percent)
    }

    /// The last line: `2 packs, 121 cases, 88 of 90 rules covered`.
    #[must_use]
    pub fn sum(&self) -> String {
        let (packs, cases) = (self.packs.len(), self.cases());
        format!("{packs} packs, {cases} cases, {} of {} rules covered", self.covered(), self.stated())
    }

    /// In words: what fails and what is not covered, pack by pack, and the sum as the last line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.refused.clone();
        for pack in &self.packs {
            let failed = pack.cases.iter().filter(|case| !case.passed()).count();
            let verdict = if failed == 0 { "all as expected".to_owned() } else { format!("{failed} failed") };
            let Tested { policy, covered, stated, .. } = pack;
            lines.push(format!("{policy}: {} cases, {verdict}; {covered} of {stated} rules covered", pack.cases.len()));
            lines.extend(pack.problem.iter().map(|problem| format!("  {problem}")));
            for case in pack.cases.iter().filter(|case| !case.passed()) {
                lines.push(format!("  ✗ {}", case.case));
                lines.extend(case.problem.iter().map(|problem| format!("      {problem}")));
                let indented = |difference: &Difference| difference.to_string().replace('\n', "\n      ");
                lines.extend(case.differences.iter().map(|difference| format!("      {}", indented(difference))));
            }
            if !pack.gaps.is_empty() {
                lines.push("  not covered:".to_owned());
                lines.extend(pack.gaps.iter().map(|gap| format!("    {gap}")));
            }
        }
        lines.push(self.sum());
        lines.join("\n")
    }
}

fn tested(pack: &Pack, all: &[Pack]) -> Tested {
    let upper = pack.uppers.last().and_then(|file| all.iter().find(|other| other.file == *file));
    let read_upper = match (upper, pack.uppers.last()) {
        (None, Some(file)) => Pack::read(file).ok(),
        _ => None,
    };
    let upper = upper.or(read_upper.as_ref());
    let mut coverage = match upper {
        Some(upper) => Coverage::of_layer(&pack.engine, &upper.engine),
        None => Coverage::of(&pack.engine),
    };
    let file = pack.case_file();
    let read = std::fs::read_to_string(&file)
        .map_err(|error| format!("its cases {} cannot be read: {error}", file.display()))
        .and_then(|text| CaseFile::read(&text).map_err(|error| format!("{}: {error}", file.display())));
    let (problem, cases) = match read {
        Ok(read) => (None, read),
        Err(problem) => (Some(problem), CaseFile { cases: Vec::new() }),
    };
    let twice = cases.names_taken_twice();
    let tried = |case: &Case| {
        let name_problem = twice.contains(&case.name.as_str()).then(|| "another case has the same name".to_owned());
        let no_source = case.source.as_deref().is_none_or(|source| source.trim().is_empty());
        let no_source = no_source.then(|| "it has no source: say who says so, or source = \"our default\"".to_owned());
        let run = case.run(&pack.engine);
        let (differences, unreadable) = match run {
            Ok(differences) => (differences, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let problem = unreadable.or(name_problem).or(no_source);
        Tried { case: case.name.clone(), source: case.source.clone(), differences, problem }
    };
    let tried: Vec<Tried> = cases.cases.iter().map(tried).collect();
    // Only what answers as expected shows that a rule works.
    for (case, tried) in cases.cases.iter().zip(&tried) {
        if tried.differences.is_empty() {
            // A case that could not be asked touches nothing, and was told above.
            coverage.touch(&pack.engine, case).unwrap_or(());
        }
    }
    Tested {
        policy: pack.name().to_owned(),
        file: pack.file.clone(),
        problem,
        cases: tried,
        stated: coverage.stated(),
        covered: coverage.covered(),
        gaps: coverage.gaps(),
    }
}

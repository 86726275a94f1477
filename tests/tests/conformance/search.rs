//! Finds the vectors: takes cases and drawn questions, strains them, and keeps the simplest question of every kind of
//! answer and of every side of every rule.

use crate::engine::native;
use crate::origin::{Base, Origin, WHOLE, strained};
use crate::pack::Cased;
use crate::strain::STRAINS;
use crate::vector::{Line, Said, Side, input_digest, sides};
use rescind_model::Digest;
use rescind_pack::draw::Draw;
use rescind_pack::subject::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// Questions that are drawn and strained for each pack.
const STRAINED: u64 = 100;

/// Questions that are drawn for each pack and left as they are.
const DRAWN: u64 = 3_000;

/// Pairs of strains that are tried on each case.
const PAIRS: usize = 60;

/// Most rules that stand in the way together in one kind of answer: with more, there are as many kinds as questions.
const TOGETHER: usize = 2;

/// Most vectors of one pack that are there for their kind of answer alone; those that reach a side come on top.
const PER_PACK: usize = 80;

/// What was found of one pack.
#[derive(Default)]
struct Found {
    /// The first question of every kind of answer.
    kinds: BTreeMap<Said, usize>,
    /// The first question that reaches a side.
    sides: BTreeMap<Side, usize>,
    /// The questions that are one or the other, in the order in which they were found.
    kept: Vec<(Origin, Said, String, String)>,
}

impl Found {
    fn take(&mut self, pack: &Cased, subject: &Subject, origin: impl FnOnce() -> Origin) {
        let (said, sides) = (Said::of(pack, subject), sides(pack, subject));
        let is_new = !self.kinds.contains_key(&said) || sides.iter().any(|side| !self.sides.contains_key(side));
        if !is_new {
            return;
        }
        let index = self.kept.len();
        let answer = Digest::of(&native(pack, subject)).hex;
        self.kept.push((origin(), said.clone(), input_digest(subject), answer));
        self.kinds.entry(said).or_insert(index);
        for side in sides {
            self.sides.entry(side).or_insert(index);
        }
    }

    fn lines(self, pack: &Cased) -> Vec<Line> {
        // What reaches a side, then kinds of answers: single rules first, and of each way and outcome as many.
        let mut chosen: BTreeSet<usize> = self.sides.values().copied().collect();
        let mut groups: BTreeMap<(&str, usize, String), Vec<usize>> = BTreeMap::new();
        for (said, index) in &self.kinds {
            if said.rules.len() <= TOGETHER || said.asked == "assess" {
                let outcome = said.outcome.split(' ').next().unwrap_or_default().to_owned();
                groups.entry((said.asked.as_str(), said.rules.len().min(TOGETHER), outcome)).or_default().push(*index);
            }
        }
        for group in groups.values_mut() {
            group.sort_unstable();
            group.reverse();
        }
        let most = chosen.len() + PER_PACK;
        while chosen.len() < most && groups.values().any(|group| !group.is_empty()) {
            for group in groups.values_mut() {
                if let Some(index) = group.pop().filter(|_| chosen.len() < most) {
                    chosen.insert(index);
                }
            }
        }
        let name = pack.name();
        let all = self.kept.into_iter().enumerate().filter(|(index, _)| chosen.contains(index));
        let line = |(_, (from, said, input, answer))| Line { pack: name.clone(), from, said, input, answer };
        all.map(line).collect()
    }
}

/// All vectors of a pack.
pub fn of(pack: &Cased) -> Vec<Line> {
    let mut found = Found::default();
    let cases = pack.cases.iter().map(|case| Base::Case(case.name.clone()));
    let drawn = (0..STRAINED).map(Base::Draw);
    let bases: Vec<(Base, Subject)> =
        cases.chain(drawn).filter_map(|base| base.subject(pack).map(|subject| (base, subject))).collect();
    let plain = |base: &Base| Origin { base: base.clone(), strains: Vec::new() };
    for (base, subject) in &bases {
        found.take(pack, subject, || plain(base));
    }
    for index in STRAINED..DRAWN {
        let base = Base::Draw(index);
        if let Some(subject) = base.subject(pack) {
            found.take(pack, &subject, || plain(&base));
        }
    }
    for (base, subject) in &bases {
        for (name, strain) in STRAINS {
            let mut subject = subject.clone();
            if strained(pack, &mut subject, *strain).is_some() {
                found.take(pack, &subject, || Origin { base: base.clone(), strains: vec![(*name).to_owned()] });
            }
        }
    }
    for (base, subject) in &bases {
        for (name, asked) in WHOLE {
            let subject = Subject { asked, ..subject.clone() };
            found.take(pack, &subject, || Origin { base: base.clone(), strains: vec![name.to_owned()] });
        }
    }
    for (stream, (base, subject)) in bases.iter().enumerate() {
        let mut draw = Draw::new(1, u64::try_from(stream).unwrap());
        for _ in 0..PAIRS {
            let pair = [draw.one_of(STRAINS).unwrap(), draw.one_of(STRAINS).unwrap()];
            let mut subject = subject.clone();
            if pair.iter().all(|(_, strain)| strained(pack, &mut subject, *strain).is_some()) {
                let strains = pair.iter().map(|(name, _)| (*name).to_owned()).collect();
                found.take(pack, &subject, || Origin { base: base.clone(), strains });
            }
        }
    }
    found.lines(pack)
}

//! One refund policy, written in five languages, asked the same questions: first all must find the same, then each is timed,
//! all in turns in one run. What is compared and what is not: README.md.

mod input;
mod others;
mod ours;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

/// Questions, all different.
const QUESTIONS: usize = 64;

/// Rounds in which everybody answers every question once, as typed input and from JSON.
const ROUNDS: usize = 300;

/// What was found, in words that all can be brought to: rule, verdict, observed, limit.
pub type Findings = BTreeSet<[String; 4]>;

/// An answer in those words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub outcome: String,
    pub findings: Findings,
}

/// An engine with the policy loaded and every question prepared in its own types.
pub trait Contender {
    /// Its name and version.
    fn name(&self) -> String;
    /// Whether it says what a rule observed and what its limit is.
    fn says_why(&self) -> bool {
        true
    }
    /// Answers a question, in words.
    fn answer(&mut self, question: usize) -> Answer;
    /// Answers a question that was prepared. The answer is the engine's own; it is not looked at.
    fn typed(&mut self, question: usize);
    /// Answers a question from its JSON.
    fn json(&mut self, bytes: &[u8]);
}

struct Figure {
    typed: Vec<u64>,
    json: Vec<u64>,
}

fn nanoseconds(run: impl FnOnce()) -> u64 {
    let watch = Instant::now();
    run();
    u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn percentile(samples: &mut [u64], percent: usize) -> u64 {
    samples.sort_unstable();
    samples[(samples.len() * percent / 100).min(samples.len() - 1)]
}

fn main() {
    let questions = input::questions(QUESTIONS);
    let json: Vec<Vec<u8>> = questions.iter().map(|q| serde_json::to_vec(q).unwrap()).collect();
    let mut contenders: Vec<Box<dyn Contender>> = ours::contenders(&questions);
    contenders.extend(others::contenders(&json));

    // Nobody is timed who does not find what the others find.
    let expected: Vec<Answer> = (0..QUESTIONS).map(|question| contenders[0].answer(question)).collect();
    for contender in &mut contenders {
        for (question, expected) in expected.iter().enumerate() {
            let answer = contender.answer(question);
            let mut expected = expected.clone();
            if !contender.says_why() {
                expected.findings = expected
                    .findings
                    .into_iter()
                    .map(|[rule, verdict, ..]| [rule, verdict, String::new(), String::new()])
                    .collect();
            }
            assert_eq!(answer, expected, "{} on {}", contender.name(), String::from_utf8_lossy(&json[question]));
        }
    }
    let count = |outcome: &str| expected.iter().filter(|answer| answer.outcome == outcome).count();
    println!(
        "{QUESTIONS} questions, {} bytes of JSON on average: {} allow, {} refer, {} deny; all engines agree",
        json.iter().map(Vec::len).sum::<usize>() / QUESTIONS,
        count("allow"),
        count("refer"),
        count("deny")
    );

    let mut figures: Vec<Figure> = contenders.iter().map(|_| Figure { typed: Vec::new(), json: Vec::new() }).collect();
    for round in 0..ROUNDS {
        for (contender, figure) in contenders.iter_mut().zip(&mut figures) {
            // Once unmeasured: the caches are those of whoever was before.
            for question in 0..QUESTIONS / 4 {
                contender.typed(question);
            }
            for question in 0..QUESTIONS {
                let taken = nanoseconds(|| contender.typed(black_box(question)));
                if round > 0 {
                    figure.typed.push(taken);
                }
            }
            for bytes in &json {
                let taken = nanoseconds(|| contender.json(black_box(bytes)));
                if round > 0 {
                    figure.json.push(taken);
                }
            }
        }
    }
    machine();
    println!("{:<44} {:>10} {:>10} {:>10} {:>10}", "nanoseconds", "typed p50", "p99", "JSON p50", "p99");
    for (contender, figure) in contenders.iter().zip(&mut figures) {
        println!(
            "{:<44} {:>10} {:>10} {:>10} {:>10}",
            contender.name(),
            percentile(&mut figure.typed, 50),
            percentile(&mut figure.typed, 99),
            percentile(&mut figure.json, 50),
            percentile(&mut figure.json, 99)
        );
    }
}

fn machine() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{}, {cores} cores, load {}",
        model.trim_start_matches([' ', '\t', ':']),
        load.split(' ').next().unwrap_or_default()
    );
}

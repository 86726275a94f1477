//! Ten thousand broken policy files: each is refused with a diagnostic, or means what its bytes say. None panics or hangs.

use crate::packs::pack;
use crate::schema::LAYER;
use crate::variants::rich;
use rescind_policy::{Compiled, Diagnostics, Policy, canonical, compile, compile_layers};
use std::time::{Duration, Instant};

/// How many files are broken.
const FILES: u64 = 10_000;

/// Far longer than any file takes, even on a machine that does other things besides: what takes longer does not end.
const HANGS: Duration = Duration::from_secs(20);

/// The same files in every run, each from its own seed: splitmix64.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Values that a field may be given instead of its own.
const VALUES: &[&str] = &[
    "0",
    "-1",
    "1",
    "365",
    "4294967295",
    "4294967296",
    "9223372036854775808",
    "0x10",
    "1.5",
    "nan",
    "inf",
    "true",
    "false",
    "\"\"",
    "\"0\"",
    "\"0.00\"",
    "\"0.01\"",
    "\"99999999999999.00\"",
    "\"-1.00\"",
    "\"1 second\"",
    "\"366 days\"",
    "\"120 months\"",
    "\"3660 working days\"",
    "\"1 day\"",
    "\"100%\"",
    "\"0%\"",
    "\"allow\"",
    "\"refer\"",
    "\"deny\"",
    "\"courier\"",
    "\"00:00\"",
    "\"24:00\"",
    "\"-14:00\"",
    "\"2026-02-29\"",
    "\"9999-12-31\"",
    "\"1970-01-01\"",
    "1979-05-27T07:32:00Z",
    "[]",
    "[[]]",
    "{}",
    "[{}]",
    "[\"manager\"]",
    "[\"monday\", \"tuesday\", \"wednesday\"]",
    "[\"window\"]",
    "[\"refund.window\", \"void\"]",
    "{ channel = [\"card\"] }",
    "{ amount-from = \"1.00\" }",
    "{ between = { from = \"23:00\", until = \"01:00\" } }",
    "{ max-age = \"1 minute\", bound = true }",
    "\"\\u0000\"",
    "\"售\"",
    "'''\n'''",
    "\"\\uD800\"",
];

fn mutated(seed: u64, files: &[String]) -> (usize, String) {
    let mut seeded = Seeded(seed);
    let which = seeded.below(files.len());
    let mut text = files[which].clone().into_bytes();
    for _ in 0..=seeded.below(3) {
        text = if seeded.below(2) == 0 { bytes(&mut seeded, text) } else { structure(&mut seeded, &text, files) };
    }
    (which, String::from_utf8_lossy(&text).into_owned())
}

/// Changes a byte, or some in a row.
fn bytes(seeded: &mut Seeded, mut text: Vec<u8>) -> Vec<u8> {
    if text.is_empty() {
        return text;
    }
    let at = seeded.below(text.len());
    let byte = *seeded.one(b"\"'[]{}=.,#\n\\ \x000123456789-:%az_\xff\xe5");
    match seeded.below(6) {
        0 => text[at] = byte,
        1 => text.insert(at, byte),
        2 => drop(text.remove(at)),
        3 => text[at] ^= 1 << seeded.below(8),
        4 => drop(text.drain(at..(at + seeded.below(40)).min(text.len()))),
        _ => text.truncate(at),
    }
    text
}

/// Drops, doubles, swaps or moves lines, takes one from another file, or gives a field another value.
fn structure(seeded: &mut Seeded, text: &[u8], files: &[String]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return text.into_bytes();
    }
    let said: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].contains('=') && !lines[*at].starts_with('#')).collect();
    let at = if said.is_empty() { seeded.below(lines.len()) } else { *seeded.one(&said) };
    match seeded.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = seeded.below(lines.len());
            lines.swap(at, other);
        }
        3 => {
            let line = lines.remove(at);
            let to = seeded.below(lines.len() + 1);
            lines.insert(to, line);
        }
        4 => {
            let other: Vec<&str> = seeded.one(files).lines().filter(|line| !line.starts_with('#')).collect();
            let line = (*seeded.one(&other)).to_owned();
            lines.insert(at, line);
        }
        5 => {
            // A block of lines many times over.
            let end = (at + 1 + seeded.below(12)).min(lines.len());
            let block = lines[at..end].to_vec();
            for _ in 0..seeded.below(40) {
                lines.splice(at..at, block.iter().cloned());
            }
        }
        _ => {
            if let Some((field, _)) = lines[at].clone().split_once('=') {
                lines[at] = format!("{field}= {}", seeded.one(VALUES));
            }
        }
    }
    lines.join("\n").into_bytes()
}

#[allow(clippy::disallowed_methods, reason = "a hang is told by the clock")]
fn taken(seed: u64, upper: &str, files: &[String]) -> Result<Compiled, (String, Diagnostics)> {
    let (which, text) = mutated(seed, files);
    let started = Instant::now();
    let outcome = match which {
        0 => compile_layers(&[(upper, "upper.toml"), (&text, "layer.toml")]),
        _ => compile(&text, "test.toml"),
    };
    assert!(started.elapsed() < HANGS, "seed {seed}: {:?}\n{text}", started.elapsed());
    outcome.map_err(|mistakes| (text, mistakes))
}

#[test]
fn each_of_ten_thousand_broken_files_is_refused_with_a_diagnostic_or_loads() {
    let upper = pack("lakala");
    let files = [LAYER.to_owned(), rich(), pack("lakala"), pack("unionpay")];
    let (upper, files) = (&upper, &files);
    let threads = 4;
    let share = |first: u64| {
        let (mut accepted, mut refused) = (0_u64, 0_u64);
        for seed in (first..FILES).step_by(usize::try_from(threads).unwrap()) {
            match taken(seed, upper, files) {
                Ok(compiled) => {
                    let policy =
                        Policy::from_canonical(compiled.canonical()).unwrap_or_else(|error| panic!("{seed}: {error}"));
                    assert_eq!(canonical(policy.document()), compiled.canonical(), "{seed}");
                    assert_eq!(
                        (policy.document(), &policy.identity().hash),
                        (compiled.document(), compiled.hash()),
                        "{seed}"
                    );
                    accepted += 1;
                }
                Err((text, mistakes)) => {
                    assert!(mistakes.iter().next().is_some(), "{seed}");
                    for mistake in &mistakes {
                        assert!(text.get(mistake.span()).is_some(), "{seed}: {mistake:?}");
                        assert!(!mistake.expected().is_empty() && !mistake.found().is_empty(), "{seed}: {mistake:?}");
                    }
                    refused += 1;
                }
            }
        }
        (accepted, refused)
    };
    let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let accepted: u64 = counts.iter().map(|(accepted, _)| accepted).sum();
    let refused: u64 = counts.iter().map(|(_, refused)| refused).sum();
    assert_eq!(accepted + refused, FILES);
    // Both happen often: the files are neither all rubbish nor all as they were.
    assert!(accepted > FILES / 20 && refused > FILES / 4, "{accepted} accepted, {refused} refused");
}

#[test]
fn a_file_that_asks_for_much_work_is_refused_soon() {
    let text = rich();
    let many = |what: &str, times: usize| format!("{text}\n{}", what.repeat(times));
    let variant = "[[void.when]]\nname = \"a\"\nmatch = { kind = [\"b\"] }\n";
    let long_list = text.replacen(
        "kinds-not-voidable = [\"top-up\"]",
        &format!("kinds-not-voidable = [{}]", "\"a\",".repeat(40_000)),
        1,
    );
    let nested =
        text.replacen("source = ", &format!("deep = {}{}\nsource = ", "[".repeat(60_000), "]".repeat(60_000)), 1);
    for large in [
        many(variant, 4_000),
        many("[[refund.tier]]\n", 12_000),
        many("[[charge]]\nname = \"a\"\n", 8_000),
        long_list,
        nested,
    ] {
        #[allow(clippy::disallowed_methods, reason = "a hang is told by the clock")]
        let started = Instant::now();
        let mistakes = compile(&large, "large.toml").map(|_| ()).unwrap_err();
        assert!(mistakes.iter().count() <= rescind_policy::limits::DIAGNOSTICS);
        assert!(started.elapsed() < HANGS, "{:?}: {mistakes}", started.elapsed());
    }
}

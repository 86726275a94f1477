//! What a terminal costs, in one run, beside the goals: `cargo xtask figures`, which also builds the library as firmware
//! gets it; alone: `cargo run --release -p rescind-terminal --example figures`, after `cargo xtask build --components`.
//!
//! It prints and judges nothing: times are those of the machine it runs on. Translating is done in one process, everything
//! that is measured in others, which have no use for the compiler, so that memory and times are those of a terminal. What
//! native code and Pulley take for a decision is measured in turns, so that what slows the machine slows both.
#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that fails, fails"
)]

use rescind_bundle::{
    ClassPolicy, Content, Ed25519, Signer as _, SigningKey, Times, Trust, Verified, verify_installed,
};
use rescind_decider::Runtime;
#[cfg(not(rescind_translated))]
use rescind_decider::Translation;
use rescind_model::record::Question;
use rescind_model::{
    BusinessDay, Channel, Forwarding, Instant, Money, OperationId, Sale, SaleId, SaleOutcome, SettlementMode,
    VoidQuestion,
};
use rescind_terminal::{Ask, Begin, ClockQuality, Code, Operator, Reading, Setup, Subject, Terminal};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant as Clock;

/// 2026-11-23T11:00:00+08:00.
const NOW: i64 = 1_795_402_800_000;
const DAY: i64 = 86_400_000;

const POLICY: &str = r#"
format = 1
name = "figures"
version = "1"
source = "for figures"
currency = "CNY"
time-zone = "+08:00"
cut-off = "23:00"

[void]
enabled = true
executor = "terminal"
window = "30 minutes"
until-settlement = true
paid-out = "deny"
after-refund = "deny"
acquiring-fee = "full"
operator-roles = ["cashier"]
reason = "mandatory"
reasons = ["wrong-amount"]
slip = true

[refund]
enabled = true
executor = "courier"
window = "30 days"
same-business-day = "deny"
real-time = "refer"
tiers-by = ["sale"]
acquiring-fee = "proportion"
partial = true
reason = "mandatory"
reasons = ["wrong-amount"]
slip = true

[[refund.tier]]
name = "one"
needed = 1
roles = ["manager"]
expires-after = "72 hours"

[offline]
void = "allow"
refund = "deny"
reversal = "allow"
other = "refer"
at-ceiling = "refer"
max-records = 5000
contact-age = "24 hours"
bundle-age = "7 days"
"#;

/// Both kinds of code, with the names they have here.
const CODES: [(Code, &str); 2] = [(Code::Native, "native"), (Code::Pulley, "pulley")];

/// What is shown first, and what it is to be: the goals of issue 5, p50 unless told otherwise.
const GOALS: [(&str, &str); 12] = [
    ("library, stripped, kB", "≤ 3,000"),
    (".cwasm, kB", "≤ 800"),
    ("resident after the first decision, kB", "≤ 8,192"),
    ("load and link", "with the first decision ≤ 1 ms"),
    ("first decision", "with load and link ≤ 1 ms"),
    ("decision, warm", "native ≤ 3 µs"),
    ("decision, new instance", "native ≤ 10 µs, Pulley ≤ 20 µs; p99 ≤ 3 × p50"),
    ("decision, new instance and policy", "native ≤ 40 µs, Pulley ≤ 100 µs; p99 ≤ 3 × p50"),
    ("an instance and its end", ""),
    ("signature and form of the bundle", ""),
    ("open: journal, signature, load, policy", ""),
    ("check, with words in two languages", ""),
];

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match given.as_slice() {
        [] => everything(),
        ["life", folder, "native"] => life(Path::new(folder), Code::Native),
        ["life", folder, "pulley"] => life(Path::new(folder), Code::Pulley),
        ["turns", folder] => turns(Path::new(folder)),
        _ => panic!("expected no argument"),
    }
}

/// One figure: what, for which code (empty: either), p50 and p99; sizes have one value.
type Figures = BTreeMap<Named, Figure>;
type Named = (String, String);
type Figure = (u128, Option<u128>);

fn size(what: &str, code: &str, bytes: u64) -> (Named, Figure) {
    ((what.to_owned(), code.to_owned()), (u128::from(bytes / 1_000), None))
}

fn everything() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let component = std::fs::read(root.join("target/components/eligibility.wasm")).unwrap();
    // A comparison of what is measured may bring its own policy.
    let text = std::env::var_os("RESCIND_POLICY")
        .map_or_else(|| POLICY.to_owned(), |path| std::fs::read_to_string(path).unwrap());
    let policy = rescind_policy::compile(&text, "figures.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    println!(
        "component {} kB, policy {} bytes; {} processors, engine {}\n",
        component.len() / 1_000,
        policy.canonical().len(),
        std::thread::available_parallelism().map_or(0, usize::from),
        rescind_decider::engine_version(),
    );
    let home = tempfile::tempdir().unwrap();
    let mut figures = Figures::new();
    if let Some(library) = std::env::var_os("RESCIND_TERMINAL_LIBRARY") {
        let bytes = std::fs::metadata(library).unwrap().len();
        figures.extend([size("library, stripped, kB", "", bytes)]);
    }
    for (code, name) in CODES {
        let folder = home.path().join(name);
        let translation = translated(&component, code);
        let engine = rescind_terminal::engine(code);
        let content = Content {
            name: "figures".into(),
            version: 1,
            target: engine.target.clone(),
            wasmtime: engine.wasmtime,
            profile: engine.profile,
            component: [0; 32],
            code: translation.clone(),
            policies: vec![ClassPolicy { class: None, canonical: policy.canonical().to_vec() }],
            proof_keys: vec![],
            times: Times { not_before: NOW - DAY, expires: NOW + DAY, made_at: NOW - DAY, server_time: NOW - DAY },
        };
        let bundle = content.sign(&[], &key()).unwrap();
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap();
        figures.extend([size(".cwasm, kB", name, length(&translation)), size("bundle, kB", name, length(&bundle))]);
        let mut terminal = open(&folder, code);
        terminal.hear(reading(), reading(), at(NOW)).unwrap();
        terminal.apply_bundle(reading(), bundle).unwrap();
        terminal.record_sale(reading(), sale("S-1"), SaleOutcome::Good, Forwarding::Kept).unwrap();
        terminal.close();
        figures.extend(measured(&["life", folder.to_str().unwrap(), name]));
    }
    figures.extend(measured(&["turns", home.path().to_str().unwrap()]));
    show(&figures);
}

#[cfg(not(rescind_translated))]
fn translated(component: &[u8], code: Code) -> Vec<u8> {
    Translation::of(component, &code.target()).unwrap().bytes().to_vec()
}

/// What `cargo xtask cross` translated, on another machine.
#[cfg(rescind_translated)]
fn translated(_component: &[u8], code: Code) -> Vec<u8> {
    let folder = std::env::var("RESCIND_TRANSLATED").unwrap();
    std::fs::read(Path::new(&folder).join(format!("{}.cwasm", code.target()))).unwrap()
}

/// This very program again. On a processor that is emulated, `RESCIND_RUNNER` says what stands before it.
fn this_program() -> Command {
    let runner = std::env::var("RESCIND_RUNNER").unwrap_or_default();
    let itself = std::env::current_exe().unwrap();
    let mut words = runner.split_whitespace().map(std::ffi::OsString::from).chain([itself.into_os_string()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// Runs this program once more, and reads what it found.
fn measured(arguments: &[&str]) -> Figures {
    let ran = this_program().args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let read = |line: &str| {
        let mut parts = line.split('\t');
        let (what, code, p50) = (parts.next()?, parts.next()?, parts.next()?);
        let p99 = parts.next().map(|p99| p99.parse().unwrap());
        Some(((what.to_owned(), code.to_owned()), (p50.parse().unwrap(), p99)))
    };
    String::from_utf8(ran.stdout).unwrap().lines().filter_map(read).collect()
}

fn show(figures: &Figures) {
    let mut all: Vec<&str> = GOALS.iter().map(|(what, _)| *what).collect();
    for (what, _) in figures.keys() {
        if !all.contains(&what.as_str()) {
            all.push(what);
        }
    }
    println!("{:<42} {:>24} {:>24} {:>9}   goal", "", "native p50 / p99", "Pulley p50 / p99", "Pulley ×");
    for what in all {
        let figure = |code: &str| figures.get(&(what.to_owned(), code.to_owned())).copied();
        let either = figure("");
        let (native, pulley) = (figure("native").or(either), figure("pulley"));
        let text = |figure: Option<Figure>| match figure {
            None => "-".to_owned(),
            Some((size, None)) => size.to_string(),
            Some((p50, Some(p99))) => format!("{} / {}", micros(p50), micros(p99)),
        };
        let ratio = match (native, pulley) {
            (Some((native, Some(_))), Some((pulley, Some(_)))) if native > 0 => {
                let tenths = pulley * 10 / native;
                format!("{}.{}", tenths / 10, tenths % 10)
            }
            _ => String::new(),
        };
        let goal = GOALS.iter().find(|(goal, _)| *goal == what).map_or("", |(_, goal)| *goal);
        println!("{what:<42} {:>24} {:>24} {ratio:>9}   {goal}", text(native), text(pulley));
    }
}

fn micros(ns: u128) -> String {
    if ns >= 1_000_000 { format!("{} µs", ns / 1_000) } else { format!("{}.{:02} µs", ns / 1_000, ns % 1_000 / 10) }
}

/// What a terminal does from its start, in a process of its own.
fn life(folder: &Path, code: Code) {
    let name = CODES.iter().find(|(other, _)| *other == code).map_or("", |(_, name)| *name);
    let before = resident();
    let start = Clock::now();
    let mut terminal = open(folder, code);
    let opened = start.elapsed().as_nanos();
    let ask = ask("S-1");
    let start = Clock::now();
    let first = terminal.check(reading(), &ask).unwrap();
    let decided = start.elapsed().as_nanos();
    assert!(first.is_allowed(), "{:?}", first.messages);
    println!("open: journal, signature, load, policy\t{name}\t{opened}\t{opened}");
    println!("first decision, with its words\t{name}\t{decided}\t{decided}");
    println!("resident before, kB\t{name}\t{before}");
    println!("resident after the first decision, kB\t{name}\t{}", resident());
    tell(
        "check, with words in two languages",
        name,
        &mut times(20_000, || drop(terminal.check(reading(), &ask).unwrap())),
    );
    let mut n = 0;
    let mut begun = times(200, || {
        n += 1;
        let id = format!("S-b{n}");
        terminal.record_sale(reading(), sale(&id), SaleOutcome::Good, Forwarding::Kept).unwrap();
        let begin = Begin { operation: OperationId::parse(&format!("V-{n}")).unwrap(), ask: self::ask(&id) };
        assert!(terminal.begin(reading(), &begin).unwrap().operation.is_some());
    });
    tell("a sale and its void, both synced", name, &mut begun);

    // The parts of opening.
    let bytes = terminal.bundle().unwrap().bytes().to_vec();
    let policy = terminal.bundle().unwrap().policy(None).unwrap().to_vec();
    let engine = rescind_terminal::engine(code);
    let mut verified = times(50, || drop(verify_installed(bytes.clone(), &trust(), &engine, &Ed25519).unwrap()));
    tell("signature and form of the bundle", name, &mut verified);
    let verified = verify_installed(bytes, &trust(), &engine, &Ed25519).unwrap();
    let facts = terminal_facts(&mut terminal);
    let load = || Runtime::with_instances(&code.target(), code_of(&verified), 2).unwrap();
    tell("load and link", name, &mut times(100, || drop(load())));
    let mut firsts: Vec<u128> = (0..100)
        .map(|_| {
            let runtime = load();
            let start = Clock::now();
            let mut decider = runtime.decider(&policy).unwrap();
            drop(decider.decide(&facts, &ask.question).unwrap());
            start.elapsed().as_nanos()
        })
        .collect();
    tell("first decision", name, &mut firsts);
}

/// Decisions of both kinds of code in turns.
fn turns(home: &Path) {
    type Turn<'a> = (&'static str, &'static str, Box<dyn FnMut() -> u128 + 'a>, Vec<u128>);
    let ask = ask("S-1");
    let bundles = CODES.map(|(code, name)| {
        let mut terminal = open(&home.join(name), code);
        let facts = terminal_facts(&mut terminal);
        let bundle = terminal.bundle().unwrap();
        let engine = rescind_terminal::engine(code);
        let verified = verify_installed(bundle.bytes().to_vec(), &trust(), &engine, &Ed25519).unwrap();
        let policy = bundle.policy(None).unwrap().to_vec();
        (code, name, facts, verified, policy)
    });
    let mut all: Vec<Turn<'_>> = Vec::new();
    for (code, name, facts, verified, policy) in &bundles {
        let runtime = Runtime::with_instances(&code.target(), code_of(verified), 4).unwrap();
        let question = &ask.question;
        let mut decider = runtime.decider(policy).unwrap();
        let warm = move || timed(|| decider.decide(facts, question).unwrap());
        let fresh = runtime.clone();
        let loaded = move || timed(|| fresh.decide_once(policy, facts, question).unwrap());
        let fresh = runtime.clone();
        let unloaded = move || {
            // What loading takes is left out: the instance, its decision, its end.
            let start = Clock::now();
            let instance = fresh.instance().unwrap();
            let made = start.elapsed().as_nanos();
            let mut loaded = instance.load(policy).unwrap();
            made + timed(|| {
                let decided = loaded.decide(facts, question).unwrap();
                drop(loaded);
                decided
            })
        };
        let instance = move || timed(|| runtime.instance().unwrap());
        all.push(("decision, warm", *name, Box::new(warm), Vec::new()));
        all.push(("decision, new instance", *name, Box::new(unloaded), Vec::new()));
        all.push(("decision, new instance and policy", *name, Box::new(loaded), Vec::new()));
        all.push(("an instance and its end", *name, Box::new(instance), Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (_, _, run, times) in &mut all {
            // The first find the caches of another.
            (0..SETTLING).for_each(|_| {
                run();
            });
            times.extend((0..PER_ROUND).map(|_| run()));
        }
    }
    for (what, name, _, times) in &mut all {
        tell(what, name, times);
    }
}

/// Rounds, in each of which everything is measured in turn; calls of one kind in a round that count, and before them some
/// that do not.
const ROUNDS: usize = 60;
const PER_ROUND: usize = 100;
const SETTLING: usize = 20;

/// A bundle's code.
fn code_of(verified: &Verified) -> rescind_decider::Verified<'_> {
    // SAFETY: its signature was verified, and it lies in the buffer in which it was.
    #[expect(unsafe_code, reason = "see above")]
    unsafe {
        rescind_decider::Verified::new(verified.code())
    }
}

/// The facts of a decision, as the journal has them.
fn terminal_facts(terminal: &mut Terminal) -> rescind_model::Facts {
    let answer = terminal.decide(reading(), &ask("S-1")).unwrap();
    let batch = terminal.export(reading(), answer.record.unwrap(), 1).unwrap().unwrap();
    let owner = rescind_journal::Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() };
    let head = terminal.status(reading()).unwrap().journal.acknowledged;
    let known = rescind_journal::Head { next: u64::MAX, ..head };
    let batch = rescind_journal::verify_batch(&batch.batch, key().public(), &Ed25519, &owner, Some(&known)).unwrap();
    match &batch.records[0].0.entry {
        rescind_journal::Entry::Decision(record) => record.input.facts.clone(),
        other => panic!("{other:?}"),
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> u128 {
    let start = Clock::now();
    drop(std::hint::black_box(work()));
    start.elapsed().as_nanos()
}

fn times(count: usize, mut work: impl FnMut()) -> Vec<u128> {
    (0..count).map(|_| timed(&mut work)).collect()
}

/// Says a figure to the process that asked for it.
fn tell(what: &str, code: &str, times: &mut [u128]) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what}\t{code}\t{}\t{}", at(50), at(99));
}

/// Resident memory in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn at(ms: i64) -> Instant {
    Instant { unix_ms: ms }
}

fn reading() -> Reading {
    Reading { wall: at(NOW), monotonic_ms: 1_000 }
}

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn trust() -> Trust {
    Trust::first("figures", key().public().clone())
}

fn open(folder: &Path, code: Code) -> Terminal {
    let setup = Setup {
        merchant: "M-1".parse().unwrap(),
        merchant_name: "静安小店".into(),
        terminal: "T1".parse().unwrap(),
        class: None,
        utc_offset_minutes: 480,
        folder: folder.to_path_buf(),
        trust: trust(),
        code,
        boot: "run-1".into(),
        journal_id: "00".repeat(16),
        clocks: ClockQuality::default(),
        max_records: 5_000,
        max_bytes: 16 * 1024 * 1024,
    };
    Terminal::open(setup, Box::new(key()), reading()).unwrap()
}

fn sale(id: &str) -> Sale {
    let money = |minor| Money::new(minor, "CNY").unwrap();
    Sale {
        id: SaleId::parse(id).unwrap(),
        merchant: "M-1".parse().unwrap(),
        slip: None,
        order_number: None,
        retrieval_reference: None,
        operator: None,
        captured: money(12_000),
        coupon: None,
        fee_charged: money(72),
        channel: Channel::Card,
        card_type: None,
        kind: "purchase".into(),
        payer_token: None,
        contact: None,
        service_at: None,
        paid_at: at(NOW),
        business_day: BusinessDay::new(2026, 11, 23).unwrap(),
        settlement: SettlementMode::Ordinary,
    }
}

fn ask(id: &str) -> Ask {
    let amount = Money::new(12_000, "CNY").unwrap();
    let reason = Some("wrong-amount".to_owned());
    Ask {
        sale: Subject::Stored(SaleId::parse(id).unwrap()),
        question: Question::Void(VoidQuestion { amount, reason, legal: false, evidence: vec![] }),
        operator: Some(Operator { person: "li".parse().unwrap(), roles: vec!["cashier".parse().unwrap()] }),
        proof: None,
        identity: vec![],
        fees: None,
    }
}

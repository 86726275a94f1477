//! What a terminal costs: `cargo run --release -p rescind-terminal --example figures`, after `cargo xtask build
//! --components`. Translating is done in one process, everything that is measured in others, which have no use for the
//! compiler, so that memory and times are those of a terminal.
#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that fails, fails"
)]

use rescind_bundle::{ClassPolicy, Content, Ed25519, Signer as _, SigningKey, Times, Trust, verify_installed};
use rescind_decider::Runtime;
#[cfg(not(rescind_translated))]
use rescind_decider::Translation;
use rescind_model::record::Question;
use rescind_model::{
    BusinessDay, Channel, Forwarding, Instant, Money, OperationId, Sale, SaleId, SaleOutcome, SettlementMode,
    VoidQuestion,
};
use rescind_terminal::{Ask, Begin, ClockQuality, Code, Operator, Reading, Setup, Subject, Terminal};
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

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match given.as_slice() {
        [] => everything(),
        [folder, code] => terminal(Path::new(folder), if code == "pulley" { Code::Pulley } else { Code::Native }),
        _ => panic!("expected no argument"),
    }
}

fn everything() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let component = std::fs::read(root.join("target/components/eligibility.wasm")).unwrap();
    // A comparison of what is measured may bring its own policy.
    let text = std::env::var_os("RESCIND_POLICY")
        .map_or_else(|| POLICY.to_owned(), |path| std::fs::read_to_string(path).unwrap());
    let policy = rescind_policy::compile(&text, "figures.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    println!("component {} kB, policy {} bytes", component.len() / 1_000, policy.canonical().len());
    for code in [Code::Native, Code::Pulley] {
        let folder = tempfile::tempdir().unwrap();
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
        println!("\n{}: .cwasm {} kB, bundle {} kB", engine.target, translation.len() / 1_000, bundle.len() / 1_000);
        let mut terminal = open(folder.path(), code);
        terminal.hear(reading(), reading(), at(NOW)).unwrap();
        terminal.apply_bundle(reading(), bundle).unwrap();
        terminal.record_sale(reading(), sale("S-1"), SaleOutcome::Good, Forwarding::Kept).unwrap();
        terminal.close();
        let name = if code == Code::Pulley { "pulley" } else { "native" };
        let ran = this_program().arg(folder.path()).arg(name).status().unwrap();
        assert!(ran.success());
    }
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

/// What a terminal does from its start, in a process of its own.
fn terminal(folder: &Path, code: Code) {
    let before = resident();
    let start = Clock::now();
    let mut terminal = open(folder, code);
    let opened = start.elapsed();
    let ask = ask("S-1");
    let start = Clock::now();
    let first = terminal.check(reading(), &ask).unwrap();
    assert!(first.is_allowed(), "{:?}", first.messages);
    println!("  open (journal, signature, load, policy) {opened:?}, first decision {:?}", start.elapsed());
    println!("  resident: {} kB before, {} kB after the first decision", before, resident());
    show("check, with words in two languages", &times(20_000, || drop(terminal.check(reading(), &ask).unwrap())));
    let mut n = 0;
    let begun = times(200, || {
        n += 1;
        let id = format!("S-b{n}");
        terminal.record_sale(reading(), sale(&id), SaleOutcome::Good, Forwarding::Kept).unwrap();
        let begin = Begin { operation: OperationId::parse(&format!("V-{n}")).unwrap(), ask: self::ask(&id) };
        assert!(terminal.begin(reading(), &begin).unwrap().operation.is_some());
    });
    show("a sale and its void, both synced to the disk", &begun);

    // The parts: what the bundle costs, and what one decision does.
    let bytes = terminal.bundle().unwrap().bytes().to_vec();
    let policy = terminal.bundle().unwrap().policy(None).unwrap().to_vec();
    let engine = rescind_terminal::engine(code);
    let verified = times(20, || drop(verify_installed(bytes.clone(), &trust(), &engine, &Ed25519).unwrap()));
    show("signature and form of the bundle", &verified);
    let verified = verify_installed(bytes, &trust(), &engine, &Ed25519).unwrap();
    // SAFETY: verified above, in the buffer it lies in.
    #[expect(unsafe_code, reason = "see above")]
    let code_of = || unsafe { rescind_decider::Verified::new(verified.code()) };
    show("load and link", &times(50, || drop(Runtime::with_instances(&code.target(), code_of(), 2).unwrap())));
    let runtime = Runtime::with_instances(&code.target(), code_of(), 2).unwrap();
    let facts = terminal_facts(&mut terminal);
    let mut decider = runtime.decider(&policy).unwrap();
    show("one decision, warm", &times(50_000, || drop(decider.decide(&facts, &ask.question).unwrap())));
    show(
        "one decision, new instance, policy loaded",
        &times(5_000, || drop(runtime.decide_once(&policy, &facts, &ask.question).unwrap())),
    );
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

fn times(count: usize, mut work: impl FnMut()) -> Vec<u128> {
    let mut times: Vec<u128> = (0..count)
        .map(|_| {
            let start = Clock::now();
            work();
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    times
}

fn show(what: &str, times: &[u128]) {
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let text = |ns: u128| format!("{}.{:03} µs", ns / 1_000, ns % 1_000);
    println!("  {what}: p50 {}, p99 {}", text(at(50)), text(at(99)));
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

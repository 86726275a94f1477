//! How many recorded decisions a second are tried and made again: by one thread, and by as many as the machine bears.
//! Parsing is part of it. `cargo bench -p rescind-pack [-- RECORDS]`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock; this is no component")]
#![allow(clippy::print_stdout, reason = "a measurement says what it found")]

use rescind_eligibility::Engine;
use rescind_model::Digest;
use rescind_pack::backtest::{Backtest, Options};
use rescind_pack::generator::Generator;
use rescind_pack::records;
use rescind_pack::replay::{Library, Native, Replay};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(200_000);
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/lakala.toml");
    let text = std::fs::read_to_string(pack)?;
    let compiled = rescind_policy::compile(&text, "lakala.toml")?;
    let other = rescind_policy::compile(&text.replace("\"30 minutes\"", "\"3 minutes\""), "lakala.toml")?;
    let load = |canonical: &[u8]| Engine::load(canonical).map_err(|error| error.message);
    let (engine, other) = (load(compiled.canonical())?, load(other.canonical())?);

    let folder = tempfile::tempdir()?;
    let file: PathBuf = folder.path().join("records.jsonl");
    let generator = Generator::new(&engine, 1);
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file)?);
    let component = Digest::of(b"native");
    let started = Instant::now();
    for index in 0..count {
        serde_json::to_writer(&mut out, &generator.record(index, &component)?)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    let files = [file];
    let bytes = records::size(&files);
    println!(
        "{count} records, {} bytes each, generated in {:?}",
        bytes.checked_div(count).unwrap_or(0),
        started.elapsed()
    );

    let mut library = Library::default();
    library.add(compiled.canonical().to_vec());
    for threads in [NonZeroUsize::MIN, records::threads()] {
        let options = Options { only: None, skip_bad: false, threads };
        let (started, cpu) = (Instant::now(), cpu_time());
        let found = Backtest::run(&other, &files, &options, None, &mut |_| {})?;
        report("backtest", threads, found.records, started, cpu);
        let (started, cpu) = (Instant::now(), cpu_time());
        let found = Replay::run(&Native, &library, &files, false, threads, &mut |_| {})?;
        report("replay", threads, found.records, started, cpu);
        if !found.is_faithful() {
            return Err(found.text().into());
        }
    }
    Ok(())
}

fn report(what: &str, threads: NonZeroUsize, records: u64, started: Instant, cpu_before: Duration) {
    let (took, cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu_before));
    let rate =
        |time: Duration| u128::from(records).saturating_mul(1_000_000).checked_div(time.as_micros()).unwrap_or(0);
    println!(
        "{what} by {threads} threads: {records} records in {took:?}, {} a second; {cpu:?} of a core, {} a second per core",
        rate(took),
        rate(cpu)
    );
}

/// How long this program's threads were on a core, where the system tells: other programs then do not matter.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let ns = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    let alive: u64 = ns.sum();
    // Threads that have ended count in the process's own sum, in hundredths of a second.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = text.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(10)).max(Duration::from_nanos(alive))
}

//! A journal in a real file.

use crate::world::{at, decision, incident, opening, operation, stored_sale};
use rescind_journal::{Journal, JournalError};
use std::io::{BufRead as _, BufReader, Read as _};

#[test]
fn a_journal_is_there_after_a_restart_and_nobody_else_has_it_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path, &opening()).unwrap();
    journal.append(at(1), &[stored_sale(1), decision(1), operation(1)]).unwrap();
    assert!(matches!(Journal::open(&path, &opening()), Err(JournalError::Disk(_))), "it is locked");
    let (head, records) = (journal.head(), journal.records(1, 9).unwrap());
    drop(journal);
    let journal = Journal::open(&path, &opening()).unwrap();
    assert_eq!((journal.head(), journal.records(1, 9).unwrap()), (head, records));
}

#[test]
fn the_file_does_not_grow_with_what_was_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path, &opening()).unwrap();
    let mut sizes = Vec::new();
    for _ in 0..40 {
        for _ in 0..5 {
            journal.append(at(1), &[decision(1), operation(1), incident()]).unwrap();
        }
        let head = journal.head();
        journal.acknowledge(&head).unwrap();
        sizes.push(std::fs::metadata(&path).unwrap().len());
    }
    assert_eq!(journal.head().next, 601);
    assert!(sizes[39] <= sizes[5], "{sizes:?}");
}

#[test]
fn a_journal_that_was_not_finished_beginning_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    std::fs::write(folder.path().join("journal.new"), b"the power went here").unwrap();
    let mut journal = Journal::open(&path, &opening()).unwrap();
    assert_eq!(journal.append(at(1), &[incident()]).unwrap(), 1);
    assert!(!folder.path().join("journal.new").exists());
    // What has the name and is no journal is not one that was being begun.
    let other = folder.path().join("other");
    std::fs::write(&other, b"rubbish").unwrap();
    assert!(matches!(Journal::open(&other, &opening()), Err(JournalError::Disk(_))));
    assert_eq!(std::fs::read(&other).unwrap(), b"rubbish");
}

/// Not a test of its own: what [`killed_at_any_moment_a_journal_has_what_it_said_it_has`] starts and kills.
#[test]
#[ignore = "started by another test"]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var("RESCIND_JOURNAL_TO_WRITE") else { return };
    let mut journal = Journal::open(std::path::Path::new(&path), &opening()).unwrap();
    loop {
        let first = journal.append(at(1), &[decision(1), operation(1)]).unwrap();
        println!("written {}", first + 1);
        if first % 40 < 2 {
            let head = journal.head();
            journal.acknowledge(&head).unwrap();
        }
    }
}

/// This very program again. On a processor that is emulated, `RESCIND_RUNNER` says what stands before it.
fn this_program() -> std::process::Command {
    let runner = std::env::var("RESCIND_RUNNER").unwrap_or_default();
    let itself = std::env::current_exe().unwrap();
    let mut words = runner.split_whitespace().map(std::ffi::OsString::from).chain([itself.into_os_string()]);
    let mut command = std::process::Command::new(words.next().unwrap());
    command.args(words);
    command
}

#[test]
fn killed_at_any_moment_a_journal_has_what_it_said_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut last = 0;
    for round in 0..12 {
        let mut child = this_program()
            .args(["--exact", "file::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env("RESCIND_JOURNAL_TO_WRITE", &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        // Every other one is killed while it works, however slow the machine; the others perhaps while they begin.
        while round % 2 == 0 && !said.contains("written ") {
            assert!(output.read_line(&mut said).unwrap() > 0, "round {round}: {said}");
        }
        std::thread::sleep(std::time::Duration::from_millis(150 + 37 * round));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it was killed");
        output.read_to_string(&mut said).unwrap();
        let said =
            said.lines().filter_map(|line| line.strip_prefix("written ")).filter_map(|n| n.parse::<u64>().ok()).max();
        let journal = Journal::open(&path, &opening()).unwrap();
        let written = journal.head().next - 1;
        // One append may have been written and not be told of; a number that was cut off is lower than the truth.
        assert!(written >= said.unwrap_or(last), "round {round}: {written} written, {said:?} said");
        assert!(written >= last, "round {round}");
        last = written;
    }
    assert!(last > 24, "{last}");
}

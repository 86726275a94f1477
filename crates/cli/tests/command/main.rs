//! The command as other programs meet it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

mod bundle;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of this test's own, empty.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn rescind(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rescind"));
    command.current_dir(folder);
    command
}

/// The path of the shipped packs.
fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[cfg(unix)]
#[test]
fn a_reader_who_has_seen_enough_ends_the_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = rescind(&folder("pipe")).args(["policy", "check"]).arg(policies()).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(141), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = rescind(&folder("full")).args(["policy", "check"]).arg(policies()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: standard output cannot be written: "), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_key_that_nobody_saw_is_no_quiet_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let folder = folder("key");
    let output = rescind(&folder).arg("serve").arg("--policies").arg(policies()).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("nobody saw it: remove rescind.db"), "{said}");
}

const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// By another program.
const DIGEST: &str = "24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29";

#[test]
fn components_go_into_the_archive_and_come_out_by_digest() {
    let folder = folder("components");
    fs::create_dir_all(folder.join("target/components")).unwrap();
    fs::write(folder.join("target/components/refunds.wasm"), COMPONENT).unwrap();
    fs::write(folder.join("target/components/refunds.stamp"), "no component").unwrap();
    let run = |arguments: &[&str]| rescind(&folder).arg("components").args(arguments).output().unwrap();

    assert_eq!(good(&run(&["import"])), format!("{DIGEST} refunds archived\n"));
    assert_eq!(good(&run(&["import", "target/components/refunds.wasm"])), format!("{DIGEST} refunds was there\n"));
    let listed = good(&run(&["list"]));
    assert!(listed.starts_with(DIGEST) && listed.ends_with("Z refunds\n") && listed.lines().count() == 1, "{listed}");
    assert_eq!(good(&run(&["export", DIGEST, "--out", "out.wasm"])), "out.wasm: refunds, 8 bytes\n");
    assert_eq!(fs::read(folder.join("out.wasm")).unwrap(), COMPONENT);

    let missing = run(&["export", &DIGEST.replace('a', "b"), "--out", "none.wasm"]);
    assert!(!missing.status.success() && text(&missing.stderr).contains("no component with the digest"));
    assert!(!folder.join("none.wasm").exists());
    let stranger = run(&["import", "target/components/refunds.stamp"]);
    assert!(!stranger.status.success() && text(&stranger.stderr).contains("is no WebAssembly component"));
}

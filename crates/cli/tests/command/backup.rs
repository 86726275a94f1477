//! `rescind backup` and `rescind restore`, without a server.

use super::{COMPONENT, folder, good, rescind, text};
use std::fs;
use std::path::Path;
use std::process::Output;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    rescind(folder).args(arguments).output().unwrap()
}

/// What a command says that ends with 1.
#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    text(&output.stderr)
}

/// A database with one archived component.
fn database(test: &str) -> std::path::PathBuf {
    let folder = folder(test);
    fs::create_dir_all(folder.join("target/components")).unwrap();
    fs::write(folder.join("target/components/refunds.wasm"), COMPONENT).unwrap();
    good(&run(&folder, &["components", "import"]));
    folder
}

#[test]
fn a_backup_is_made_checked_and_restored() {
    let folder = database("backup");
    let made = good(&run(&folder, &["backup", "--to", "copy.db"]));
    assert!(made.starts_with("copy.db: of 2") && made.contains(", 0 keys, 1 components, "), "{made}");
    assert!(made.contains(concat!(" schema 1, by rescind ", env!("CARGO_PKG_VERSION"))), "{made}");
    assert_eq!(good(&run(&folder, &["backup", "verify", "copy.db"])), made);
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("copy.db.manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["format"], &manifest["components"]), (&"rescind-backup/1".into(), &1.into()));

    let restored = good(&run(&folder, &["restore", "--from", "copy.db", "--store", "other.db"]));
    assert_eq!(restored, made.replace("copy.db", "other.db"));
    let listed = |db: &str| good(&run(&folder, &["components", "list", "--db", db]));
    assert_eq!(listed("other.db"), listed("rescind.db"));

    let said = refused(&run(&folder, &["restore", "--from", "copy.db"]));
    assert!(said.starts_with("error: rescind.db is there and not empty") && said.contains("--replace"), "{said}");
    let replaced = good(&run(&folder, &["restore", "--from", "copy.db", "--replace"]));
    assert!(replaced.contains("what was there before is now rescind.db.before-restore-"), "{replaced}");
}

#[test]
fn what_is_no_whole_backup_is_refused_by_name() {
    let folder = database("backup-refused");
    let said = refused(&run(&folder, &["backup"]));
    assert!(said.contains("say where to write the copy"), "{said}");
    let said = refused(&run(&folder, &["backup", "--db", "none.db", "--to", "copy.db"]));
    assert!(said.contains("none.db: there is no such database"), "{said}");
    good(&run(&folder, &["backup", "--to", "copy.db"]));
    let said = refused(&run(&folder, &["backup", "--to", "copy.db"]));
    assert!(said.contains("copy.db is there already"), "{said}");

    let mut bytes = fs::read(folder.join("copy.db")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(folder.join("copy.db"), bytes).unwrap();
    for command in [&["backup", "verify", "copy.db"][..], &["restore", "--from", "copy.db", "--db", "new.db"]] {
        let said = refused(&run(&folder, command));
        assert!(said.contains("the backup copy.db is damaged (its SHA-256 is "), "{said}");
    }
    assert!(!folder.join("new.db").exists());
    fs::remove_file(folder.join("copy.db.manifest.json")).unwrap();
    let said = refused(&run(&folder, &["backup", "verify", "copy.db"]));
    assert!(said.contains("copy.db is no backup of `rescind backup`"), "{said}");
}

#[test]
fn a_newer_database_is_refused_by_every_command() {
    let folder = database("backup-newer");
    let path = folder.join("rescind.db");
    // The version of the schema, as SQLite keeps it in the head of the file.
    let mut bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[60..64], [0, 0, 0, 1]);
    bytes[63] = 9;
    fs::write(&path, &bytes).unwrap();
    for command in [&["serve"][..], &["backup", "--to", "copy.db"], &["components", "import"]] {
        let said = text(&run(&folder, command).stderr);
        assert!(said.contains("rescind.db has the schema version 9, and this program knows 0 to 1"), "{said}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes, "it was left alone");
}

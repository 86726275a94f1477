//! `rescind audit verify` as others meet it: what it prints, and its exit status.

use super::{folder, rescind, text};
use rescind_audit::export::SealedBytes;
use rescind_audit::{Checkpoint, Day, Export, FeedPosition, Hash, Tree};
use rescind_bundle::{Signer as _, SigningKey};
use rescind_model::{Instant, MerchantId};
use std::fs;

#[test]
fn a_file_is_proved_refused_or_not_checked_and_the_exit_status_says_which() {
    let folder = folder("audit");
    let key = SigningKey::from_seed([7; 32]);
    let made_at = Instant::parse("2026-11-24T00:10:00Z").unwrap();
    let checkpoint = Checkpoint {
        merchant: MerchantId::parse("M-1").unwrap(),
        number: 1,
        day: Day::of(made_at).before(),
        previous: None,
        from: FeedPosition { page: 0, index: 0 },
        until: FeedPosition { page: 0, index: 2 },
        heads: 2,
        tree: Tree::of([vec![1]]).root(),
        made_at,
    };
    let sealed = checkpoint.sign(&key).unwrap();
    let hash = Hash::of(&sealed).to_string();
    let export = Export::new(checkpoint.merchant, vec![SealedBytes(sealed)], None).to_text().unwrap();
    fs::write(folder.join("row.json"), &export).unwrap();
    fs::write(folder.join("altered.json"), export.replace("M-1", "M-2")).unwrap();
    let (public, other) = (key.public().to_string(), SigningKey::from_seed([8; 32]).public().to_string());
    let run = |args: &[&str]| {
        let output = rescind(&folder).args(["audit", "verify"]).args(args).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };

    let (code, said, _) = run(&["row.json", "--key", &other, "--key", &public, "--kept", &hash]);
    assert_eq!(code, Some(0));
    let known = "  checkpoint 1 of 2026-11-23: 2 events, made 2026-11-24T00:10:00Z, signed by one of the keys\n";
    assert!(said.contains(known) && said.contains("\nNot proved:\n"), "{said}");

    for (file, key, kept, why) in [
        ("row.json", &other, None, "is none of those given"),
        ("altered.json", &public, None, "checkpoint 1 is of merchant M-1, the file is of M-2"),
        ("row.json", &public, Some("0".repeat(64)), "it is of another history"),
    ] {
        let mut args = vec![file, "--key", key];
        if let Some(kept) = &kept {
            args.extend(["--kept", kept]);
        }
        let (code, said, told) = run(&args);
        assert_eq!((code, said.as_str()), (Some(1), ""));
        assert!(told.starts_with(&format!("refused: {file}: ")) && told.contains(why), "{told}");
    }
    for args in [
        &["nowhere.json", "--key", &public][..],
        &["row.json", "--key", "x"],
        &["row.json"],
        &["row.json", "--key", &public, "--kept", "x"],
    ] {
        let (code, said, told) = run(args);
        assert_eq!((code, said.as_str(), told.starts_with("error: ")), (Some(2), "", true), "{told}");
    }
}

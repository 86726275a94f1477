//! Bundles from key to check, as whoever runs a fleet of terminals makes them.

use crate::{folder, good, policies, rescind, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// What the build made, or what `RESCIND_ELIGIBILITY` names.
fn component() -> PathBuf {
    std::env::var_os("RESCIND_ELIGIBILITY").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/components/eligibility.wasm"),
        PathBuf::from,
    )
}

/// A folder in which bundles are made.
struct Desk(PathBuf);

impl Desk {
    fn new(test: &str) -> Self {
        Self(folder(test))
    }

    fn run(&self, arguments: &str) -> Output {
        let lakala = policies().join("lakala.toml");
        let (lakala, component) = (lakala.display().to_string(), component().display().to_string());
        let words = arguments.split(' ').map(|word| word.replace("LAKALA", &lakala).replace("COMPONENT", &component));
        rescind(&self.0).arg("bundle").args(words).output().unwrap()
    }

    fn good(&self, arguments: &str) -> String {
        good(&self.run(arguments))
    }

    /// What it says on standard error, having failed.
    fn wrong(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    /// What a terminal would say of a bundle it refuses.
    fn refused(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {}", text(&output.stdout));
        let said = text(&output.stdout);
        said.split_once(": refused: ").unwrap().1.split_once(": ").unwrap().0.to_owned()
    }

    fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.good(arguments)).unwrap()
    }

    fn public(&self, name: &str) -> String {
        self.json(&format!("keygen --out {name}.key --json"))["public-key"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_bundle_is_made_signed_shown_and_checked() {
    let desk = Desk::new("bundle");
    let made = desk.good("keygen --out first.key --name lakala --trust keys-1.json");
    let id = made.lines().find_map(|line| line.strip_prefix("key id      ")).unwrap();
    assert!(made.starts_with("public key  ed25519:"), "{made}");
    let secret = fs::read_to_string(desk.0.join("first.key")).unwrap();
    assert!(!made.contains(secret.trim().rsplit(':').next().unwrap()), "the private key is not shown");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(desk.0.join("first.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::copy(desk.0.join("first.key"), desk.0.join("open.key")).unwrap();
        fs::set_permissions(desk.0.join("open.key"), fs::Permissions::from_mode(0o640)).unwrap();
        let said = desk.wrong("build --name lakala --version 1 --component COMPONENT --policy LAKALA --key open.key");
        assert!(said.contains("open.key can be read by others"), "{said}");
    }
    let said = desk.wrong("keygen --out first.key");
    assert!(said.contains("first.key is there already and is not overwritten"), "{said}");
    assert_eq!(fs::read_to_string(desk.0.join("first.key")).unwrap(), secret);

    let keys = r#"{"items":[{"id":"x","algorithm":"ed25519","public_key":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "created_at":"2026-11-01T00:00:00Z","retired_at":"2026-11-20T00:00:00Z"}]}"#;
    fs::write(desk.0.join("proof-keys.json"), keys).unwrap();
    desk.good(
        "build --name lakala --version 7 --component COMPONENT --policy LAKALA --policy kiosk=LAKALA --target pulley64 \
         --target pulley32 --proof-keys proof-keys.json --made-at 2026-11-23T00:00:00Z --days 10 --key first.key"
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .as_str(),
    );
    let bundle = "lakala-7-pulley64.bundle";
    let shown = desk.json(&format!("inspect {bundle} --json"));
    assert_eq!(
        (&shown["name"], &shown["version"], &shown["target"]),
        (&"lakala".into(), &7.into(), &"pulley64".into())
    );
    assert_eq!((&shown["key"], &shown["wasmtime"]), (&id.into(), &"48".into()));
    assert_eq!(shown["not-before"], "2026-11-22T23:50:00Z");
    assert_eq!(
        (&shown["expires"], &shown["server-time"]),
        (&"2026-12-03T00:00:00Z".into(), &"2026-11-23T00:00:00Z".into())
    );
    assert_eq!((shown["policies"].as_array().unwrap().len(), &shown["policies"][1]["class"]), (2, &"kiosk".into()));
    assert_eq!(shown["proof-keys"][0]["retired-at"], "2026-11-20T00:00:00Z");
    assert!(desk.good(&format!("inspect {bundle}")).contains(&format!("signed by   {id} (ed25519)\n")));
    assert_eq!(desk.json("inspect lakala-7-pulley32.bundle --json")["target"], "pulley32");

    let good = format!("verify {bundle} --trust keys-1.json --at 2026-11-24T00:00:00Z");
    let said = desk.good(&format!("{good} --target pulley64 --installed 6"));
    assert!(said.contains(&format!("good: lakala version 7 for pulley64, signed by {id}, until 2026-12-03")), "{said}");
    assert_eq!(desk.json(&format!("{good} --json"))["taken"], true);
    assert_eq!(desk.refused(&format!("{good} --installed 7")), "bundle.rollback");
    assert_eq!(desk.refused(&format!("{good} --target pulley32")), "bundle.target");
    let at = |time: &str| good.replace("2026-11-24", time);
    assert_eq!(desk.refused(&at("2026-12-03")), "bundle.expired");
    assert_eq!(desk.refused(&at("2026-11-22")), "bundle.not-yet");
    desk.good("keygen --out other.key --name lakala --trust others.json");
    assert_eq!(desk.refused(&good.replace("keys-1", "others")), "bundle.unknown-key");
    desk.good("keygen --out south.key --name south --trust south.json");
    assert_eq!(desk.refused(&good.replace("keys-1", "south")), "bundle.unknown-key");
    let mut bytes = fs::read(desk.0.join(bundle)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(desk.0.join("altered.bundle"), &bytes).unwrap();
    assert_eq!(desk.refused(&good.replace(bundle, "altered.bundle")), "bundle.signature");
    fs::write(desk.0.join("cut.bundle"), &bytes[..middle]).unwrap();
    assert_eq!(desk.refused(&good.replace(bundle, "cut.bundle")), "bundle.truncated");
    let json = desk.run(&format!("{} --json", good.replace(bundle, "cut.bundle")));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["taken"], &json["code"]), (&false.into(), &"bundle.truncated".into()));
}

#[test]
fn a_key_that_stays_in_its_module_signs_what_it_is_given() {
    let desk = Desk::new("bundle-module");
    desk.good("keygen --out module.key --name lakala --trust keys-1.json");
    let trust: Value = serde_json::from_str(&fs::read_to_string(desk.0.join("keys-1.json")).unwrap()).unwrap();
    let public = trust["keys"][0].as_str().unwrap();
    let said = desk.good("build --name lakala --version 1 --component COMPONENT --policy LAKALA --target pulley64");
    assert!(said.contains("lakala-1-pulley64.draft") && said.contains("not signed"), "{said}");
    let shown = desk.good("inspect lakala-1-pulley64.draft");
    assert!(shown.contains("signed by   nobody: a draft"), "{shown}");
    let sign = "sign lakala-1-pulley64.draft";
    assert!(desk.wrong(sign).contains("say who signs"));

    let said = desk.good(&format!("{sign} --public {public} --message message.bin"));
    assert!(said.contains("to sign (ed25519)"), "{said}");
    // The module: it has the key, and knows nothing of bundles.
    let message = fs::read(desk.0.join("message.bin")).unwrap();
    let secret = fs::read_to_string(desk.0.join("module.key")).unwrap();
    let module = rescind_bundle::SigningKey::parse_secret(&secret).unwrap();
    let signature = rescind_bundle::Signer::sign(&module, &[&message]).unwrap();
    fs::write(desk.0.join("wrong.sig"), vec![7; 64]).unwrap();
    let wrong = desk.wrong(&format!("{sign} --public {public} --signature wrong.sig"));
    assert!(wrong.contains("the signature is not one of key"), "{wrong}");
    assert!(!desk.0.join("lakala-1-pulley64.bundle").exists());
    fs::write(desk.0.join("raw.sig"), &signature).unwrap();
    let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(desk.0.join("hex.sig"), format!("{digits}\n")).unwrap();
    desk.good(&format!("{sign} --public {public} --signature raw.sig"));
    desk.good(&format!("{sign} --public {public} --signature hex.sig --out again.bundle"));
    desk.good(&format!("{sign} --key module.key --out by-file.bundle"));
    let bytes = |name: &str| fs::read(desk.0.join(name)).unwrap();
    assert!(bytes("lakala-1-pulley64.bundle") == bytes("by-file.bundle"));
    assert!(bytes("again.bundle") == bytes("by-file.bundle"));
    desk.good("verify lakala-1-pulley64.bundle --trust keys-1.json");
}

#[test]
fn keys_change_and_a_terminal_that_slept_still_takes_the_newest_bundle() {
    let desk = Desk::new("bundle-keys");
    desk.good("keygen --out first.key --name lakala --trust keys-1.json");
    let (second, third) = (desk.public("second"), desk.public("third"));
    let build = "--component COMPONENT --policy LAKALA --target pulley64";
    desk.good(&format!("build --name lakala --version 1 {build} --key first.key"));

    // A message for a module says the same as the key in its file signs.
    let rotate = format!("rotate --trust keys-1.json --next-key {second}");
    assert!(desk.wrong(&format!("{rotate} --key first.key")).contains("--out for the change"));
    let said = desk.good(&format!("{rotate} --key first.key --out to-2.keys --next-trust keys-2.json"));
    assert!(said.contains("lakala key set 2, signed by"), "{said}");
    let said =
        desk.wrong(&format!("rotate --trust keys-2.json --next-key {third} --key first.key --out x --next-trust y"));
    assert!(said.contains("is not in the present set"), "{said}");
    desk.good(&format!(
        "rotate --trust keys-2.json --next-key {third} --key second.key --out to-3.keys --next-trust keys-3.json"
    ));
    let shown = desk.json("inspect to-3.keys --json");
    assert_eq!((&shown["number"], &shown["keys"][0]), (&3.into(), &third.into()));

    desk.good(&format!("build --previous lakala-1-pulley64.bundle {build} --change to-2.keys --key second.key"));
    let gap = desk.wrong(&format!(
        "build --previous lakala-1-pulley64.bundle --version 9 {build} --change to-2.keys --change to-2.keys"
    ));
    assert!(gap.contains("to-2.keys leads to key set 2, and the one before it to set 2"), "{gap}");
    desk.good(&format!("build --previous lakala-2-pulley64.bundle {build} --change to-3.keys --key third.key"));
    for known in 1..=3 {
        let said =
            desk.json(&format!("verify lakala-3-pulley64.bundle --trust keys-{known}.json --installed 1 --json"));
        assert_eq!((&said["version"], &said["key-set"]), (&3.into(), &3.into()), "knows set {known}");
    }
    // The old one is of a key that was retired since; whoever does not know that yet still takes it.
    assert_eq!(desk.refused("verify lakala-1-pulley64.bundle --trust keys-2.json"), "bundle.retired-key");
    desk.good("verify lakala-1-pulley64.bundle --trust keys-1.json");
    let said = desk.wrong(&format!("build --previous lakala-3-pulley64.bundle --version 3 {build} --key third.key"));
    assert!(said.contains("the bundle before has version 3"), "{said}");
}

#[test]
fn what_cannot_be_made_says_which_file_and_why_and_leaves_nothing() {
    let desk = Desk::new("bundle-wrong");
    desk.good("keygen --out first.key");
    fs::write(desk.0.join("no.json"), "{}").unwrap();
    fs::write(desk.0.join("no.wasm"), "no component").unwrap();
    fs::write(desk.0.join("no.key"), "no key").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(desk.0.join("no.key"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let there = || fs::read_dir(&desk.0).unwrap().count();
    let before = there();
    let base =
        "build --name lakala --version 1 --component COMPONENT --policy LAKALA --target pulley64 --key first.key";
    for (arguments, says) in [
        (base.replace("COMPONENT", "no.wasm"), "no.wasm cannot be translated"),
        (base.replace("COMPONENT", "none.wasm"), "cannot read the component none.wasm"),
        (base.replace("LAKALA", "no.json"), "the policy for every class cannot be loaded"),
        (base.replace("LAKALA", "none.toml"), "none.toml"),
        (base.replace("pulley64", "pdp11"), "pdp11"),
        (base.replace("first.key", "no.key"), "no.key is no key"),
        (base.replace("lakala", "../lakala"), "expected letters, digits"),
        (base.replace("version 1", "version 0"), "a version from 1"),
        (format!("{base} --policy LAKALA"), "one policy for each class"),
        (format!("{base} --expires 2020-01-01T00:00:00Z"), "--expires is not after --not-before"),
        (format!("{base} --anchor 2020-01-01T00:00:00Z"), "--anchor is before the bundle is made"),
        (format!("{base} --change no.json"), "no.json is no change of keys"),
        (format!("{base} --proof-keys no.json"), "no.json is not what GET /v1/proof-keys answers"),
        ("build --previous no.json --component COMPONENT --policy LAKALA".to_owned(), "no.json is no bundle"),
        ("sign no.json --key first.key".to_owned(), "no.json is no draft"),
        ("inspect no.json".to_owned(), "no.json is no bundle"),
        ("verify no.wasm --trust no.json".to_owned(), "no.json is no set of keys"),
    ] {
        let said = desk.wrong(&arguments);
        assert!(said.contains(says), "{arguments}: {said}");
    }
    assert_eq!(there(), before);
}

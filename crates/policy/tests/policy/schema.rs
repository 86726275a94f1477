//! The schema of the written form: it takes what the compiler takes, and not what it cannot read.

use crate::packs::pack;
use crate::variants::rich;
use rescind_policy::schema;

fn json(text: &str) -> serde_json::Value {
    let table: toml::Table = text.parse().unwrap();
    serde_json::to_value(table).unwrap()
}

fn mistakes(text: &str) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    validator.iter_errors(&json(text)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_pack_is_what_the_schema_says() {
    let folder = format!("{}/../../policies", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".toml").filter(|name| !name.ends_with(".cases")) else { continue };
        assert_eq!(mistakes(&pack(name)), [""; 0], "{name}");
        count += 1;
    }
    assert!(count >= 2);
    assert_eq!(mistakes(&rich()), [""; 0]);
}

pub(crate) const LAYER: &str = "format = 1\nlayer = \"merchant\"\nextends = \"lakala\"\nname = \"shop\"\nversion = \"1\"\nsource = \"s\"\nfor = { channel = [\"card\"] }\n[void]\nwindow = \"1 minute\"\n[[void.when]]\nname = \"a\"\nmatch = { kind = [\"b\"] }\nwithout = [\"window\"]\n[refund]\nenabled = false\n[offline]\nmax-records = 3\n";

#[test]
fn a_layer_says_only_what_it_restricts() {
    assert_eq!(mistakes(LAYER), [""; 0]);
    for (from, to) in [
        ("layer = \"merchant\"", "layer = \"shop\""),
        ("extends = \"lakala\"\n", ""),
        ("extends = \"lakala\"", "extends = \"La Kala\""),
        ("layer = \"merchant\"\n", ""),
        ("channel = [\"card\"]", "channel = [\"cash\"]"),
        ("window = \"1 minute\"", "windw = \"1 minute\""),
    ] {
        assert!(LAYER.contains(from), "{from}");
        assert_ne!(mistakes(&LAYER.replacen(from, to, 1)), [""; 0], "{to}");
    }
}

#[test]
fn what_cannot_be_read_is_not_what_the_schema_says() {
    let text = rich();
    for (from, to) in [
        ("format = 1", "format = 2"),
        ("name = \"lakala\"", "name = \"La Kala\""),
        ("name = \"lakala\"\n", ""),
        ("name = \"lakala\"", "name = \"lakala\"\nextends = \"other\""),
        ("cut-off = \"23:00\"", "cut-off = \"25:00\""),
        ("time-zone = \"+08:00\"", "time-zone = \"Asia/Shanghai\""),
        ("window = \"30 minutes\"", "window = \"30 min\""),
        ("window = \"30 minutes\"", "windw = \"30 minutes\""),
        ("window = \"30 minutes\"", "window = 30"),
        ("window = \"30 days\"", "window = \"30 weeks\""),
        ("executor = \"courier\"", "executor = \"curier\""),
        ("executor = \"courier\"", ""),
        ("per-business-day = 3", "per-business-day = -3"),
        ("up-to = \"100.00\"", "up-to = 100.00"),
        ("rate = \"0.6%\"", "rate = \"0.6\""),
        ("weekend = [\"saturday\"", "weekend = [\"sturday\""),
        ("holidays = [\"2026-10-01\"", "holidays = [\"1 October\""),
        ("match = { card-type = [\"debit\"] }", "match = { card = [\"debit\"] }"),
        ("match = { card-type = [\"debit\"] }\n", ""),
        ("without = [\"operation-fee\"]", "without = [\"operation-fe\"]"),
        ("without = [\"operation-fee\"]", "when = []"),
        ("from = \"22:00\"", "from = \"24:00\""),
        ("after = \"15 days\", fixed = \"1.00\"", "after = \"15 days\", fee = { fixed = \"1.00\" }"),
        ("roles = [\"support\"]", "roles = [\"the support\"]"),
        ("max-records = 500\n", ""),
        ("bound = true", "bound = \"yes\""),
    ] {
        assert!(text.contains(from), "{from}");
        assert_ne!(mistakes(&text.replacen(from, to, 1)), [""; 0], "{to}");
    }
}

#[test]
fn every_field_is_described() {
    fn walk(schema: &serde_json::Value, path: &str, bare: &mut Vec<String>) {
        let Some(fields) = schema.as_object() else { return };
        for (name, field) in fields.get("properties").and_then(|all| all.as_object()).into_iter().flatten() {
            if field.get("description").is_none() {
                bare.push(format!("{path}.{name}"));
            }
            walk(field, &format!("{path}.{name}"), bare);
        }
        for key in ["items", "additionalProperties"] {
            walk(fields.get(key).unwrap_or(&serde_json::Value::Null), path, bare);
        }
        for (name, one) in fields.get("$defs").and_then(|all| all.as_object()).into_iter().flatten() {
            walk(one, name, bare);
        }
    }
    let mut bare = Vec::new();
    walk(&schema(), "", &mut bare);
    assert_eq!(bare, [""; 0]);
    let text = schema().to_string();
    assert!(!text.contains("\"null\"") && !text.contains("\"layers\"") && text.contains("leaves-to-layers"));
}

//! The reference of the language for people, in Markdown, made from its JSON Schema: every table with its fields, what each
//! takes, whether it must be there, and what it means.

use serde_json::Value;
use std::fmt::Write as _;

/// The whole reference.
#[must_use]
pub fn markdown(schema: &Value) -> String {
    let mut text = String::from(
        "# Policy reference\n\nMade by `rescind policy schema --markdown` from the language itself; do not edit. What the \
         words mean together is in `policies.md`; how to write a pack step by step in `policy-guide.md`.\n",
    );
    table(&mut text, "A pack", schema);
    let definitions = schema.get("$defs").and_then(Value::as_object).into_iter().flatten();
    for (name, definition) in definitions {
        table(&mut text, name, definition);
    }
    text
}

/// One table of the language, or one scalar.
fn table(text: &mut String, name: &str, schema: &Value) {
    heading(text, name);
    if let Some(description) = description(schema) {
        line(text, &description);
        line(text, "");
    }
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        line(text, &format!("Written as {}.", kind(schema)));
        return;
    };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    line(text, "| field | takes | | means |");
    line(text, "|---|---|---|---|");
    for (field, schema) in fields {
        let must = if required.contains(&field.as_str()) { "required" } else { "" };
        let means = description(schema).unwrap_or_default();
        line(text, &format!("| `{field}` | {} | {must} | {} |", cell(&kind(schema)), cell(&means)));
    }
}

fn heading(text: &mut String, name: &str) {
    line(text, &format!("\n## {name}\n"));
}

fn line(text: &mut String, line: &str) {
    // Writing to a text cannot fail.
    writeln!(text, "{line}").unwrap_or(());
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn description(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// What a field takes, in one phrase.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(ways) = schema.get(key).and_then(Value::as_array) {
            let mut kinds: Vec<String> = ways.iter().map(kind).collect();
            kinds.dedup();
            return kinds.join(" or ");
        }
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => {
            let items = schema.get("items").map_or_else(|| "anything".to_owned(), kind);
            format!("a list of {items}")
        }
        Some("string") => match (schema.get("examples").and_then(Value::as_array), schema.get("pattern")) {
            (Some(examples), _) if !examples.is_empty() => {
                let examples: Vec<String> = examples.iter().map(|example| format!("`{example}`")).collect();
                format!("a text such as {}", examples.join(", "))
            }
            (_, Some(Value::String(pattern))) => format!("a text like `{pattern}`"),
            _ => "a text".to_owned(),
        },
        Some("integer") => match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => format!("a number from {least} to {most}"),
            (Some(least), None) => format!("a number from {least} on"),
            _ => "a number".to_owned(),
        },
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("object") => "a table".to_owned(),
        _ => "anything".to_owned(),
    }
}

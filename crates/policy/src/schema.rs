//! The JSON Schema of the written form: what an editor shows and checks while a policy is being written.
//!
//! It is made from the types of the [document](crate::document) and their comments, and then turned from the compiled form
//! into the written one: `[[void.when]]` stands in its section, a late fee says its fee itself, a layer says only what it
//! restricts. What a schema cannot say (references, ranges that hang together) the compiler says.

use crate::document::{Document, Matcher, RefundWindow};
use crate::limits::{VARIANTS, VERSION_BYTES, WORD_BYTES};
use crate::scalar::{Amount, CutOff, Date, Rate, Span, TimeOfDay, UtcOffset};
use crate::strictness::{FIXED, SECTIONS, WAYS};
use crate::word::Word;
use core::marker::PhantomData;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The schema of a policy and of a layer as they are written in TOML: JSON Schema, draft 2020-12.
///
/// In an editor with Taplo, a policy that begins with `#:schema` and the schema's address is checked and completed by it.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let matcher = generator.subschema_for::<Matcher>().to_value();
    let mut root = generator.into_root_schema_for::<Document>().to_value();
    without_null(&mut root);
    flatten_late_fee(&mut root);
    let mut required = Map::new();
    for (section, _) in WAYS.iter().chain(SECTIONS) {
        let name = definition_of(&root, section);
        let demanded = root.pointer_mut(&format!("/$defs/{name}")).and_then(Value::as_object_mut);
        if let Some(demanded) = demanded.and_then(|section| section.remove("required")) {
            required.insert((*section).to_owned(), json!({ "anyOf": [{ "required": demanded }, switched_off()] }));
        }
    }
    for (way, _) in WAYS {
        add_variants(&mut root, way, &matcher);
    }
    layers(&mut root, required, &matcher);
    root
}

/// A section that says nothing but that it is switched off.
fn switched_off() -> Value {
    json!({ "required": ["enabled"], "maxProperties": 1, "properties": { "enabled": { "const": false } } })
}

/// The name of the definition that a field of the root refers to.
fn definition_of(root: &Value, field: &str) -> String {
    let reference = |schema: &Value| schema.get("$ref").and_then(Value::as_str).map(str::to_owned);
    let property = root.pointer(&format!("/properties/{field}"));
    let found = property.and_then(reference).unwrap_or_default();
    found.rsplit('/').next().unwrap_or_default().to_owned()
}

/// TOML has no null: what may be absent is left out.
fn without_null(schema: &mut Value) {
    if let Some(fields) = schema.as_object_mut() {
        if fields.get("default").is_some_and(Value::is_null) {
            fields.remove("default");
        }
        if let Some(Value::Array(types)) = fields.get_mut("type") {
            types.retain(|one| one != "null");
            if let [one] = types.as_slice() {
                let one = one.clone();
                fields.insert("type".to_owned(), one);
            }
        }
        if let Some(Value::Array(mut any)) = fields.remove("anyOf") {
            any.retain(|one| *one != json!({ "type": "null" }));
            match any.pop() {
                Some(Value::Object(only)) if any.is_empty() => fields.extend(only),
                last => {
                    any.extend(last);
                    fields.insert("anyOf".to_owned(), Value::Array(any));
                }
            }
        }
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(without_null),
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// A late fee is written with its fee's fields beside `after`.
fn flatten_late_fee(root: &mut Value) {
    let fee = root.pointer("/$defs/FeeRule/properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let demanded = root.pointer("/$defs/FeeRule/required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(fields) = root.pointer_mut("/$defs/LateFee/properties").and_then(Value::as_object_mut) {
        fields.remove("fee");
        fields.extend(fee);
    }
    if let Some(required) = root.pointer_mut("/$defs/LateFee/required").and_then(Value::as_array_mut) {
        required.retain(|field| field != "fee");
        required.extend(demanded);
    }
}

/// `[[void.when]]`: any field of the section, with a name, for which sales, and what does not hold.
fn add_variants(root: &mut Value, way: &str, matcher: &Value) {
    let name = definition_of(root, way);
    let Some(section) = root.pointer_mut(&format!("/$defs/{name}/properties")).and_then(Value::as_object_mut) else {
        return;
    };
    let mut variant = section.clone();
    let droppable: Vec<&String> = section.keys().filter(|field| *field != "enabled").collect();
    let without = json!({
        "description": "Fields of the section that do not hold for them.",
        "type": "array",
        "items": { "enum": droppable },
    });
    variant.insert("name".to_owned(), described(word_schema(), "Its name, for people: unique within its way."));
    variant.insert("match".to_owned(), described(matcher.clone(), "For which sales."));
    variant.insert("without".to_owned(), without);
    let when = json!({
        "description": format!("What holds instead for some sales, with only what differs from `[{way}]`: the first that matches."),
        "type": "array",
        "maxItems": VARIANTS,
        "items": {
            "type": "object",
            "properties": variant,
            "required": ["match", "name"],
            "additionalProperties": false,
        },
    });
    section.insert("when".to_owned(), when);
}

fn described(mut schema: Value, description: &str) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("description".to_owned(), Value::from(description));
    }
    schema
}

/// A whole policy says everything that is demanded; a layer says what it is a layer upon, and only what it restricts.
fn layers(root: &mut Value, required: Map<String, Value>, matcher: &Value) {
    let Some(fields) = root.as_object_mut() else { return };
    let demanded = fields.remove("required").unwrap_or_default();
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        let kind = json!({
            "description": "That it is a layer, and whose: it is compiled with the policy it is put upon.",
            "enum": ["merchant", "terminal-class"],
        });
        properties.insert("layer".to_owned(), kind);
        properties.insert("extends".to_owned(), described(word_schema(), "The name of the policy it is put upon."));
        let only = "For which sales the layer holds. Absent: for all.";
        properties.insert("for".to_owned(), described(matcher.clone(), only));
        for (field, schema) in [("name", word_schema()), ("format", json!({ "const": crate::document::FORMAT }))] {
            let description = properties.get(field).and_then(|old| old.get("description")).cloned().unwrap_or_default();
            properties.insert(field.to_owned(), described(schema, description.as_str().unwrap_or_default()));
        }
        if let Some(Value::Object(version)) = properties.get_mut("version") {
            version.insert("maxLength".to_owned(), json!(VERSION_BYTES));
        }
    }
    let no = |field: &str| (field.to_owned(), Value::Bool(false));
    let mut only_whole = required;
    only_whole.extend(["extends", "for"].map(no));
    fields.insert("if".to_owned(), json!({ "required": ["layer"] }));
    fields
        .insert("then".to_owned(), json!({ "required": ["extends", "format", "layer", "name", "source", "version"] }));
    fields.insert("else".to_owned(), json!({ "required": demanded, "properties": only_whole }));
    fields.insert("title".to_owned(), Value::from("A policy of Rescind"));
    let description = format!(
        "The rules of one provider, or a layer upon them. A layer repeats {} only to say the same.",
        FIXED.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
    );
    fields.insert("description".to_owned(), Value::from(description));
}

// ------------------------------------------------------------ scalars and words

fn word_schema() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "maxLength": WORD_BYTES })
}

/// Stands for a value that is written as one of its vocabulary's words.
pub(crate) struct Worded<T>(PhantomData<T>);

impl<T: Word> JsonSchema for Worded<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::ALL.iter().map(|(_, word)| *word).collect::<Vec<_>>().join("-or-").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::ALL.iter().map(|(_, word)| *word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// Stands for a scalar that is written as a text of one form.
macro_rules! texts {
    ($($name:ty, $title:literal, $description:literal, $pattern:literal;)*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "title": $title, "description": $description, "pattern": $pattern })
            }
        }
    )*};
}

/// Stands for a role.
pub(crate) struct RoleName;

texts! {
    Amount, "amount", "An amount of the policy's currency, such as \"100.00\".", "^[0-9]{1,14}(\\.[0-9]{1,3})?$";
    Rate, "rate", "A rate such as \"0.38%\", at most \"100%\".", "^[0-9]{1,3}(\\.[0-9]{1,4})?%$";
    Span, "span", "A span such as \"30 minutes\", at most 366 days.", "^[0-9]+ (second|minute|hour|day)s?$";
    UtcOffset, "zone", "A fixed offset from UTC, such as \"+08:00\".", "^[+-][0-1][0-9]:[0-5][0-9]$";
    CutOff, "cut-off", "A local time between \"00:01\" and \"24:00\".", "^([0-1][0-9]|2[0-4]):[0-5][0-9]$";
    TimeOfDay, "time", "A local time of day, such as \"22:30\".", "^([0-1][0-9]|2[0-3]):[0-5][0-9]$";
    Date, "date", "A day, such as \"2026-10-01\".", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
    RefundWindow, "window", "A window such as \"30 days\", \"11 months\" or \"5 working days\".", "^[0-9]+ (day|month|working day)s?$";
    RoleName, "role", "A role such as \"manager\".", "^[A-Za-z0-9._@~-]{1,128}$";
}

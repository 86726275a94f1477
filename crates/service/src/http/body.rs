//! JSON bodies: read whole, within the limit, into a type; or refused with the path of what is wrong.

use crate::error::Error;
use crate::http::problem::Problem;
use crate::limits::BODY_BYTES;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rescind_model::{Digest, card_number};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// A body that was read as a type.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = bytes_of(request).await?;
        Ok(Self(parse(&bytes)?))
    }
}

/// The whole body.
///
/// # Errors
/// [`Error::TooLarge`], or a body that broke off.
pub async fn bytes_of(request: Request) -> Result<Bytes, Error> {
    at_most(request, BODY_BYTES).await
}

/// The whole body, if it is not larger than this.
///
/// # Errors
/// [`Error::TooLarge`], or a body that broke off.
pub async fn at_most(request: Request, limit: usize) -> Result<Bytes, Error> {
    let whole = Limited::new(request.into_body(), limit).collect().await;
    whole.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            Error::TooLarge(limit)
        } else {
            Error::Malformed { field: String::new(), message: "the body broke off".to_owned() }
        }
    })
}

/// Reads JSON as a type. No body at all is read as `{}`: many requests ask for nothing more.
///
/// # Errors
/// [`Error::Malformed`] if it is no JSON, [`Error::Invalid`] with a JSON pointer if it is another thing than expected.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = pointer(error.path());
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => invalid(path, &inner),
            Category::Syntax | Category::Eof | Category::Io => not_json(&inner),
        }
    })?;
    deserializer.end().map_err(|e| not_json(&e))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Error {
    Error::Malformed { field: String::new(), message: format!("expected JSON: {error}") }
}

fn invalid(mut path: String, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // "… at line 1 column 2" says less than the pointer beside it.
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned();
    // serde names a missing field in words only.
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        path.push('/');
        path.push_str(name);
    }
    Error::Invalid { field: path, message }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// What was asked for, without what does not matter: white space, the order of fields, the digits in the middle of card
/// numbers. Its digest is stored, and a digest over a card number could be searched through until it gives it away.
/// For the same reason what is personal is represented by [16 bits](fingerprint): enough to tell another request, too
/// little to find somebody.
///
/// # Errors
/// [`Error::Malformed`] if it is no JSON.
pub fn canonical(bytes: &[u8]) -> Result<String, Error> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let value: Value = serde_json::from_slice(bytes).map_err(|e| not_json(&e))?;
    let mut text = String::with_capacity(bytes.len());
    write_canonical(&value, &mut text);
    Ok(text)
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (name, value) in sorted {
                write_text(name, out);
                out.push(':');
                match value {
                    Value::String(text) if PERSONAL_FIELDS.contains(&name.as_str()) => fingerprint(text, out),
                    value => write_canonical(value, out),
                }
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

/// Fields that hold what is kept outside the ledger because it must be erasable.
const PERSONAL_FIELDS: [&str; 5] = ["note", "contact", "phone", "email", "app"];

/// The first 16 bits of a text's digest. Thousands of telephone numbers share them, so they point at none; another text
/// has other ones but once in 65,536.
fn fingerprint(text: &str, out: &mut String) {
    let digest = Digest::of(card_number::mask(text).text.as_bytes());
    out.push('#');
    out.extend(digest.as_str().chars().take(4));
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::String(card_number::mask(text).text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::money::Positive;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Ask {
        amount: Positive,
        #[serde(default)]
        list: Vec<Positive>,
    }

    fn wrong(body: &str) -> (String, String) {
        match parse::<Ask>(body.as_bytes()).unwrap_err() {
            Error::Invalid { field, message } => (field, message),
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let cny = r#"{"amount":"1.00","currency":"CNY"}"#;
        for (body, field, says) in [
            (r#"{"amount":{"amount":"1.234","currency":"CNY"}}"#.to_owned(), "/amount", "CNY has 2 decimals, found 3"),
            (r#"{"amount":{"amount":"-1","currency":"CNY"}}"#.to_owned(), "/amount", "outside 0 to"),
            (r#"{"amount":{"amount":"0.00","currency":"CNY"}}"#.to_owned(), "/amount", "above zero"),
            (r#"{"amount":{"amount":"1","currency":"XXX"}}"#.to_owned(), "/amount", "unknown currency"),
            (r#"{"amount":{"amount":60,"currency":"CNY"}}"#.to_owned(), "/amount/amount", "expected a string"),
            (r#"{"amount":{"amount":"1"}}"#.to_owned(), "/amount/currency", "missing field"),
            ("{}".to_owned(), "/amount", "missing field"),
            (String::new(), "/amount", "missing field"),
            (format!(r#"{{"amount":{cny},"amonut":1}}"#), "/amonut", "unknown field"),
            (format!(r#"{{"amount":{cny},"list":[{cny},7]}}"#), "/list/1", "invalid type"),
            (format!(r#"{{"amount":{cny},"amount":{cny}}}"#), "", "duplicate field"),
            ("[]".to_owned(), "", "invalid length"),
            ("7".to_owned(), "", "invalid type"),
        ] {
            let (at, message) = wrong(&body);
            assert!(message.contains(says), "{body}: {message}");
            assert_eq!(at, field, "{body}: {message}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for body in ["{", "nonsense", "{}x", "\u{0}", "{\"amount\":", &"[".repeat(1000)] {
            assert!(matches!(parse::<Value>(body.as_bytes()), Err(Error::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn white_space_and_order_do_not_make_another_request() {
        let same = canonical(br#"{"b":[1, "x"],"a":{"d":null,"c":true}}"#).unwrap();
        assert_eq!(same, canonical(b" {\"a\" : {\"c\":true,\"d\":null}, \"b\":[1,\"x\"]}\n").unwrap());
        assert_ne!(same, canonical(br#"{"b":["x", 1],"a":{"d":null,"c":true}}"#).unwrap());
        assert_ne!(canonical(br#"{"a":"1"}"#).unwrap(), canonical(br#"{"a":1}"#).unwrap());
    }

    #[test]
    fn no_digest_is_taken_over_a_card_number() {
        assert!(!canonical(br#"{"note":"4111111111111111"}"#).unwrap().contains("4111111111111111"));
        assert!(!canonical(br#"{"reason":"4111111111111111"}"#).unwrap().contains("4111111111111111"));
    }

    #[test]
    fn no_digest_is_taken_over_what_must_be_erasable() {
        let of = |body: &str| canonical(body.as_bytes()).unwrap();
        let one = of(r#"{"contact":{"phone":"13812345678"},"note":"call Anna"}"#);
        assert!(!one.contains("138") && !one.contains("Anna"), "{one}");
        assert_ne!(one, of(r#"{"contact":{"phone":"13812345679"},"note":"call Anna"}"#));
        assert_ne!(one, of(r#"{"contact":{"phone":"13812345678"},"note":"call Emma"}"#));
    }
}

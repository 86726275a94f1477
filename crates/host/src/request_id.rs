//! The id under which a request appears in the log, in the answer and in problem details.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::limits;

/// The header that carries it in both directions.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The client's id if it is a plain one, else a new one; the request then carries it.
pub(crate) fn assign(headers: &mut HeaderMap) -> Arc<str> {
    let given =
        headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| is_valid(text)).map(Arc::from);
    let id: Arc<str> = given.unwrap_or_else(|| hex::encode(random_bytes::<16>()).into());
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, value);
    }
    id
}

/// Letters, digits and a few marks: safe in a log line, a header and a URL. No card number: it would be logged.
fn is_valid(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty()
        && text.len() <= limits::REQUEST_ID_BYTES
        && text.bytes().all(plain)
        && !rescind_model::card_number::mask(text).found
}

/// Bytes that differ from call to call; not for secrets.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let mut bytes = [0; N];
    // Every `RandomState` has keys of its own, drawn from the system's randomness once per thread and then counted up.
    for chunk in bytes.chunks_mut(8) {
        let word = RandomState::new().build_hasher().finish().to_le_bytes();
        for (byte, random) in chunk.iter_mut().zip(word) {
            *byte = random;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ids_are_kept_and_others_replaced() {
        for (given, kept) in [
            ("terminal-7.42_a", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            (&"x".repeat(65), false),
            ("4111111111111111", false),
            ("pos-4111-1111-1111-1111", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(given).unwrap());
            let id = assign(&mut headers);
            assert_eq!(&*id == given, kept, "{given:?}");
            assert_eq!(headers[X_REQUEST_ID], *id);
        }
        let (first, second) = (assign(&mut HeaderMap::new()), assign(&mut HeaderMap::new()));
        assert!(first != second && first.len() == 32);
    }
}

//! Free text: masked and bounded the moment it is read, so that no card number gets any further (`DOMAIN.md` §9).

use crate::limits::TEXT_BYTES;
use rescind_model::card_number;
use serde::{Deserialize, Deserializer, de};

/// A text that people wrote: not empty, at most [`TEXT_BYTES`], without card numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Whether a card number was masked in it.
    pub masked: bool,
}

impl Text {
    /// Reads a text of at most `limit` bytes.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(text: &str, limit: usize) -> Result<Self, String> {
        // Slips are printed: an escape character would be a command to the printer.
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        let masked = card_number::mask(text);
        if masked.text.trim().is_empty() {
            Err("expected some text, found none".to_owned())
        } else if masked.text.len() > limit {
            Err(format!("expected at most {limit} bytes, found {}", masked.text.len()))
        } else if masked.text.contains(control) {
            Err("expected text without control characters".to_owned())
        } else {
            Ok(Self { text: masked.text, masked: masked.found })
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, TEXT_BYTES).map_err(de::Error::custom)
    }
}

/// The texts of one request, and whether anything was masked in them.
#[derive(Debug, Default)]
pub struct Texts {
    masked: bool,
}

impl Texts {
    /// Takes the text out, remembering whether it was masked.
    pub fn take(&mut self, text: Text) -> String {
        self.masked |= text.masked;
        text.text
    }

    /// The same for one that may be missing.
    pub fn take_some(&mut self, text: Option<Text>) -> Option<String> {
        text.map(|t| self.take(t))
    }

    /// Whether anything was masked.
    #[must_use]
    pub fn masked(&self) -> bool {
        self.masked
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

    impl utoipa::PartialSchema for super::Text {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(crate::limits::TEXT_BYTES))
                .description(Some("Free text. Card numbers in it are masked before anything is stored."))
                .into()
        }
    }
    impl utoipa::ToSchema for super::Text {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_masked_before_anything_else_sees_it() {
        let text = Text::parse("refund to 4111111111111111", TEXT_BYTES).unwrap();
        assert_eq!(text, Text { text: "refund to 411111******1111".to_owned(), masked: true });
    }

    #[test]
    fn what_a_printer_would_obey_is_refused() {
        for bad in ["", "  ", "\u{1b}@", "a\0", &"x".repeat(TEXT_BYTES + 1)] {
            assert!(Text::parse(bad, TEXT_BYTES).is_err(), "{bad:?}");
        }
    }
}

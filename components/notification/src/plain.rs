//! Texts that came from outside, made fit for a message and a printer: nothing that steers either.

use crate::limits::NOTE_CHARS;
use rescind_model::card_number::mask;
use unicode_width::UnicodeWidthChar;

/// One line without control, direction and joining characters, and without card numbers.
///
/// Slip printers take escape sequences out of the text; direction marks can turn an amount around on a phone.
pub(crate) fn line(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c.width().is_none() {
            if !plain.is_empty() && !plain.ends_with(' ') {
                plain.push(' ');
            }
        } else if !is_invisible(c) {
            plain.push(c);
        }
    }
    mask(plain.trim_end()).text
}

/// A free text, elided when it is long. `None` if nothing is left of it.
pub(crate) fn note(text: &str) -> Option<String> {
    // Masked before it is cut: half a card number would no longer be recognised.
    let line = line(text);
    if line.is_empty() {
        None
    } else if line.chars().count() > NOTE_CHARS {
        let kept: String = line.chars().take(NOTE_CHARS.saturating_sub(3)).collect();
        Some(format!("{}...", kept.trim_end()))
    } else {
        Some(line)
    }
}

/// Format characters: zero-width ones, direction marks and isolates, variation selectors, tags.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xe_0000..=0xe_0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_printer_or_a_screen_is_left() {
        assert_eq!(line("a\u{1b}@b\r\nc\u{202e}d\u{200b}e\t f"), "a @b cde f");
        assert_eq!(line("  天天\u{3000}便利  "), "天天 便利");
        assert_eq!(line("\u{7}\u{0}"), "");
    }

    #[test]
    fn card_numbers_are_masked_before_a_text_is_cut() {
        let long = format!("{} 4111111111111111 {}", "x".repeat(NOTE_CHARS - 20), "y".repeat(40));
        let shown = note(&long).unwrap();
        assert!(!shown.contains("4111111111"), "{shown}");
        assert_eq!(shown.chars().count(), NOTE_CHARS);
        assert!(shown.ends_with("..."));
        // Zero-width characters do not hide one.
        assert!(!line("4111\u{200b}1111\u{200b}1111\u{200b}1111").contains("11111111"));
    }
}

//! Text in the fixed columns of a slip printer. A Chinese character takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns a text takes. Characters of ambiguous width (`–`, `…`, Greek, Cyrillic) count as two, as they are printed in
/// GB 18030 code pages; on a printer that makes them narrow the line is shorter, never longer.
pub(crate) fn width(text: &str) -> usize {
    text.width_cjk().max(text.width())
}

/// Breaks a text into lines of at most `columns`: between words, beside Chinese characters, and inside a word that is
/// longer than a line. Nothing is cut off. At least one line.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        if width(&format!("{line}{}", piece.trim_end())) <= columns {
            line.push_str(piece);
            continue;
        }
        finish(&mut line, &mut lines);
        for c in piece.chars() {
            if width(&format!("{line}{c}")) > columns {
                finish(&mut line, &mut lines);
            }
            if !(line.is_empty() && c == ' ') {
                line.push(c);
            }
        }
    }
    finish(&mut line, &mut lines);
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn finish(line: &mut String, lines: &mut Vec<String>) {
    let done = line.trim_end();
    if !done.is_empty() {
        lines.push(done.to_owned());
    }
    line.clear();
}

/// The parts of a text between which a line may break; spaces stay with what they follow.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let mut before: Option<char> = None;
        let end = rest.char_indices().find_map(|(at, c)| {
            let breaks = before.is_some_and(|b| may_break(b, c));
            before = Some(c);
            breaks.then_some(at)
        });
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(piece).filter(|p| !p.is_empty())
    })
}

fn may_break(before: char, after: char) -> bool {
    // Closing punctuation stays with what it closes, opening with what it opens.
    let closes = matches!(after, '。' | '、' | '」' | ',' | '.' | ';' | ':' | '!' | '?' | ')')
        || matches!(u32::from(after), 0xff01 | 0xff09 | 0xff0c | 0xff1a | 0xff1b | 0xff1f);
    let opens = matches!(before, '「' | '(') || u32::from(before) == 0xff08;
    let joined = after.width() == Some(0) || closes || opens;
    (before == ' ' && after != ' ') || (after != ' ' && !joined && (is_wide(before) || is_wide(after)))
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// A text in the middle of the line, on as many lines as it needs.
pub(crate) fn centred(text: &str, columns: usize) -> Vec<String> {
    let place = |line: String| {
        let left = columns.saturating_sub(width(&line)) / 2;
        format!("{}{line}", " ".repeat(left))
    };
    wrap(text, columns).into_iter().map(place).collect()
}

/// A label on the left and its value on the right; on lines of its own, still to the right, where both do not fit.
pub(crate) fn row(label: &str, value: &str, columns: usize) -> Vec<String> {
    let gap = columns.saturating_sub(width(label)).saturating_sub(width(value));
    let one_line = format!("{label}{}{value}", " ".repeat(gap));
    if gap > 0 && width(&one_line) <= columns {
        return vec![one_line];
    }
    let mut lines = wrap(label, columns);
    let to_the_right = |line: String| format!("{}{line}", " ".repeat(columns.saturating_sub(width(&line))));
    lines.extend(wrap(value, columns).into_iter().map(to_the_right));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chinese_character_takes_two_columns() {
        assert_eq!(width("撤销"), 4);
        assert_eq!(row("终端号", "T-1", 16), ["终端号       T-1"]);
        assert_eq!(centred("撤销", 8), ["  撤销"]);
    }

    #[test]
    fn lines_break_between_words_and_beside_chinese_characters() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("结果未知,请勿重复操作", 10), ["结果未知,", "请勿重复操", "作"]);
        assert_eq!(wrap("天天便利 Shop", 8), ["天天便利", "Shop"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn a_word_longer_than_a_line_is_wrapped_not_cut() {
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(row("订单号", "0123456789", 12), ["订单号", "  0123456789"]);
        assert_eq!(row("订单号", "0123456789abcd", 12), ["订单号", "0123456789ab", "          cd"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_character_is_lost(text in "\\PC{0,80}", columns in 2_usize..40) {
            let lines = wrap(&text, columns);
            for line in &lines {
                // A character that is itself too wide for the line stands alone.
                prop_assert!(width(line) <= columns || line.chars().count() == 1, "{line:?}");
            }
            let solid = |t: &str| t.chars().filter(|c| *c != ' ').filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(solid(&lines.concat()), solid(&text));
        }
    }
}

//! What is shown: lines, slips in a frame, tables. Columns are those of a fixed-width font, where a Chinese character
//! takes two.

use unicode_width::UnicodeWidthStr;

/// What one command has to show.
#[derive(Debug, Default)]
pub struct Screen {
    lines: Vec<String>,
}

impl Screen {
    /// A line.
    pub fn line(&mut self, text: impl Into<String>) {
        // What a server says is shown as text: it does not move the cursor.
        let text: String = text.into().chars().filter(|c| !c.is_control()).collect();
        self.lines.push(text);
    }

    /// A slip as it comes out of the printer.
    pub fn slip(&mut self, slip: &str) {
        let columns = slip.lines().map(UnicodeWidthStr::width).max().unwrap_or(0).max(32);
        let edge = "─".repeat(columns.saturating_add(2));
        self.line(format!("  ┌{edge}┐"));
        for line in slip.lines() {
            self.line(format!("  │ {} │", padded(line, columns)));
        }
        self.line(format!("  └{edge}┘"));
    }

    /// Rows of columns, each as wide as its widest cell.
    pub fn table<const N: usize>(&mut self, rows: &[[String; N]]) {
        let mut widths = [0_usize; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.as_str().width());
            }
        }
        for row in rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| padded(cell, width)).collect();
            self.line(format!("  {}", cells.join("  ").trim_end()));
        }
    }

    /// Everything shown so far.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// With blanks up to so many columns.
pub fn padded(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(blanks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_stands_in_a_frame_whatever_its_characters_take() {
        let mut screen = Screen::default();
        screen.slip("撤销\nvoid\n");
        let columns: Vec<usize> = screen.lines().iter().map(|line| line.as_str().width()).collect();
        assert_eq!(columns, [38, 38, 38, 38]);
        assert!(screen.lines()[1].starts_with("  │ 撤销 "), "{:?}", screen.lines());
    }

    #[test]
    fn a_table_keeps_its_columns_and_nothing_moves_the_cursor() {
        let mut screen = Screen::default();
        screen.table(&[["凭证".into(), "1".into()], ["a".into(), "\u{1b}[2J2".into()]]);
        assert_eq!(screen.lines(), ["  凭证  1", "  a     [2J2"]);
    }
}

//! Aligned columns. Widths are fixed after a sample of rows so that long answers stream.
//!
//! Numbers lean right. When the natural widths do not fit the terminal, the widest columns give way first, times and
//! levels last; no column falls below eight characters unless it needs less.

use super::record::text_of;
use super::{Row, width};
use crate::error::CliError;
use crate::limits::TABLE_SAMPLE_ROWS;
use crate::terminal::{Out, Style, Terminal, escape, level_style};
use serde_json::Value;

const GAP: usize = 2;
const SHRUNK_MIN: usize = 8;

/// Prints rows as a table; without `finish` a short table is not printed.
pub(crate) struct TablePrinter {
    terminal: Terminal,
    sample: Vec<Row>,
    columns: Vec<Column>,
    fixed: bool,
}

struct Column {
    name: String,
    width: usize,
    right: bool,
    /// Every value seen is a number.
    numeric: bool,
    filled: bool,
}

impl TablePrinter {
    /// A table for this terminal; cut to its width when a person looks.
    pub(crate) fn new(terminal: Terminal) -> Self {
        TablePrinter { terminal, sample: Vec::new(), columns: Vec::new(), fixed: false }
    }

    /// Adds one row.
    pub(crate) fn row(&mut self, row: Row, out: &mut Out) -> Result<(), CliError> {
        if self.fixed {
            return out.line(&self.line(&row));
        }
        self.sample.push(row);
        if self.sample.len() >= TABLE_SAMPLE_ROWS { self.fix(out) } else { Ok(()) }
    }

    /// Prints what is left.
    pub(crate) fn finish(&mut self, out: &mut Out) -> Result<(), CliError> {
        if self.fixed || self.sample.is_empty() { Ok(()) } else { self.fix(out) }
    }

    fn fix(&mut self, out: &mut Out) -> Result<(), CliError> {
        self.fixed = true;
        let sample = std::mem::take(&mut self.sample);
        self.columns = columns_of(&sample);
        if self.terminal.is_tty {
            fit(&mut self.columns, self.terminal.width);
        }
        let header: Vec<String> =
            self.columns.iter().map(|column| column.pad(&escape(&column.name), self.is_last(column))).collect();
        out.line(&self.terminal.paint(Style::Strong, header.join("  ").trim_end()))?;
        for row in &sample {
            out.line(&self.line(row))?;
        }
        Ok(())
    }

    fn is_last(&self, column: &Column) -> bool {
        self.columns.last().is_some_and(|last| std::ptr::eq(last, column))
    }

    fn line(&self, row: &Row) -> String {
        let mut line = String::new();
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                line.push_str("  ");
            }
            let text = row.get(&column.name).map(|value| escape(&text_of(value))).unwrap_or_default();
            let style = match column.name.as_str() {
                "level" | "status" => level_style(&text),
                "time" | "attributes" => Some(Style::Dim),
                "service" => Some(Style::Name),
                _ => None,
            };
            let cell = column.pad(&text, self.is_last(column));
            line.push_str(&style.map_or_else(|| cell.clone(), |style| self.terminal.paint(style, &cell)));
        }
        line.trim_end().to_string()
    }
}

impl Column {
    /// The cell, cut and padded; the last column of the left-leaning kind gets no trailing blanks.
    fn pad(&self, text: &str, last: bool) -> String {
        let text = width::cut(text, self.width);
        let blanks = " ".repeat(self.width.saturating_sub(width::of(&text)));
        match (self.right, last) {
            (true, _) => blanks + &text,
            (false, true) => text,
            (false, false) => text + &blanks,
        }
    }
}

/// Columns in first-seen order with their natural widths; columns empty in every row are left out.
fn columns_of(rows: &[Row]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for row in rows {
        for (name, value) in row {
            let at = columns.iter().position(|column| column.name == *name).unwrap_or_else(|| {
                let width = width::of(&escape(name));
                columns.push(Column { name: name.clone(), width, right: false, numeric: true, filled: false });
                columns.len() - 1
            });
            let column = &mut columns[at];
            let text = escape(&text_of(value));
            column.filled |= !text.is_empty();
            column.numeric &= matches!(value, Value::Number(_) | Value::Null);
            column.width = column.width.max(width::of(&text));
        }
    }
    for column in &mut columns {
        column.right = column.numeric && column.filled;
    }
    let any_filled = columns.iter().any(|column| column.filled);
    columns.retain(|column| column.filled || !any_filled);
    columns
}

/// Shrinks the widest columns until the line fits, as far as [`SHRUNK_MIN`] allows. Times and levels give way last.
fn fit(columns: &mut [Column], terminal_width: usize) {
    loop {
        let total: usize = columns.iter().map(|column| column.width + GAP).sum::<usize>().saturating_sub(GAP);
        if total <= terminal_width {
            return;
        }
        let gives = |column: &Column| !matches!(column.name.as_str(), "time" | "level" | "duration");
        let spare = columns.iter().any(|column| gives(column) && column.width > SHRUNK_MIN);
        let mut candidates: Vec<&mut Column> =
            columns.iter_mut().filter(|column| (gives(column) || !spare) && column.width > SHRUNK_MIN).collect();
        candidates.sort_by_key(|column| std::cmp::Reverse(column.width));
        let second = candidates.get(1).map_or(0, |column| column.width);
        let Some(widest) = candidates.first_mut() else { return };
        let floor = second.max(SHRUNK_MIN).min(widest.width - 1);
        widest.width = widest.width.saturating_sub(total - terminal_width).max(floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(rows: &[Value], terminal: Terminal) -> Vec<String> {
        let mut printer = TablePrinter::new(terminal);
        let rows: Vec<Row> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        printer.columns = columns_of(&rows);
        if printer.terminal.is_tty {
            fit(&mut printer.columns, printer.terminal.width);
        }
        rows.iter().map(|row| printer.line(row)).collect()
    }

    fn narrow(width: usize) -> Terminal {
        Terminal { is_tty: true, width, ..Terminal::plain() }
    }

    #[test]
    fn text_leans_left_numbers_right() {
        let rows = [json!({"service":"cart","n":3}), json!({"service":"checkout","n":12345})];
        assert_eq!(render(&rows, Terminal::plain()), ["cart          3", "checkout  12345"]);
    }

    #[test]
    fn the_widest_column_gives_way() {
        let rows = [json!({"time":"02:00:00","body":"a long message that will not fit here","level":"info"})];
        let lines = render(&rows, narrow(30));
        assert!(width::of(&lines[0]) <= 30 && lines[0].contains('…') && lines[0].ends_with("info"), "{lines:?}");
    }

    #[test]
    fn times_are_cut_last() {
        let rows = [json!({"time":"2026-11-24 02:00:00.123","body":"x".repeat(50),"attributes":"y".repeat(50)})];
        let lines = render(&rows, narrow(60));
        assert!(lines[0].starts_with("2026-11-24 02:00:00.123  xxx"), "{lines:?}");
        assert_eq!(width::of(&lines[0]), 60);
    }

    #[test]
    fn two_wide_columns_share() {
        let wide = "x".repeat(80);
        let lines = render(&[json!({"a":wide,"b":wide})], narrow(42));
        assert_eq!(width::of(&lines[0]), 42, "{lines:?}");
    }

    #[test]
    fn late_and_missing_members() {
        let rows = [json!({"a":"1"}), json!({"a":"2","b":"x"}), json!({"b":null,"a":"3"})];
        assert_eq!(render(&rows, Terminal::plain()), ["1", "2  x", "3"]);
    }

    #[test]
    fn escapes_count_with_their_shown_width() {
        let rows = [json!({"a":"\x1b","b":"y"}), json!({"a":"z","b":"y"})];
        assert_eq!(render(&rows, Terminal::plain()), ["\\u{1b}  y", "z       y"]);
    }

    #[test]
    fn empty_columns_disappear() {
        assert_eq!(render(&[json!({"a":"","b":"y"})], Terminal::plain()), ["y"]);
    }
}

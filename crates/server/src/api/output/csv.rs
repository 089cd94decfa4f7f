//! Rows as CSV (RFC 4180): a header, CR LF, quotes where needed; an absent value is an empty cell.
//!
//! Telemetry is written by strangers: a text cell that a spreadsheet would run as a formula (it starts with `=`, `+`,
//! `-`, `@`, a tab or a CR) gets an apostrophe before it. Numbers and times are written as they are.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Writer;
use super::json::Cells;
use crate::limits::ANSWER_CHUNK_BYTES;

/// Writes CSV.
pub(super) struct Csv {
    schema: SchemaRef,
}

impl Csv {
    pub(super) fn new(schema: SchemaRef) -> Csv {
        Csv { schema }
    }
}

impl Writer for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let mut text = String::new();
        for (i, field) in self.schema.fields().iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            push_cell(&mut text, field.name(), true);
        }
        text.push_str("\r\n");
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns: Vec<Cells> = columns.map(|(field, array)| Cells::of(field, array)).collect();
        let (mut text, mut cell) = (String::new(), String::new());
        let mut row = from;
        while row < batch.num_rows() && out.len() + text.len() < ANSWER_CHUNK_BYTES {
            for (i, cells) in columns.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                if cells.is_null(row) {
                    continue;
                }
                cell.clear();
                cells.push_text(row, &mut cell);
                let foreign = matches!(cells, Cells::Text(_) | Cells::ShortText(_) | Cells::Json(_) | Cells::Other(_));
                push_cell(&mut text, &cell, foreign);
            }
            text.push_str("\r\n");
            row += 1;
        }
        out.extend_from_slice(text.as_bytes());
        Ok(row)
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    fn fail(&mut self, _: &serde_json::Value, _: &mut Vec<u8>) -> bool {
        false
    }
}

fn push_cell(out: &mut String, cell: &str, foreign: bool) {
    let guard = foreign && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quote = cell.contains([',', '"', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ');
    if quote {
        out.push('"');
    }
    if guard {
        out.push('\'');
    }
    if cell.contains('"') {
        out.push_str(&cell.replace('"', "\"\""));
    } else {
        out.push_str(cell);
    }
    if quote {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::push_cell;

    #[test]
    fn cells_are_quoted_and_guarded() {
        for (cell, foreign, expect) in [
            ("a", true, "a"),
            ("a,b", true, "\"a,b\""),
            ("say \"hi\"", true, "\"say \"\"hi\"\"\""),
            ("=1+1", true, "'=1+1"),
            ("-5", false, "-5"),
            ("@x,y", true, "\"'@x,y\""),
            ("line\nline", true, "\"line\nline\""),
        ] {
            let mut out = String::new();
            push_cell(&mut out, cell, foreign);
            assert_eq!(out, expect);
        }
    }
}

//! Lists of field names and row counts, as several pipes take them.

use crate::error::ParseError;
use crate::limits::ROWS_MAX;
use crate::parser::Parser;

/// Reads `(a, b)` or `a, b`: one name or more, none twice.
pub(super) fn names(p: &mut Parser) -> Result<Vec<String>, ParseError> {
    let mut names: Vec<String> = Vec::new();
    items(p, |p| {
        p.skip_space();
        let start = p.pos();
        let name = p.name("the name of a field")?;
        if names.contains(&name) {
            return Err(p.error_at(start, format!("`{name}` is named twice")));
        }
        names.push(name);
        Ok(())
    })?;
    Ok(names)
}

/// Reads items separated by commas, in parentheses or not.
pub(super) fn items(
    p: &mut Parser,
    mut item: impl FnMut(&mut Parser) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    p.skip_space();
    let open = p.pos();
    let in_parentheses = p.eat("(");
    loop {
        item(p)?;
        p.skip_space();
        if !p.eat(",") {
            break;
        }
        p.skip_space();
        if in_parentheses && p.peek() == Some(')') {
            break;
        }
    }
    if in_parentheses { p.expect_close(open) } else { Ok(()) }
}

/// Reads a number of rows.
pub(super) fn rows(p: &mut Parser, what: &str) -> Result<u64, ParseError> {
    p.skip_space();
    let word = p.peek_bare();
    if word.is_empty() {
        return Err(p.error_here(format!("expected a number of rows after `{what}`, found {}", p.describe())));
    }
    let digits = word.bytes().all(|b| b.is_ascii_digit());
    match word.parse().ok().filter(|n| digits && *n <= ROWS_MAX) {
        Some(n) => {
            p.seek(p.pos() + word.len());
            Ok(n)
        }
        None if digits => Err(p.error_here(format!("{word} rows are more than any store holds"))),
        None => Err(p.error_here(format!("`{word}` is not a number of rows")).hint("write a whole number")),
    }
}

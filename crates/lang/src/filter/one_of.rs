//! `field:in(a, b, "c")`: the whole value is one of a list. Also reads the lists of other functions.

use std::fmt;

use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Value;

use super::value;

/// Reads `(a, b, "c")`, at least one value; a comma may end the list.
pub(super) fn parse_list(p: &mut Parser) -> Result<Vec<String>, ParseError> {
    let open = p.pos();
    p.expect("(", "to open the list")?;
    let mut values = Vec::new();
    loop {
        p.skip_space();
        if p.peek() == Some(')') && !values.is_empty() {
            break;
        }
        if p.at_end() {
            return Err(p.error_at(open, "the `(` opened here is never closed").hint("add `)`"));
        }
        let (value, _) = value(p, "a value of the list")?;
        values.push(value);
        p.skip_space();
        if matches!(p.peek(), Some(c) if !matches!(c, ',' | ')')) {
            let error = p.error_here(format!("expected `,` or `)` in the list, found {}", p.describe()));
            return Err(error.hint("separate values by commas, and quote values with spaces"));
        }
        if !p.eat(",") {
            break;
        }
    }
    p.expect_close(open)?;
    Ok(values)
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, values: &[String]) -> fmt::Result {
    f.write_str("in(")?;
    for (index, value) in values.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{}", Value(value))?;
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("level:in(a, b,\"c d\")", "level[OneOf(a, b, c d)]");
        check_filter("level:in(a,)", "level[OneOf(a)]");
        check_filter("level:!in(\"\", \",\")", "not(level[OneOf(, ,)])");
        check_filter("in(a)", "any[OneOf(a)]");
        check_filter("in (a)", "and(any[Word(in)] any[Word(a)])");
        check_filter("level:in", "level[Word(in)]");
        check_filter("level:IN(a)", "level[OneOf(a)]");
    }

    #[test]
    fn errors() {
        check_error("level:in()", 10, "expected a value of the list, found `)`", "");
        check_error("level:in(a", 9, "never closed", "add `)`");
        check_error("level:in(a b)", 12, "expected `,` or `)` in the list, found `b`", "commas");
        check_error("level:in(a | fields x)", 12, "found `|`", "");
        check_error("level:in(*)", 10, "found `*`", "");
    }
}

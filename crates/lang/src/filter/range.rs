//! `field:range(a, b]`, `field:[a, b)`: between two values. `*`, `inf` and `-inf` leave an end open.

use std::fmt;

use crate::ast::{Bound, Scalar, Test};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::scalar::parse_scalar;

use super::value;

/// Reads `[a, b)` without the word `range`.
pub(super) fn parse_bare(p: &mut Parser, field: Option<&str>) -> Result<Test, ParseError> {
    if field.is_none() {
        return Err(p.error_here("`[` cannot start a word").hint("quote text that holds it, or write `field:[a, b)`"));
    }
    parse(p)
}

/// Reads from the bracket after the word `range`.
pub(super) fn parse_function(p: &mut Parser, field: Option<&str>) -> Result<Test, ParseError> {
    if field.is_none() {
        return Err(p.error_here("`range` needs a field").hint("write `field:range[a, b)`"));
    }
    parse(p)
}

/// Reads from the opening bracket.
fn parse(p: &mut Parser) -> Result<Test, ParseError> {
    let open = p.pos();
    let low_inclusive = open_bracket(p)?;
    let low = end(p)?;
    p.expect(",", "between the ends of the range")?;
    let high = end(p)?;
    let high_inclusive = close_bracket(p, open)?;
    if low.is_none() && high.is_none() {
        return Err(p.error_at(open, "the range is open at both ends").hint("write `field:*` for any value"));
    }
    let bound = |value: Option<Scalar>, inclusive| value.map(|value| Bound { value, inclusive });
    Ok(Test::Range { low: bound(low, low_inclusive), high: bound(high, high_inclusive) })
}

/// Reads `[` or `(`: whether the end belongs to the range.
pub(super) fn open_bracket(p: &mut Parser) -> Result<bool, ParseError> {
    if p.eat("[") {
        return Ok(true);
    }
    p.expect("(", "or `[` to open the range").map(|()| false)
}

/// Reads `]` or `)`: whether the end belongs to the range.
pub(super) fn close_bracket(p: &mut Parser, open: usize) -> Result<bool, ParseError> {
    p.skip_space();
    if p.eat("]") {
        return Ok(true);
    }
    if p.eat(")") {
        return Ok(false);
    }
    if p.at_end() {
        return Err(p.error_at(open, "the range opened here is never closed").hint("add `]` or `)`"));
    }
    Err(p.error_here(format!("expected `]` or `)` to close the range, found {}", p.describe())))
}

fn end(p: &mut Parser) -> Result<Option<Scalar>, ParseError> {
    p.skip_space();
    if p.eat("*") {
        return Ok(None);
    }
    let (text, quoted) = value(p, "an end of the range")?;
    Ok(match text.as_str() {
        _ if quoted => Some(Scalar::Text(text)),
        "inf" | "+inf" | "-inf" => None,
        bare => Some(parse_scalar(bare)),
    })
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, low: Option<&Bound>, high: Option<&Bound>) -> fmt::Result {
    match low {
        Some(Bound { value, inclusive: true }) => write!(f, "range[{value}, ")?,
        Some(Bound { value, inclusive: false }) => write!(f, "range({value}, ")?,
        None => f.write_str("range[*, ")?,
    }
    match high {
        Some(Bound { value, inclusive: true }) => write!(f, "{value}]"),
        Some(Bound { value, inclusive: false }) => write!(f, "{value})"),
        None => f.write_str("*]"),
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("a:range(1, 2]", "a[(Int(1), Int(2)]]");
        check_filter("a:[1,2)", "a[[Int(1), Int(2))]");
        check_filter("a:range[1KiB, *)", "a[[Size(1024), *]]");
        check_filter("a:range(-inf, 5ms)", "a[[*, Duration(5000000))]");
        check_filter("a:range[\"inf\", \"x\"]", "a[[Text(\"inf\"), Text(\"x\")]]");
        check_filter("!a:range( 1 , 2 )", "not(a[(Int(1), Int(2))])");
    }

    #[test]
    fn errors() {
        check_error("a:[1 2]", 6, "expected `,` between the ends of the range, found `2`", "");
        check_error("a:[1, 2", 3, "never closed", "add `]`");
        check_error("a:[1, 2}", 8, "expected `]` or `)`", "");
        check_error("a:[*, inf]", 3, "open at both ends", "field:*");
        check_error("[error] x", 1, "`[` cannot start a word", "quote");
        check_error("a:[, 2]", 4, "expected an end of the range, found `,`", "");
    }
}

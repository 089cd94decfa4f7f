//! `field:>10ms`, `field:<=500`: ordered comparison.

use std::fmt;

use crate::ast::{CompareOp, Scalar, Test};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::scalar::parse_scalar;

use super::value;

/// Reads from the operator.
pub(super) fn parse(p: &mut Parser, field: Option<&str>) -> Result<Test, ParseError> {
    let start = p.pos();
    let Some(op) = operator(p) else {
        return Err(p.error_here("expected a comparison"));
    };
    if field.is_none() {
        return Err(p.error_at(start, "a comparison needs a field").hint("write `field:>10`"));
    }
    let (text, quoted) = value(p, &format!("a value after `{}`", op.as_str()))?;
    let value = if quoted { Scalar::Text(text) } else { parse_scalar(&text) };
    Ok(Test::Compare { op, value })
}

/// Reads `>`, `>=`, `<` or `<=`.
pub(super) fn operator(p: &mut Parser) -> Option<CompareOp> {
    [CompareOp::Ge, CompareOp::Le, CompareOp::Gt, CompareOp::Lt].into_iter().find(|op| p.eat(op.as_str()))
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, op: CompareOp, value: &Scalar) -> fmt::Result {
    write!(f, "{}{value}", op.as_str())
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("duration:>10ms", "duration[> Duration(10000000)]");
        check_filter("status:>=500", "status[>= Int(500)]");
        check_filter("status: >= 500", "status[>= Int(500)]");
        check_filter("size:<10KiB", "size[< Size(10240)]");
        check_filter("size:<=1.5", "size[<= Float(1.5)]");
        check_filter("t:>-3", "t[> Int(-3)]");
        check_filter("version:>v1.2", "version[> Text(\"v1.2\")]");
        check_filter("version:>\"10\"", "version[> Text(\"10\")]");
        check_filter("ip:>10.0.0.1", "ip[> Ip(10.0.0.1)]");
        check_filter("ip:>=::1", "ip[>= Ip(::1)]");
        check_filter("status:(>=500 <600)", "and(status[>= Int(500)] status[< Int(600)])");
        check_filter("status:!>500", "not(status[> Int(500)])");
    }

    #[test]
    fn errors() {
        check_error(">5", 1, "needs a field", "field:>10");
        check_error("a:>", 4, "expected a value after `>`, found the end", "");
        check_error("a:>=(1)", 5, "found `(`", "");
        check_error("a:>>5", 4, "a bare value cannot start with `>`", "quote");
    }
}

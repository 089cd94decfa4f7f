//! `field:=x`, `="x"`: the whole value.

use std::fmt;

use crate::ast::Test;
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Value;

use super::value;

/// Reads from the `=`, or without it.
pub(super) fn parse(p: &mut Parser, field: Option<&str>) -> Result<Test, ParseError> {
    let start = p.pos();
    p.eat("=");
    if p.peek() == Some('=') {
        return Err(p.error_at(start, "`==` is not an operator").hint("write one `=`"));
    }
    let (text, _) = value(p, "a value after `=`")?;
    if p.peek() == Some('*') {
        let error = p.error_here("`=` compares the whole value, so `*` cannot follow");
        return Err(error.hint(format!("write `~\"^{text}\"` for values that start so, or quote the star")));
    }
    match (text.is_empty(), field) {
        (false, _) => Ok(Test::Exact(text)),
        (true, Some(_)) => Ok(Test::Empty),
        (true, None) => {
            Err(p.error_at(start, "an empty value needs a field").hint("write `field:\"\"` for rows without it"))
        }
    }
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "={}", Value(text))
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("level:=error", "level[Exact(error)]");
        check_filter("level:= error", "level[Exact(error)]");
        check_filter("level:=\"Very Bad\"", "level[Exact(Very Bad)]");
        check_filter("status:=500", "status[Exact(500)]");
        check_filter("level:!=error", "not(level[Exact(error)])");
        check_filter("=\"x\"", "any[Exact(x)]");
        check_filter("!=x", "not(any[Exact(x)])");
        check_filter("level:=\"\"", "level[Empty]");
        check_filter("level:=and", "level[Exact(and)]");
        check_filter("level:(=a OR =b)", "or(level[Exact(a)] level[Exact(b)])");
    }

    #[test]
    fn errors() {
        check_error("a:==b", 3, "`==` is not an operator", "one `=`");
        check_error("a:=b*", 5, "whole value", "~\"^b\"");
        check_error("a:=", 4, "expected a value after `=`, found the end", "");
        check_error("=\"\"", 1, "needs a field", "");
        check_error("=(a)", 2, "found `(`", "");
    }
}

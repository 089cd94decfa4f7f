//! `field:~"re"`, `~"re"`: a regular expression. Its source is kept; the hook of `parse_checked` judges it.

use std::fmt;

use crate::ast::Test;
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Quoted;

use super::value;

/// Reads from the `~`.
pub(super) fn parse(p: &mut Parser) -> Result<Test, ParseError> {
    p.eat("~");
    p.skip_space();
    let start = p.pos();
    let (source, quoted) = value(p, "a regular expression after `~`")?;
    if !quoted && matches!(p.peek(), Some('*' | '(' | '[' | '{' | ',')) {
        return Err(p.error_at(start, "this regular expression needs quotes").hint("write `~\"…\"`"));
    }
    p.check_regex(&source, start)?;
    Ok(Test::Regex(source))
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, source: &str) -> fmt::Result {
    write!(f, "~{}", Quoted(source))
}

#[cfg(test)]
mod tests {
    use crate::parser::parse_checked;
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("path:~\"^/v1/.*\"", "path[Regex(^/v1/.*)]");
        check_filter("path:~\"\\d+\\.\\\\x\"", "path[Regex(\\d+\\.\\x)]");
        check_filter("path:~`\\d+\\.\\\\x`", "path[Regex(\\d+\\.\\\\x)]");
        check_filter("path:!~\"a|b\"", "not(path[Regex(a|b)])");
        check_filter("!path:~\"a|b\"", "not(path[Regex(a|b)])");
        check_filter("~\"re\"", "any[Regex(re)]");
        check_filter("path:~^/v1", "path[Regex(^/v1)]");
    }

    #[test]
    fn errors() {
        check_error("path:~a.*b", 7, "needs quotes", "~\"");
        check_error("path:~", 7, "found the end of the query", "");
        let refuse = |source: &str| {
            if source == "(" { Err("unclosed group".to_owned()) } else { Ok(()) }
        };
        let error = parse_checked("a path:~\"(\"", &refuse).unwrap_err();
        assert_eq!((error.column, error.message.as_str()), (9, "bad regular expression: unclosed group"));
        assert!(parse_checked("a path:~\"x\"", &refuse).is_ok());
    }
}

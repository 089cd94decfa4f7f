//! `top 10 by (a, b)`: the most frequent combinations.

use std::fmt;

use super::{Pipe, list};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Names;

/// How many combinations `top` keeps when no number is written, as in LogsQL.
const DEFAULT_N: u64 = 10;

/// The `top` pipe. Output columns: the fields, then `hits`; most hits first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// How many combinations to keep.
    pub n: u64,
    /// The fields combined; never empty.
    pub fields: Vec<String>,
}

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    p.skip_space();
    let starts_with_digit = p.peek().is_some_and(|c| c.is_ascii_digit());
    let n = if starts_with_digit { list::rows(p, "top")? } else { DEFAULT_N };
    p.eat_keyword("by");
    pipes.push(Pipe::Top(Top { n, fields: list::names(p)? }));
    Ok(())
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, top: &Top) -> fmt::Result {
    write!(f, "top {} by ({})", top.n, Names(&top.fields))
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | top 5 by (service)", "top 5 by (service)");
        check_pipes("* | top (service)", "top 10 by (service)");
        check_pipes("* | top by (a, b)", "top 10 by (a, b)");
        check_pipes("* | top 3 a, b", "top 3 by (a, b)");
    }

    #[test]
    fn errors() {
        check_error("* | top 5", 10, "expected the name of a field, found the end", "");
        check_error("* | top 5x by (a)", 9, "`5x` is not a number of rows", "");
        check_error("* | top 5 by ()", 15, "found `)`", "");
    }
}

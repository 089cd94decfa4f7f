//! `limit 10` (also `head`): keep the first rows.

use std::fmt;

use super::{Pipe, list};
use crate::error::ParseError;
use crate::parser::Parser;

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    pipes.push(Pipe::Limit(list::rows(p, "limit")?));
    Ok(())
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
    write!(f, "limit {n}")
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | limit 10", "limit 10");
        check_pipes("* | head 0", "limit 0");
    }

    #[test]
    fn errors() {
        check_error("* | limit", 10, "expected a number of rows after `limit`, found the end", "");
        check_error("* | limit ten", 11, "`ten` is not a number of rows", "whole number");
        check_error("* | limit -1", 11, "`-1` is not a number", "");
        check_error("* | limit 99999999999999999999", 11, "more than any store holds", "");
    }
}

//! `offset 10` (also `skip`): drop the first rows.

use std::fmt;

use super::{Pipe, list};
use crate::error::ParseError;
use crate::parser::Parser;

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    pipes.push(Pipe::Offset(list::rows(p, "offset")?));
    Ok(())
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
    write!(f, "offset {n}")
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | offset 10 | skip 5", "offset 10 | offset 5");
        check_error("* | skip x", 10, "`x` is not a number of rows", "");
    }
}

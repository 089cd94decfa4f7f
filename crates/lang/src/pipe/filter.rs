//! `where level:error` (also `filter`): keep the rows that pass.

use std::fmt;

use super::Pipe;
use crate::ast::Filter;
use crate::error::ParseError;
use crate::parser::Parser;

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    p.skip_space();
    if p.at_end() || p.peek() == Some('|') {
        return Err(p.error_here(format!("expected a filter, found {}", p.describe())));
    }
    pipes.push(Pipe::Where(p.whole_filter()?));
    Ok(())
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, filter: &Filter) -> fmt::Result {
    write!(f, "where {filter}")
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | filter level:error | where n:>5 or x", "where level:error | where n:>5 OR x");
        check_pipes("* | where (a b)", "where a b");
        check_pipes("* | where *", "where *");
    }

    #[test]
    fn errors() {
        check_error("* | where", 10, "expected a filter, found the end", "");
        check_error("* | where a)", 12, "`)` closes nothing", "");
    }
}

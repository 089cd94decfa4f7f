//! `uniq by (a, b) with hits limit 100`: each combination once.

use std::fmt;

use super::{Pipe, list};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Names;

/// The `uniq` pipe. Output columns: the fields, then `hits` when asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uniq {
    /// The fields combined; never empty.
    pub fields: Vec<String>,
    /// Also give the number of rows of each combination, in column `hits`.
    pub with_hits: bool,
    /// Stop after this many combinations; which ones is unspecified.
    pub limit: Option<u64>,
}

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    p.eat_keyword("by");
    let fields = list::names(p)?;
    let (mut with_hits, mut limit) = (false, None);
    loop {
        if !with_hits && p.eat_keyword("with") {
            p.skip_space();
            if !p.eat_keyword("hits") {
                return Err(p.error_here(format!("expected `hits` after `with`, found {}", p.describe())));
            }
            with_hits = true;
        } else if !with_hits && p.eat_keyword("hits") {
            with_hits = true;
        } else if limit.is_none() && p.eat_keyword("limit") {
            limit = Some(list::rows(p, "limit")?);
        } else {
            break;
        }
    }
    pipes.push(Pipe::Uniq(Uniq { fields, with_hits, limit }));
    Ok(())
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, uniq: &Uniq) -> fmt::Result {
    write!(f, "uniq by ({})", Names(&uniq.fields))?;
    if uniq.with_hits {
        f.write_str(" with hits")?;
    }
    uniq.limit.map_or(Ok(()), |limit| write!(f, " limit {limit}"))
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | uniq by (a, b)", "uniq by (a, b)");
        check_pipes("* | uniq by (a) with hits limit 100", "uniq by (a) with hits limit 100");
        check_pipes("* | uniq a limit 5 hits", "uniq by (a) with hits limit 5");
        check_pipes("* | uniq (hits)", "uniq by (\"hits\")");
    }

    #[test]
    fn errors() {
        check_error("* | uniq by", 12, "expected the name of a field", "");
        check_error("* | uniq by (a) with x", 22, "expected `hits` after `with`, found `x`", "");
        check_error("* | uniq by (a) limit", 22, "expected a number of rows", "");
    }
}

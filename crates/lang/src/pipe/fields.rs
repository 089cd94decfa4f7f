//! `fields a, b` (also `keep`): keep these columns.

use std::fmt;

use super::{Pipe, list};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Names;

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    pipes.push(Pipe::Fields(list::names(p)?));
    Ok(())
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    write!(f, "fields {}", Names(names))
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | fields a, b", "fields a, b");
        check_pipes("* | keep (a,b,)", "fields a, b");
        check_pipes(
            "* | fields _time, \"http method\", k8s.pod/name, 名前",
            "fields _time, \"http method\", k8s.pod/name, 名前",
        );
        check_pipes("* | fields by, 5xx", "fields \"by\", \"5xx\"");
    }

    #[test]
    fn errors() {
        check_error("* | fields", 11, "expected the name of a field, found the end", "");
        check_error("* | fields a, a", 15, "`a` is named twice", "");
        check_error("* | fields *", 12, "expected the name of a field, found `*`", "patterns of names");
        check_error("* | fields (a, b", 12, "never closed", "add `)`");
        check_error("* | fields a b", 14, "unexpected `b`", "");
        check_error("* | fields \"\"", 12, "is empty", "");
    }
}

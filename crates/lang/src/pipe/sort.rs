//! `sort by (a desc, b)` (also `order`): order the rows. `desc` after the keys turns every key around; `offset` and `limit`
//! after them become steps of their own.

use std::fmt;

use super::{Pipe, list};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::Name;

/// One key of a sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The field.
    pub field: String,
    /// Largest first.
    pub desc: bool,
}

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    p.eat_keyword("by");
    let mut keys = Vec::new();
    list::items(p, |p| {
        let field = p.name("the name of a field to sort by")?;
        let desc = direction(p);
        keys.push(SortKey { field, desc });
        Ok(())
    })?;
    if direction(p) {
        for key in &mut keys {
            key.desc = !key.desc;
        }
    }
    pipes.push(Pipe::Sort(keys));
    let (mut offset, mut limit) = (None, None);
    loop {
        if offset.is_none() && p.eat_keyword("offset") {
            offset = Some(list::rows(p, "offset")?);
        } else if limit.is_none() && p.eat_keyword("limit") {
            limit = Some(list::rows(p, "limit")?);
        } else {
            break;
        }
    }
    // As in LogsQL, rows are dropped before they are counted, in whichever order the two were written.
    pipes.extend(offset.map(Pipe::Offset));
    pipes.extend(limit.map(Pipe::Limit));
    Ok(())
}

/// Reads `asc` or `desc`, when there; whether it was `desc`.
fn direction(p: &mut Parser) -> bool {
    let desc = p.eat_keyword("desc");
    if !desc {
        p.eat_keyword("asc");
    }
    desc
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, keys: &[SortKey]) -> fmt::Result {
    f.write_str("sort by (")?;
    for (index, key) in keys.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{}{}", Name(&key.field), if key.desc { " desc" } else { "" })?;
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | sort by (a desc, b)", "sort by (a desc, b)");
        check_pipes("* | order by (a asc)", "sort by (a)");
        check_pipes("* | sort by (a) desc limit 10", "sort by (a desc) | limit 10");
        check_pipes("* | sort (a, b desc) desc", "sort by (a desc, b)");
        check_pipes("* | sort a desc, b", "sort by (a desc, b)");
        check_pipes("* | sort by (a) limit 10 offset 5", "sort by (a) | offset 5 | limit 10");
        check_pipes("* | sort by (\"desc\" desc)", "sort by (\"desc\" desc)");
    }

    #[test]
    fn errors() {
        check_error("* | sort", 9, "expected the name of a field to sort by, found the end", "");
        check_error("* | sort by (a b)", 16, "expected `)` for the `(` at column 13, found `b`", "");
        check_error("* | sort by (a) limit x", 23, "not a number of rows", "");
        check_error("* | sort by (a) limit 1 limit 2", 25, "unexpected `limit`", "");
    }
}

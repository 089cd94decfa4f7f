//! Pipes: the steps rows go through after the filter. One file each, and one line in [`PIPES`].

mod fields;
mod filter;
mod limit;
mod list;
mod offset;
mod sort;
mod stats;
mod top;
mod uniq;

use std::collections::BTreeSet;
use std::fmt;

use crate::ast::Filter;
use crate::error::ParseError;
use crate::limits::PIPES_MAX;
use crate::parser::{Parser, is_name_char};
use crate::suggest::nearest;

pub use sort::SortKey;
pub use stats::{Aggregate, Bucket, Function, GroupKey, Stats};
pub use top::Top;
pub use uniq::Uniq;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Pipe {
    /// `fields a, b`: keep these columns, in this order. Never empty.
    Fields(Vec<String>),
    /// `sort by (a desc, b)`: order the rows by the first key, ties by the next. Never empty.
    Sort(Vec<SortKey>),
    /// `limit 10`: keep the first rows.
    Limit(u64),
    /// `offset 10`: drop the first rows.
    Offset(u64),
    /// `stats by (a) count()`: one row per group.
    Stats(Stats),
    /// `top 10 by (a)`: the most frequent combinations, with their number in column `hits`, most first.
    Top(Top),
    /// `uniq by (a)`: each combination once.
    Uniq(Uniq),
    /// `where level:error`: keep the rows that pass.
    Where(Filter),
}

/// Reads what follows the name; one text may mean several steps (`sort by (a) limit 10`).
type Body = fn(&mut Parser, &mut Vec<Pipe>) -> Result<(), ParseError>;

/// Every pipe: its names, the first being the canonical one, and its reader.
const PIPES: &[(&[&str], Body)] = &[
    (&["fields", "keep"], fields::parse),
    (&["filter", "where"], filter::parse),
    (&["limit", "head"], limit::parse),
    (&["offset", "skip"], offset::parse),
    (&["sort", "order"], sort::parse),
    (&["stats"], stats::parse),
    (&["top"], top::parse),
    (&["uniq"], uniq::parse),
];

/// Reads `| pipe | pipe …` to the end of the text.
pub(crate) fn parse_all(p: &mut Parser) -> Result<Vec<Pipe>, ParseError> {
    let mut pipes = Vec::new();
    loop {
        p.skip_space();
        let bar = p.pos();
        if !p.eat("|") {
            break;
        }
        let name = parse_one(p, &mut pipes)?;
        if pipes.len() > PIPES_MAX {
            return Err(p.error_at(bar, format!("more than {PIPES_MAX} pipes")));
        }
        p.skip_space();
        if !matches!(p.peek(), None | Some('|')) {
            let message = format!("unexpected {} after the pipe `{name}`", p.describe());
            return Err(p.error_here(message).hint("end the pipe with `|`"));
        }
    }
    Ok(pipes)
}

/// Reads one pipe; answers its name as written.
fn parse_one<'a>(p: &mut Parser<'a>, pipes: &mut Vec<Pipe>) -> Result<&'a str, ParseError> {
    p.skip_space();
    let start = p.pos();
    let len = p.rest().find(|c| !is_name_char(c)).unwrap_or(p.rest().len());
    let word = p.rest().get(..len).unwrap_or("");
    let known = || PIPES.iter().flat_map(|(names, _)| names.iter().copied());
    if word.is_empty() {
        let error = p.error_here(format!("expected a pipe after `|`, found {}", p.describe()));
        return Err(error.hint(format!("the pipes are {}", known().collect::<Vec<_>>().join(", "))));
    }
    if let Some((_, body)) = PIPES.iter().find(|(names, _)| names.iter().any(|name| word.eq_ignore_ascii_case(name))) {
        p.seek(start + len);
        body(p, pipes)?;
        return Ok(word);
    }
    if stats::starts_without_name(word, p.rest().get(len..).unwrap_or("")) {
        stats::parse(p, pipes)?;
        return Ok("stats");
    }
    let error = p.error_at(start, format!("unknown pipe `{word}`"));
    let error = error.hint(format!("the pipes are {}", known().collect::<Vec<_>>().join(", ")));
    Err(error.suggest(nearest(word, known().chain(stats::function_names()))))
}

impl Pipe {
    /// Whether the rows after this step are not the stored ones any more but made by it.
    pub fn makes_new_rows(&self) -> bool {
        matches!(self, Pipe::Stats(_) | Pipe::Top(_) | Pipe::Uniq(_))
    }

    /// Adds the names of the fields the step reads.
    pub(crate) fn collect_fields(&self, names: &mut BTreeSet<String>) {
        match self {
            Pipe::Fields(fields) => names.extend(fields.iter().cloned()),
            Pipe::Sort(keys) => names.extend(keys.iter().map(|key| key.field.clone())),
            Pipe::Limit(_) | Pipe::Offset(_) => {}
            Pipe::Stats(stats) => {
                names.extend(stats.by.iter().map(|key| key.field.clone()));
                names.extend(stats.aggregates.iter().flat_map(|aggregate| aggregate.fields.iter().cloned()));
            }
            Pipe::Top(top) => names.extend(top.fields.iter().cloned()),
            Pipe::Uniq(uniq) => names.extend(uniq.fields.iter().cloned()),
            Pipe::Where(filter) => filter.collect_fields(names),
        }
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pipe::Fields(names) => fields::print(f, names),
            Pipe::Sort(keys) => sort::print(f, keys),
            Pipe::Limit(n) => limit::print(f, *n),
            Pipe::Offset(n) => offset::print(f, *n),
            Pipe::Stats(stats) => stats::print(f, stats),
            Pipe::Top(top) => top::print(f, top),
            Pipe::Uniq(uniq) => uniq::print(f, uniq),
            Pipe::Where(filter) => filter::print(f, filter),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn several_pipes_and_comments() {
        check_pipes("error | sort by (a) | limit 3", "sort by (a) | limit 3");
        check_pipes("error # why\n| # first\n limit 3 # last", "limit 3");
        check_pipes("| limit 3", "limit 3");
        check_pipes("* | LIMIT 3", "limit 3");
    }

    #[test]
    fn errors() {
        check_error("a | ", 5, "expected a pipe after `|`, found the end", "fields");
        check_error("a | | b", 5, "found `|`", "");
        check_error("a | stast count()", 5, "unknown pipe `stast`", "did you mean `stats`?");
        check_error("a | cuont()", 5, "unknown pipe `cuont`", "did you mean `count`?");
        check_error("a | extract x", 5, "unknown pipe `extract`", "the pipes are fields");
        check_error("a | limit 3 4", 13, "unexpected `4` after the pipe `limit`", "`|`");
        check_error(&"| limit 1".repeat(70), 577, "more than 64 pipes", "");
    }
}

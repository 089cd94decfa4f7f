//! Filters written as a function: `in(…)`, `range(…]`, `ipv4_range(…)`, and LogsQL's long names for things with short ones.
//! The table [`FUNCTIONS`] is all there is.

use crate::ast::{Filter, Test};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::suggest::nearest;

use super::{exact, ipv4, one_of, range, regex, text};

/// Reads the arguments, from the bracket on.
type Arguments = fn(&mut Parser, Option<&str>) -> Result<Filter, ParseError>;

/// Name and reader of every function.
const FUNCTIONS: &[(&str, Arguments)] = &[
    ("in", |p, field| Ok(Filter::matches(field, Test::OneOf(one_of::parse_list(p)?)))),
    ("range", |p, field| Ok(Filter::matches(field, range::parse_function(p, field)?))),
    ("ipv4_range", |p, field| Ok(Filter::matches(field, ipv4::parse(p)?))),
    ("exact", |p, field| single(p, |p| exact::parse(p, field)).map(|test| Filter::matches(field, test))),
    ("re", |p, field| single(p, regex::parse).map(|test| Filter::matches(field, test))),
    ("i", |p, field| single(p, |p| text::parse(p, field)).map(|test| Filter::matches(field, test))),
    ("contains_all", |p, field| Ok(Filter::and(phrases(p, field)?))),
    ("contains_any", |p, field| Ok(Filter::or(phrases(p, field)?))),
];

/// Reads a function when one stands here: a word with a bracket directly after it.
pub(super) fn parse(p: &mut Parser, field: Option<&str>) -> Result<Option<Filter>, ParseError> {
    let word = p.peek_bare();
    let after = p.rest().get(word.len()..).and_then(|after| after.chars().next());
    let is_call = after == Some('(') || after == Some('[') && word.eq_ignore_ascii_case("range");
    if word.is_empty() || !is_call {
        return Ok(None);
    }
    let start = p.pos();
    let Some((_, arguments)) = FUNCTIONS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) else {
        let error = p.error_at(start, format!("unknown filter function `{word}`"));
        let hint = format!("quote text with a parenthesis, as \"{word}(…)\"");
        return Err(error.hint(hint).suggest(nearest(word, FUNCTIONS.iter().map(|(name, _)| *name))));
    };
    p.seek(start + word.len());
    arguments(p, field).map(Some)
}

/// Reads `( argument )`.
fn single(p: &mut Parser, read: impl Fn(&mut Parser) -> Result<Test, ParseError>) -> Result<Test, ParseError> {
    let open = p.pos();
    p.expect("(", "to open the argument")?;
    p.skip_space();
    let test = read(p)?;
    p.expect_close(open)?;
    Ok(test)
}

/// Reads a list of phrases, each to be a filter.
fn phrases(p: &mut Parser, field: Option<&str>) -> Result<Vec<Filter>, ParseError> {
    let start = p.pos();
    let values = one_of::parse_list(p)?;
    if values.iter().any(String::is_empty) {
        return Err(p.error_at(start, "a phrase of the list is empty"));
    }
    Ok(values.into_iter().map(|phrase| Filter::matches(field, Test::Phrase(phrase))).collect())
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_the_long_names() {
        check_filter("level:exact(\"a b\")", "level[Exact(a b)]");
        check_filter("re(\"a|b\")", "any[Regex(a|b)]");
        check_filter("level:i(err*)", "level[Prefix(err)]");
        check_filter("level:i(\"Two Words\")", "level[Phrase(Two Words)]");
        check_filter("level:contains_all(a, \"b c\")", "and(level[Phrase(a)] level[Phrase(b c)])");
        check_filter("x contains_any(a, b)", "and(any[Word(x)] or(any[Phrase(a)] any[Phrase(b)]))");
        check_filter("level:contains_any(a)", "level[Phrase(a)]");
    }

    #[test]
    fn errors() {
        check_error("level:rnage(1, 2)", 7, "unknown filter function `rnage`", "did you mean `range`?");
        check_error("main(argv)", 1, "unknown filter function `main`", "quote text");
        check_error("level:exact(a", 12, "never closed", "add `)`");
        check_error("level:exact(a b)", 15, "expected `)` for the `(` at column 12, found `b`", "");
        check_error("range(1, 2)", 6, "needs a field", "");
        check_error("contains_any(\"\")", 13, "is empty", "");
    }
}

//! `word`, `"a phrase"`, `err*`, `*ampl*`, `*` and `""`: looking for text.

use std::fmt;

use crate::ast::Test;
use crate::error::ParseError;
use crate::parser::{Parser, bare_len};
use crate::print::{Quoted, is_plain, reads_as_word};

use super::value;

/// Reads a text test.
pub(super) fn parse(p: &mut Parser, field: Option<&str>) -> Result<Test, ParseError> {
    let start = p.pos();
    if p.eat("*") {
        if !p.at_quote() && bare_len(p.rest()) == 0 {
            return Ok(Test::Any);
        }
        let (text, _) = value(p, "text")?;
        if !p.eat("*") {
            let hint = format!("write `*{text}*` for text anywhere, or `~\"{text}$\"`");
            return Err(p.error_at(start, "`*` before text needs another after it").hint(hint));
        }
        return Ok(if text.is_empty() { Test::Any } else { Test::Substring(text) });
    }
    let (text, quoted) = value(p, "a filter")?;
    if p.eat("*") {
        return Ok(if text.is_empty() { Test::Any } else { Test::Prefix(text) });
    }
    if !text.is_empty() {
        return Ok(if quoted { Test::Phrase(text) } else { Test::Word(text) });
    }
    if field.is_none() {
        return Err(p.error_at(start, "an empty phrase needs a field").hint("write `field:\"\"` for rows without it"));
    }
    Ok(Test::Empty)
}

pub(super) fn print_word(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if reads_as_word(text) { f.write_str(text) } else { print_phrase(f, text) }
}

pub(super) fn print_prefix(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if is_plain(text) { write!(f, "{text}*") } else { write!(f, "{}*", Quoted(text)) }
}

pub(super) fn print_substring(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if is_plain(text) { write!(f, "*{text}*") } else { write!(f, "*{}*", Quoted(text)) }
}

pub(super) fn print_phrase(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "{}", Quoted(text))
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("error", "any[Word(error)]");
        check_filter("\"two words\"", "any[Phrase(two words)]");
        check_filter("'two \"words\"'", "any[Phrase(two \"words\")]");
        check_filter("`back\\slash`", "any[Phrase(back\\slash)]");
        check_filter("err*", "any[Prefix(err)]");
        check_filter("\"connection ref\"*", "any[Prefix(connection ref)]");
        check_filter("*ampl*", "any[Substring(ampl)]");
        check_filter("*\"a b\"*", "any[Substring(a b)]");
        check_filter("*", "all");
        check_filter("level:*", "level[Any]");
        check_filter("level:\"\"", "level[Empty]");
        check_filter("*:error", "any[Word(error)]");
        check_filter("foo-bar", "any[Word(foo-bar)]");
        check_filter("path:/api/v1/users?id=1&x=%20", "path[Word(/api/v1/users?id=1&x=%20)]");
        check_filter("user_agent:curl/7.88", "user_agent[Word(curl/7.88)]");
        check_filter("http://host:80/a?b=c#d", "any[Word(http://host:80/a?b=c#d)]");
        check_filter("url:http://host:80/a", "url[Word(http://host:80/a)]");
        check_filter("std::io::Error", "any[Word(std::io::Error)]");
        check_filter("10:30:05", "any[Word(10:30:05)]");
        check_filter("127.0.0.1:8080", "any[Word(127.0.0.1:8080)]");
        check_filter("user=42", "any[Word(user=42)]");
        check_filter("don't", "any[Word(don't)]");
        check_filter("错误", "any[Word(错误)]");
        check_filter("temperature:-5", "temperature[Word(-5)]");
        check_filter("field:#x", "field[Word(#x)]");
        check_filter("\"and\"", "any[Phrase(and)]");
        check_filter("android", "any[Word(android)]");
        check_filter("\"a\\tb\\u00e9\\x41\\u{1F600}\\d\"", "any[Phrase(a\tbéA😀\\d)]");
    }

    #[test]
    fn errors() {
        check_error("*foo", 1, "needs another after it", "`*foo*`");
        check_error("a*b", 3, "quote text that holds it", "");
        check_error("a,b", 2, "a comma cannot stand here", "field:in(a, b)");
        check_error("a\"b\"", 2, "a quote in the middle", "space");
        check_error("\"\"", 1, "needs a field", "field:\"\"");
        check_error("a \"b c", 3, "never closed", "add \"");
        check_error("a 'b", 3, "never closed", "add '");
        check_error("\"\\uZZ\"", 2, "bad escape", "\\uHHHH");
        check_error("\"\\u{110000}\"", 2, "bad escape", "");
        check_error("and", 1, "needs a filter on each side", "\"and\"");
        check_error("field:or", 7, "needs a filter on each side", "\"or\"");
        check_error("{app=\"x\"}", 1, "stream selectors", "name:=");
    }
}

//! One filter: a field and its test, a group, or a word. One file per kind of test, each with parse, print and tests.
//!
//! ```text
//! term = "(" or ")" | [ field ":" ] test | "_time:" time
//! test = "(" or ")" | "=" value | "~" regex | compare | "[" range | function "(" … | word | quoted | "*"
//! ```

mod compare;
mod exact;
mod functions;
mod ipv4;
mod one_of;
mod range;
mod regex;
mod text;
mod time;

use std::fmt;

use crate::ast::{Filter, Test};
use crate::error::ParseError;
use crate::parser::{Parser, bare_len, field_name_len};
use crate::print::Name;

/// Reads one filter. `field` is set inside the value of a field.
pub(crate) fn parse_term(p: &mut Parser, field: Option<&str>) -> Result<Filter, ParseError> {
    p.skip_space();
    let start = p.pos();
    let filter = match p.peek() {
        None | Some(')' | '|') => return Err(missing(p, field)),
        Some('(') => return group(p, field),
        Some('=') => Filter::matches(field, exact::parse(p, field)?),
        Some('~') => Filter::matches(field, regex::parse(p)?),
        Some('>' | '<') => Filter::matches(field, compare::parse(p, field)?),
        Some('[') => Filter::matches(field, range::parse_bare(p, field)?),
        Some('{') => return Err(stream_selector(p)),
        Some(_) => {
            if let Some(name) = field_name(p, field)? {
                return of_field(p, &name, start);
            }
            if let Some(filter) = functions::parse(p, field)? {
                filter
            } else {
                keyword_is_no_word(p)?;
                Filter::matches(field, text::parse(p, field)?)
            }
        }
    };
    end_of_term(p, start)?;
    Ok(filter)
}

impl Filter {
    /// A test of a field, or of any field; any value of any field is every row.
    fn matches(field: Option<&str>, test: Test) -> Filter {
        match (field, test) {
            (None, Test::Any) => Filter::All,
            (field, test) => Filter::Match { field: field.map(str::to_owned), test },
        }
    }
}

/// `( … )`, with the field before it given to each member.
fn group(p: &mut Parser, field: Option<&str>) -> Result<Filter, ParseError> {
    let open = p.pos();
    p.enter(open)?;
    p.set_in_value(false);
    p.eat("(");
    p.skip_space();
    if p.peek() == Some(')') {
        return Err(p.error_at(open, "the parentheses are empty").hint("write a filter inside, or `*` for every row"));
    }
    let filter = p.or(field)?;
    p.expect_close(open)?;
    p.leave();
    Ok(filter)
}

/// What stands before a colon.
enum FieldName {
    /// `*:`
    Any,
    Named(String),
}

/// Reads `name:` when it is next.
fn field_name(p: &mut Parser, outer: Option<&str>) -> Result<Option<FieldName>, ParseError> {
    let start = p.pos();
    let name = if p.at_quote() {
        let name = p.quoted()?;
        if p.peek() != Some(':') {
            p.seek(start);
            return Ok(None);
        }
        FieldName::Named(name)
    } else if p.rest().starts_with("*:") {
        p.eat("*");
        FieldName::Any
    } else {
        // Directly after `field:` a colon belongs to the value (`id:a:b`), unless it stands in a group.
        let Some(len) = field_name_len(p.rest()).filter(|_| !p.in_value()) else {
            return Ok(None);
        };
        let name = p.rest().get(..len).unwrap_or("").to_owned();
        p.seek(start + len);
        FieldName::Named(name)
    };
    if let Some(outer) = outer {
        let shown = match &name {
            FieldName::Any => "*",
            FieldName::Named(name) => name,
        };
        let message = format!("`{shown}:` names a second field inside the value of `{outer}:`");
        return Err(p.error_at(start, message).hint("quote a value that holds a colon"));
    }
    p.eat(":");
    Ok(Some(name))
}

/// The value of the field whose name has just been read.
fn of_field(p: &mut Parser, field: &FieldName, start: usize) -> Result<Filter, ParseError> {
    let FieldName::Named(name) = field else {
        return p.not(None);
    };
    if name.is_empty() {
        return Err(p.error_at(start, "the name of the field is empty"));
    }
    let at_value = p.pos();
    p.skip_space();
    if matches!(p.peek(), None | Some(')' | '|')) {
        let shown = Name(name);
        let hint = format!("write `{shown}:*` for any value, `{shown}:\"\"` for none");
        return Err(p.error_at(at_value, format!("`{name}:` has no value")).hint(hint));
    }
    if name == "_time" {
        let range = time::parse(p)?;
        end_of_term(p, start)?;
        return Ok(Filter::Time(range));
    }
    p.set_in_value(true);
    let filter = p.not(Some(name));
    p.set_in_value(false);
    filter
}

/// Nothing stands where a filter should.
fn missing(p: &Parser, field: Option<&str>) -> ParseError {
    match field {
        Some(field) => p.error_here(format!("expected a value for `{field}:`, found {}", p.describe())),
        None => p.error_here(format!("expected a filter, found {}", p.describe())),
    }
}

fn keyword_is_no_word(p: &Parser) -> Result<(), ParseError> {
    let word = p.peek_bare();
    if !["and", "or", "not"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
        return Ok(());
    }
    let error = p.error_here(format!("`{word}` needs a filter on each side"));
    Err(error.hint(format!("write \"{word}\" in quotes to look for the word")))
}

fn stream_selector(p: &Parser) -> ParseError {
    p.error_here("stream selectors `{…}` are not part of this language").hint("write `name:=\"value\"` for each label")
}

/// After a term there must be white space, a parenthesis, a pipe or the end.
fn end_of_term(p: &Parser, start: usize) -> Result<(), ParseError> {
    let error = match p.peek() {
        None | Some(')' | '|') => return Ok(()),
        Some(c) if c.is_whitespace() => return Ok(()),
        Some(',') => p
            .error_here("a comma cannot stand here")
            .hint("quote text with a comma, or list values as `field:in(a, b)`"),
        Some('*') => p.error_here("`*` cannot stand here").hint("write a regular expression: `~\"a.*b\"`"),
        Some('"' | '\'' | '`') => {
            p.error_here("a quote in the middle of a word").hint("put a space before it, or quote the whole")
        }
        Some(c) => p.error_here(format!("`{}` cannot stand here", c.escape_debug())).hint("quote text that holds it"),
    };
    debug_assert!(start <= p.pos());
    Err(error)
}

/// Reads a value for `what`: quoted, or a bare word. The flag tells whether it was quoted.
fn value(p: &mut Parser, what: &str) -> Result<(String, bool), ParseError> {
    p.skip_space();
    if p.at_quote() {
        return Ok((p.quoted()?, true));
    }
    let len = bare_len(p.rest());
    if len == 0 {
        return Err(p.error_here(format!("expected {what}, found {}", p.describe())));
    }
    let text = p.rest().get(..len).unwrap_or("").to_owned();
    if let Some(operator) = text.chars().next().filter(|c| matches!(c, '=' | '~' | '<' | '>' | '!')) {
        let error = p.error_here(format!("a bare value cannot start with `{operator}`"));
        return Err(error.hint("quote it if it is part of the value"));
    }
    p.seek(p.pos() + len);
    Ok((text, false))
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Word(text) => text::print_word(f, text),
            Test::Prefix(text) => text::print_prefix(f, text),
            Test::Substring(text) => text::print_substring(f, text),
            Test::Phrase(text) => text::print_phrase(f, text),
            Test::Exact(text) => exact::print(f, text),
            Test::Regex(source) => regex::print(f, source),
            Test::Compare { op, value } => compare::print(f, *op, value),
            Test::Range { low, high } => range::print(f, low.as_ref(), high.as_ref()),
            Test::OneOf(values) => one_of::print(f, values),
            Test::Ipv4Range { low, high } => ipv4::print(f, *low, *high),
            Test::Empty => f.write_str("\"\""),
            Test::Any => f.write_str("*"),
        }
    }
}

pub(crate) use time::print as print_time;

//! From text to tree: the entry points, and how filters combine. One filter alone is read in `filter/`, one pipe in
//! `pipe/`, one token in `lexer.rs`.
//!
//! ```text
//! query  = [ or ] { "|" pipe }
//! or     = and { OR and }
//! and    = not { [ AND ] not }
//! not    = ( "!" | "-" | NOT ) not | term          (filter/mod.rs)
//! ```

mod lexer;

use crate::ast::{Filter, Query};
use crate::error::ParseError;
use crate::limits::{DEPTH_MAX, QUERY_BYTES_MAX};
use crate::{filter, pipe};

pub(crate) use lexer::{bare_len, field_name_len, is_name_char, is_name_start};

/// Judges the source of a regular expression; the error is a message for the user.
type RegexCheck<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// Reads a query. Regular expressions are not judged; see [`parse_checked`].
///
/// # Errors
/// When the text is not a query, or exceeds a bound of [`crate::limits`].
pub fn parse(text: &str) -> Result<Query, ParseError> {
    parse_checked(text, &|_| Ok(()))
}

/// Reads a query, giving the source of each regular expression to `check_regex`, whose message becomes an error at the
/// place of the expression.
///
/// # Errors
/// As [`parse`], and when `check_regex` refuses.
pub fn parse_checked(text: &str, check_regex: &dyn Fn(&str) -> Result<(), String>) -> Result<Query, ParseError> {
    let mut parser = Parser::new(text, check_regex)?;
    let filter = parser.whole_filter()?;
    let pipes = pipe::parse_all(&mut parser)?;
    Ok(Query { filter, pipes })
}

/// Reads a filter alone, without pipes.
///
/// # Errors
/// As [`parse`], and when there is a pipe.
pub fn parse_filter(text: &str) -> Result<Filter, ParseError> {
    let mut parser = Parser::new(text, &|_| Ok(()))?;
    let filter = parser.whole_filter()?;
    if parser.at_end() {
        return Ok(filter);
    }
    Err(parser.error_here("a pipe is not allowed here, only a filter"))
}

/// A place in a text. The lexical methods are in `lexer.rs`.
pub(crate) struct Parser<'a> {
    text: &'a str,
    pos: usize,
    depth: usize,
    /// Whether the value directly after `name:` is being read, where a colon is part of the value.
    in_value: bool,
    check_regex: RegexCheck<'a>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, check_regex: RegexCheck<'a>) -> Result<Parser<'a>, ParseError> {
        if text.len() > QUERY_BYTES_MAX {
            let message = format!("the query has {} bytes; at most {QUERY_BYTES_MAX} are allowed", text.len());
            return Err(ParseError::at(text, QUERY_BYTES_MAX, message).hint("shorten it, or ask in several parts"));
        }
        Ok(Parser { text, pos: 0, depth: 0, in_value: false, check_regex })
    }

    /// The filter of a query or of a `where` pipe: up to `|` or the end; nothing at all is every row.
    pub(crate) fn whole_filter(&mut self) -> Result<Filter, ParseError> {
        self.skip_space();
        if self.at_end() || self.peek() == Some('|') {
            return Ok(Filter::All);
        }
        let filter = self.or(None)?;
        match self.peek() {
            None | Some('|') => Ok(filter),
            Some(')') => Err(self.error_here("`)` closes nothing").hint("remove it, or quote text that holds it")),
            Some(_) => Err(self.error_here(format!("unexpected {}", self.describe()))),
        }
    }

    /// Alternatives. `field` is the field of the group this stands in. Ends after white space.
    pub(crate) fn or(&mut self, field: Option<&str>) -> Result<Filter, ParseError> {
        let mut parts = vec![self.and(field)?];
        while self.eat_keyword("or") {
            parts.push(self.and(field)?);
        }
        Ok(Filter::or(parts))
    }

    fn and(&mut self, field: Option<&str>) -> Result<Filter, ParseError> {
        let mut parts = vec![self.not(field)?];
        loop {
            self.skip_space();
            if matches!(self.peek(), None | Some(')' | '|')) || self.at_keyword("or") {
                return Ok(Filter::and(parts));
            }
            self.eat_keyword("and");
            parts.push(self.not(field)?);
        }
    }

    /// One filter with any negations before it.
    pub(crate) fn not(&mut self, field: Option<&str>) -> Result<Filter, ParseError> {
        self.skip_space();
        if !self.eat_negation(field) {
            return filter::parse_term(self, field);
        }
        self.enter(self.pos)?;
        let inner = self.not(field)?;
        self.leave();
        Ok(Filter::Not(Box::new(inner)))
    }

    /// Goes one level deeper, on behalf of the parenthesis or negation at `offset`.
    pub(crate) fn enter(&mut self, offset: usize) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let message = format!("nested more than {DEPTH_MAX} deep");
        Err(self.error_at(offset, message).hint("remove parentheses or negations that change nothing"))
    }

    /// Comes back from [`Parser::enter`].
    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether the value directly after `name:` is being read.
    pub(crate) fn in_value(&self) -> bool {
        self.in_value
    }

    /// Begins or ends the value directly after `name:`.
    pub(crate) fn set_in_value(&mut self, in_value: bool) {
        self.in_value = in_value;
    }

    /// Asks the hook about a regular expression that stands at `offset`.
    pub(crate) fn check_regex(&self, source: &str, offset: usize) -> Result<(), ParseError> {
        (self.check_regex)(source).map_err(|why| self.error_at(offset, format!("bad regular expression: {why}")))
    }
}

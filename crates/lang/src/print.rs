//! Canonical text: what `Display` prints parses to the same tree.

use std::fmt::{self, Display};

use crate::ast::{Filter, Query, Test};
use crate::filter::print_time;
use crate::parser::{bare_len, field_name_len, is_name_char, is_name_start};

/// Words with a meaning of their own somewhere in a pipe; a name that is one is printed in quotes.
const RESERVED: &[&str] =
    &["and", "or", "not", "by", "as", "if", "asc", "desc", "with", "hits", "limit", "offset", "where"];

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// Whether a text can stand bare wherever a value can: letters, digits and `_ . / -`, the first a letter, digit or `_`.
pub(crate) fn is_plain(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text.chars().all(inner) && !is_reserved(text)
}

/// Whether a text, bare, reads as one word in the value of a field.
pub(crate) fn reads_as_word(text: &str) -> bool {
    let operator = text.starts_with(['!', '=', '~', '<', '>']);
    let negation =
        text.starts_with('-') && !text.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let keyword = ["and", "or", "not"].iter().any(|keyword| text.eq_ignore_ascii_case(keyword));
    !text.is_empty() && bare_len(text) == text.len() && !operator && !negation && !keyword
}

/// A text in double quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A value, bare when it can be.
pub(crate) struct Value<'a>(pub(crate) &'a str);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// The name of a field, bare when it can be.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.0.starts_with(is_name_start) && self.0.chars().all(is_name_char) && !is_reserved(self.0);
        if bare { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// Names separated by commas.
pub(crate) struct Names<'a>(pub(crate) &'a [String]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Name(name))?;
        }
        Ok(())
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt(f)?;
        self.pipes.iter().try_for_each(|pipe| write!(f, " | {pipe}"))
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::All => f.write_str("*"),
            Filter::And(children) if children.is_empty() => f.write_str("*"),
            Filter::Or(children) if children.is_empty() => f.write_str("!*"),
            Filter::And(children) => joined(f, children, " "),
            Filter::Or(children) => joined(f, children, " OR "),
            Filter::Not(child) if matches!(**child, Filter::And(_) | Filter::Or(_)) => {
                write!(f, "!({child})")
            }
            Filter::Not(child) => write!(f, "!{child}"),
            Filter::Match { field, test } => one_match(f, field.as_deref(), test),
            Filter::Time(range) => {
                f.write_str("_time:")?;
                print_time(f, range)
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, children: &[Filter], separator: &str) -> fmt::Result {
    let is_and = separator == " ";
    for (index, child) in children.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        let wrapped = match child {
            Filter::And(_) => is_and,
            Filter::Or(_) => true,
            // After `_time:5m` the bare word would begin an offset.
            Filter::Match { field: None, test: Test::Word(word) } => index > 0 && word.eq_ignore_ascii_case("offset"),
            _ => false,
        };
        if wrapped {
            write!(f, "({child})")?;
        } else {
            child.fmt(f)?;
        }
    }
    Ok(())
}

fn one_match(f: &mut fmt::Formatter<'_>, field: Option<&str>, test: &Test) -> fmt::Result {
    match (field, test) {
        (Some(name), Test::Word(word)) if word.starts_with(['/', ':', '\\']) => {
            write!(f, "{}:{test}", Quoted(name))
        }
        (Some(name), test) => write!(f, "{}:{test}", Name(name)),
        (None, Test::Word(word)) if field_name_len(word).is_some() || word.starts_with('-') => Quoted(word).fmt(f),
        // Directly after a colon `#` begins no comment.
        (None, Test::Word(word)) if word.starts_with('#') => write!(f, "*:{test}"),
        (None, test) => test.fmt(f),
    }
}

//! The one error of this crate: what is wrong, where, what to do.

use std::fmt;

use crate::words::is_cjk;

/// Why a text is not a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong, in one clause without a full stop.
    pub message: String,
    /// What to write instead, when that can be told.
    pub hint: Option<String>,
    /// Where, in bytes from the start of the text; at most its length, and on a character boundary.
    pub offset: usize,
    /// Where, in characters from the start of the text, the first being 1.
    pub column: usize,
}

impl ParseError {
    /// An error at a byte offset of `text`.
    pub(crate) fn at(text: &str, offset: usize, message: impl Into<String>) -> ParseError {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let column = text.get(..offset).map_or(0, |before| before.chars().count()) + 1;
        ParseError { message: message.into(), hint: None, offset, column }
    }

    /// Adds what to write instead.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> ParseError {
        self.hint = Some(hint.into());
        self
    }

    /// Adds `did you mean` when there is a suggestion.
    pub(crate) fn suggest(mut self, suggestion: Option<&str>) -> ParseError {
        if let Some(name) = suggestion {
            self.hint = Some(format!("did you mean `{name}`?"));
        }
        self
    }

    /// The error with the line of `query` it is on and a caret under the place, for a terminal. Wide (CJK) characters
    /// count two columns, and tabs are kept, so that the caret stands right in a fixed-width font.
    pub fn render(&self, query: &str) -> String {
        let offset = self.offset.min(query.len());
        let before = query.get(..offset).unwrap_or(query);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = query.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
        let mut caret = String::new();
        for c in before.get(line_start..).unwrap_or("").chars() {
            caret.push_str(match c {
                '\t' => "\t",
                c if is_cjk(c) => "  ",
                _ => " ",
            });
        }
        format!("{line}\n{caret}^\n{self}")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_a_caret_under_the_place() {
        let query = "first\n错误 \tlevel:";
        let error = ParseError::at(query, query.len(), "no value").hint("write one");
        assert_eq!(error.render(query), "错误 \tlevel:\n     \t      ^\ncolumn 17: no value; write one");
    }

    #[test]
    fn an_offset_inside_a_character_moves_to_its_start() {
        assert_eq!(ParseError::at("é", 1, "x").offset, 0);
        assert_eq!(ParseError::at("é", 99, "x").offset, 2);
    }
}

//! Tokens: white space, comments, quoted strings, bare words, names and keywords.

use super::Parser;
use crate::error::ParseError;

/// Whether a bare field name may start with this. Not with a digit, so that `10:30` and `127.0.0.1:8080` are words.
pub(crate) fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

/// Whether a bare field name may go on with this.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '@')
}

/// Length in bytes of the bare field name before a `:` at the start of `rest`. `http://`, `std::io` and `C:\` are words.
pub(crate) fn field_name_len(rest: &str) -> Option<usize> {
    if !rest.starts_with(is_name_start) {
        return None;
    }
    let len = rest.find(|c| !is_name_char(c))?;
    let value = rest.get(len..)?.strip_prefix(':')?;
    let is_word = value.starts_with(':') || value.starts_with("//") || value.starts_with('\\');
    (!is_word).then_some(len)
}

/// Length in bytes of the bare word at the start of `rest`: up to white space or one of `( ) [ ] { } | , " * ` or a
/// backtick. An apostrophe stays inside a word (`don't`) and quotes elsewhere.
pub(crate) fn bare_len(rest: &str) -> usize {
    let mut before: Option<char> = None;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let stops = match c {
            '(' | ')' | '[' | ']' | '{' | '}' | '|' | ',' | '"' | '*' | '`' => true,
            '\'' => {
                let inside = before.is_some_and(char::is_alphanumeric)
                    && chars.peek().is_some_and(|(_, after)| after.is_alphanumeric());
                !inside
            }
            c => c.is_whitespace() || c.is_control(),
        };
        if stops {
            return at;
        }
        before = Some(c);
    }
    rest.len()
}

impl<'a> Parser<'a> {
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Goes back to (or on to) a place got from [`Parser::pos`].
    pub(crate) fn seek(&mut self, pos: usize) {
        self.pos = pos;
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or("")
    }

    pub(crate) fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads the given text when it is next.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    /// Skips white space, and comments that stand at the start of a token.
    pub(crate) fn skip_space(&mut self) {
        while let Some(c) = self.peek() {
            if c.is_whitespace() {
                self.pos += c.len_utf8();
            } else if c == '#' && self.starts_token() {
                self.pos += self.rest().find('\n').unwrap_or(self.rest().len());
            } else {
                return;
            }
        }
    }

    /// Whether what comes before this place ends a token for certain.
    fn starts_token(&self) -> bool {
        let before = self.text.get(..self.pos).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '|' | ',' | '!' | '-'))
    }

    /// The bare word here, unread; empty when there is none.
    pub(crate) fn peek_bare(&self) -> &'a str {
        self.rest().get(..bare_len(self.rest())).unwrap_or("")
    }

    /// Whether the keyword stands here, in any case, as a whole bare word.
    pub(crate) fn at_keyword(&self, keyword: &str) -> bool {
        self.peek_bare().eq_ignore_ascii_case(keyword)
    }

    /// Skips white space and reads the keyword when it is next.
    pub(crate) fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let found = self.at_keyword(keyword);
        if found {
            self.pos += keyword.len();
        }
        found
    }

    /// Reads `!`, `-` or NOT. Where a value is expected (`field:-5`), a minus before a digit belongs to the number.
    pub(crate) fn eat_negation(&mut self, field: Option<&str>) -> bool {
        let mut after = self.rest().chars();
        match after.next() {
            Some('!') => {}
            Some('-') if field.is_none() || !after.next().is_some_and(|c| c.is_ascii_digit()) => {}
            _ => return self.eat_keyword("not"),
        }
        self.pos += 1;
        true
    }

    pub(crate) fn at_quote(&self) -> bool {
        matches!(self.peek(), Some('"' | '\'' | '`'))
    }

    /// Reads the quoted string that starts here. Inside `"` and `'`: `\n \r \t \0 \\ \" \' \` `, `\xHH`, `\uHHHH`,
    /// `\u{H…}`; a backslash before anything else stays (`"\d+"`). Backticks take everything as it is.
    pub(crate) fn quoted(&mut self) -> Result<String, ParseError> {
        let open = self.pos;
        let quote = self.peek().unwrap_or('"');
        self.pos += quote.len_utf8();
        let mut value = String::new();
        while let Some(c) = self.peek() {
            self.pos += c.len_utf8();
            if c == quote {
                return Ok(value);
            }
            if c == '\\' && quote != '`' {
                self.escape(&mut value)?;
            } else {
                value.push(c);
            }
        }
        Err(self.error_at(open, format!("the quote {quote} opened here is never closed")).hint(format!("add {quote}")))
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, value: &mut String) -> Result<(), ParseError> {
        let start = self.pos.saturating_sub(1);
        let Some(c) = self.peek() else { return Ok(()) };
        self.pos += c.len_utf8();
        let code = match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            '\\' | '"' | '\'' | '`' => c,
            'x' | 'u' => {
                let code = if c == 'x' { self.hex(2) } else { self.unicode_escape() };
                code.and_then(char::from_u32).ok_or_else(|| {
                    self.error_at(start, "bad escape in a quoted string")
                        .hint(r"write `\xHH`, `\uHHHH` or `\u{HHHHH}`, or `\\` for a backslash")
                })?
            }
            other => {
                value.push('\\');
                other
            }
        };
        value.push(code);
        Ok(())
    }

    /// The digits after `\u`.
    fn unicode_escape(&mut self) -> Option<u32> {
        if !self.eat("{") {
            return self.hex(4);
        }
        let len = self.rest().find('}').filter(|len| (1..=6).contains(len))?;
        let code = self.hex(len)?;
        self.pos += 1;
        Some(code)
    }

    /// Reads exactly `len` hexadecimal digits.
    fn hex(&mut self, len: usize) -> Option<u32> {
        let digits = self.rest().get(..len).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.pos += len;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Reads the name of a field in a pipe, bare or quoted; `what` says what it is for.
    pub(crate) fn name(&mut self, what: &str) -> Result<String, ParseError> {
        self.skip_space();
        if self.at_quote() {
            let start = self.pos;
            let name = self.quoted()?;
            if name.is_empty() {
                return Err(self.error_at(start, format!("{what} is empty")));
            }
            return Ok(name);
        }
        let len = self.rest().find(|c| !is_name_char(c)).unwrap_or(self.rest().len());
        let name = self.rest().get(..len).unwrap_or("");
        if !name.starts_with(|c: char| is_name_start(c) || c.is_alphanumeric()) {
            let error = self.error_here(format!("expected {what}, found {}", self.describe()));
            return Err(match self.peek() {
                Some('*') => error.hint("patterns of names are not supported; list the names"),
                _ => error,
            });
        }
        self.pos += len;
        Ok(name.to_owned())
    }

    /// Skips white space and reads `text`, or says what was expected.
    pub(crate) fn expect(&mut self, text: &str, context: &str) -> Result<(), ParseError> {
        self.skip_space();
        if self.eat(text) {
            return Ok(());
        }
        Err(self.error_here(format!("expected `{text}` {context}, found {}", self.describe())))
    }

    /// Reads the `)` of the parenthesis that was opened at `open`.
    pub(crate) fn expect_close(&mut self, open: usize) -> Result<(), ParseError> {
        self.skip_space();
        if self.eat(")") {
            return Ok(());
        }
        if self.at_end() || self.peek() == Some('|') {
            return Err(self.error_at(open, "the `(` opened here is never closed").hint("add `)`"));
        }
        let column = self.error_at(open, "").column;
        let message = format!("expected `)` for the `(` at column {column}, found {}", self.describe());
        Err(self.error_here(message))
    }

    pub(crate) fn error_at(&self, offset: usize, message: impl Into<String>) -> ParseError {
        ParseError::at(self.text, offset, message)
    }

    pub(crate) fn error_here(&self, message: impl Into<String>) -> ParseError {
        self.error_at(self.pos, message)
    }

    /// What stands here, for messages.
    pub(crate) fn describe(&self) -> String {
        let word: String = self.peek_bare().chars().take(40).collect();
        match self.peek() {
            None => "the end of the query".to_owned(),
            Some('"' | '\'' | '`') => "a quoted string".to_owned(),
            Some(_) if !word.is_empty() => format!("`{word}`"),
            Some(c) => format!("`{}`", c.escape_debug()),
        }
    }
}

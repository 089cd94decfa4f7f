//! A pull parser for JSON over bytes: the caller asks for the next key, element or value, nothing builds a tree.
//!
//! Source: RFC 8259. Strings borrow from the input unless they hold escapes; integers and floats are told apart; every
//! step moves forward, so a document costs linear time. Lenient where producers are: raw control characters in strings,
//! `NaN` and `Infinity` as numbers, bytes that are not UTF-8 and lone surrogates (replaced by U+FFFD and counted).
//!
//! Bytes are checked to be UTF-8 once, when reading begins; strings are then cut out of the checked text. The end of a string
//! is looked for eight bytes at a time, as most strings are short, and by wide compares behind its first
//! [`SHORT_BYTES`] bytes: bitmaps of 64 bytes, made once for all strings in them, were tried and took 4 to 13 % longer, as each
//! string then waits for the bitmap. [`Reader::skip`] needs one bit a level and no stack; [`Reader::copy`] recurses and is bounded by
//! `clewline_model::limits::NESTING_DEPTH_MAX`.

use std::borrow::Cow;

use clewline_model::json;
use clewline_model::limits::NESTING_DEPTH_MAX;
use memchr::memchr2;

use crate::report::DecodeError;

/// The kind of the value that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// A number, or what is lenient to be one.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`
    Null,
}

/// A number as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number<'a> {
    /// An integer of 64 bits.
    Int(i64),
    /// An integer above `i64::MAX` that fits 64 bits.
    Unsigned(u64),
    /// A number with point or exponent, or one of `NaN`, `Infinity`, `-Infinity`.
    Double(f64),
    /// A number no 64 bits can hold (more digits than an integer, or 1e400): its text.
    Other(&'a str),
}

/// Length up to which the end of a string is looked for without the set-up of a wide compare.
const SHORT_BYTES: usize = 32;

/// Room made for a string with escapes.
const ESCAPED_BYTES: usize = 512;

/// Reads one JSON document from its start.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
    /// `data`, if it is UTF-8.
    checked: Option<&'a str>,
    at: usize,
    /// Strings that had to be repaired so far.
    pub repaired: u64,
}

impl<'a> Reader<'a> {
    /// Reads `data`.
    pub fn new(data: &'a [u8]) -> Reader<'a> {
        Reader::new_checked(data, std::str::from_utf8(data).ok())
    }

    /// Reads `text`.
    pub(crate) fn of_text(text: &'a str) -> Reader<'a> {
        Reader::new_checked(text.as_bytes(), Some(text))
    }

    fn new_checked(data: &'a [u8], checked: Option<&'a str>) -> Reader<'a> {
        Reader { data, checked, at: 0, repaired: 0 }
    }

    /// Where the next byte is read, from the start.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Goes back (or on) to an offset [`Self::offset`] gave.
    pub fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    #[cold]
    fn error<T>(&self, message: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError::Malformed { offset: self.at, message })
    }

    /// The next byte that is no white space, left unread.
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        loop {
            let byte = *self.data.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, message: &'static str) -> Result<(), DecodeError> {
        if self.byte() != Some(byte) {
            return self.error(message);
        }
        self.at += 1;
        Ok(())
    }

    /// The kind of the next value.
    #[inline]
    pub fn peek(&mut self) -> Result<Kind, DecodeError> {
        Ok(match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => Kind::Number,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            Some(_) => return self.error("a value was expected"),
            None => return self.error("the JSON ends early"),
        })
    }

    /// True when nothing but white space is left.
    pub fn at_end(&mut self) -> bool {
        self.byte().is_none()
    }

    /// An error unless nothing but white space is left.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        if self.at_end() { Ok(()) } else { self.error("there is more behind the end of the JSON") }
    }

    /// Enters an object; then call [`Self::key`] until it gives `None`.
    pub fn begin_object(&mut self) -> Result<(), DecodeError> {
        self.expect(b'{', "an object was expected")
    }

    /// The next key of an object, its colon read; `None` at its end. `first` starts as true.
    pub fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, DecodeError> {
        if !self.another(first, b'}')? {
            return Ok(None);
        }
        let key = self.string()?;
        self.expect(b':', "a colon was expected")?;
        Ok(Some(key))
    }

    /// True when another key of an object follows; false at its end. Read it with [`Self::guess`] or [`Self::key_here`].
    #[inline]
    pub(crate) fn member(&mut self, first: &mut bool) -> Result<bool, DecodeError> {
        if !self.another(first, b'}')? {
            return Ok(false);
        }
        self.byte();
        Ok(true)
    }

    /// Reads a key and its colon if the bytes that come next are `written`, which begins with a quotation mark.
    #[inline]
    pub(crate) fn guess(&mut self, written: &[u8]) -> bool {
        let hit = !written.is_empty() && self.data[self.at..].starts_with(written);
        self.at += if hit { written.len() } else { 0 };
        hit
    }

    /// The key that comes next, its colon read, and its bytes from the quotation mark to the colon.
    pub(crate) fn key_here(&mut self) -> Result<(Cow<'a, str>, &'a [u8]), DecodeError> {
        let start = self.at;
        let key = self.string()?;
        self.expect(b':', "a colon was expected")?;
        Ok((key, &self.data[start..self.at]))
    }

    /// Enters an array; then call [`Self::element`] until it gives false.
    pub fn begin_array(&mut self) -> Result<(), DecodeError> {
        self.expect(b'[', "an array was expected")
    }

    /// True when a further element follows; false at the end of the array. `first` starts as true.
    pub fn element(&mut self, first: &mut bool) -> Result<bool, DecodeError> {
        self.another(first, b']')
    }

    #[inline]
    fn another(&mut self, first: &mut bool, close: u8) -> Result<bool, DecodeError> {
        let byte = self.byte();
        if byte == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if std::mem::take(first) {
            return Ok(true);
        }
        self.expect(b',', "a comma or the end of an object or array was expected")?;
        Ok(true)
    }

    /// A string.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        self.expect(b'"', "a string was expected")?;
        let start = self.at;
        match self.stop() {
            Some(end) if self.data[end] == b'"' => {
                self.at = end + 1;
                Ok(self.text(start, end))
            }
            Some(_) => self.escaped_string(),
            None => self.error("a string does not end"),
        }
    }

    /// Where the next quotation mark or backslash is.
    #[inline]
    fn stop(&self) -> Option<usize> {
        let (words, _) = self.data[self.at..].as_chunks::<8>();
        let mut at = self.at;
        for word in &words[..words.len().min(SHORT_BYTES / 8)] {
            let word = u64::from_le_bytes(*word);
            let found = zeros(word ^ u64::from_le_bytes([b'"'; 8])) | zeros(word ^ u64::from_le_bytes([b'\\'; 8]));
            if found != 0 {
                return Some(at + found.trailing_zeros() as usize / 8);
            }
            at += 8;
        }
        memchr2(b'"', b'\\', &self.data[at..]).map(|further| at + further)
    }

    /// The text of a range that begins and ends next to an ASCII character.
    #[inline]
    fn text(&mut self, start: usize, end: usize) -> Cow<'a, str> {
        match self.checked.and_then(|checked| checked.get(start..end)) {
            Some(text) => Cow::Borrowed(text),
            None => self.unchecked_text(start, end),
        }
    }

    #[cold]
    fn unchecked_text(&mut self, start: usize, end: usize) -> Cow<'a, str> {
        let bytes = &self.data[start..end];
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                self.repaired += 1;
                Cow::Owned(String::from_utf8_lossy(bytes).into_owned())
            }
        }
    }

    /// A string from here on, of which a piece without escapes comes first.
    fn escaped_string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        // Room for most strings at once: paths and messages of a few lines.
        let mut out = String::with_capacity(ESCAPED_BYTES);
        loop {
            let start = self.at;
            let Some(end) = self.stop() else { return self.error("a string does not end") };
            if end > start {
                let piece = self.text(start, end);
                out.push_str(&piece);
            }
            self.at = end + 1;
            if self.data[end] == b'"' {
                return Ok(Cow::Owned(out));
            }
            let character = self.escape()?;
            out.push(character);
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, DecodeError> {
        let Some(&byte) = self.data.get(self.at) else { return self.error("a string does not end") };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape()?,
            _ => return self.error("an unknown escape in a string"),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, DecodeError> {
        let unit = self.hex4()?;
        if (0xd800..0xdc00).contains(&unit) && self.data[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(unit).unwrap_or_else(|| {
            self.repaired += 1;
            char::REPLACEMENT_CHARACTER
        }))
    }

    fn hex4(&mut self) -> Result<u32, DecodeError> {
        let digits = self.data.get(self.at..self.at + 4);
        let Some([high, low]) = digits.and_then(clewline_model::text::parse_hex::<2>) else {
            return self.error("four hexadecimal digits were expected");
        };
        self.at += 4;
        Ok(u32::from(high) << 8 | u32::from(low))
    }

    /// A number.
    pub fn number(&mut self) -> Result<Number<'a>, DecodeError> {
        self.byte();
        let start = self.at;
        let negative = self.data.get(start) == Some(&b'-');
        self.at += usize::from(negative);
        if matches!(self.data.get(self.at), Some(b'N' | b'I')) {
            return self.not_finite(negative);
        }
        let digits = self.digits();
        if digits == 0 {
            return self.error("a number was expected");
        }
        if digits > 1 && self.data[self.at - digits] == b'0' {
            return self.error("a number starts with zero");
        }
        let mut whole = true;
        if self.data.get(self.at) == Some(&b'.') {
            self.at += 1;
            whole = false;
            if self.digits() == 0 {
                return self.error("a digit was expected behind the point");
            }
        }
        if matches!(self.data.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            whole = false;
            self.at += usize::from(matches!(self.data.get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return self.error("a digit was expected in the exponent");
            }
        }
        let text = std::str::from_utf8(&self.data[start..self.at]).expect("digits and signs are ASCII");
        Ok(number_of(text, whole))
    }

    /// `NaN` or `Infinity`.
    fn not_finite(&mut self, negative: bool) -> Result<Number<'a>, DecodeError> {
        for (name, value) in [("NaN", f64::NAN), ("Infinity", f64::INFINITY)] {
            if self.data[self.at..].starts_with(name.as_bytes()) {
                self.at += name.len();
                return Ok(Number::Double(if negative { -value } else { value }));
            }
        }
        self.error("a number was expected")
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.data.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, DecodeError> {
        if self.byte() == Some(b't') {
            self.literal("true")?;
            return Ok(true);
        }
        self.literal("false")?;
        Ok(false)
    }

    /// `null`.
    pub fn null(&mut self) -> Result<(), DecodeError> {
        self.byte();
        self.literal("null")
    }

    fn literal(&mut self, word: &'static str) -> Result<(), DecodeError> {
        if !self.data[self.at..].starts_with(word.as_bytes()) {
            return self.error("a value was expected");
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over one value of any depth. Brackets and strings are checked, what is between them is not.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        match self.peek()? {
            Kind::Object | Kind::Array => self.skip_nested(),
            Kind::String => self.skip_string(),
            Kind::Number => self.number().map(|_| ()),
            Kind::Bool => self.boolean().map(|_| ()),
            Kind::Null => self.null(),
        }
    }

    fn skip_string(&mut self) -> Result<(), DecodeError> {
        self.at += 1;
        loop {
            match self.stop() {
                Some(end) if self.data[end] == b'"' => {
                    self.at = end + 1;
                    return Ok(());
                }
                Some(end) if end + 2 <= self.data.len() => self.at = end + 2,
                _ => return self.error("a string does not end"),
            }
        }
    }

    fn skip_nested(&mut self) -> Result<(), DecodeError> {
        let mut open = Bits::default();
        loop {
            let Some(&byte) = self.data.get(self.at) else { return self.error("the JSON ends early") };
            match byte {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => open.push(byte == b'{'),
                b'}' | b']' => {
                    if open.pop() != Some(byte == b'}') {
                        return self.error("a bracket does not match");
                    }
                    if open.len == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Appends the next value to `out` in the form of `clewline_model::json`. `depth` counts the containers around it.
    pub fn copy(&mut self, out: &mut String, depth: usize) -> Result<(), DecodeError> {
        match self.peek()? {
            Kind::Object | Kind::Array if depth >= NESTING_DEPTH_MAX => Err(DecodeError::TooDeep { offset: self.at }),
            Kind::Object => {
                self.begin_object()?;
                out.push('{');
                let mut first = true;
                let mut comma = "";
                while let Some(key) = self.key(&mut first)? {
                    out.push_str(comma);
                    comma = ",";
                    json::push_string(out, &key);
                    out.push(':');
                    self.copy(out, depth + 1)?;
                }
                out.push('}');
                Ok(())
            }
            Kind::Array => {
                self.begin_array()?;
                out.push('[');
                let mut first = true;
                let mut comma = "";
                while self.element(&mut first)? {
                    out.push_str(comma);
                    comma = ",";
                    self.copy(out, depth + 1)?;
                }
                out.push(']');
                Ok(())
            }
            Kind::String => {
                let text = self.string()?;
                json::push_string(out, &text);
                Ok(())
            }
            Kind::Number => {
                match self.number()? {
                    Number::Int(int) => json::push_int(out, int),
                    Number::Unsigned(int) => out.push_str(&int.to_string()),
                    Number::Double(double) => json::push_double(out, double),
                    Number::Other(text) => json::push_string(out, text),
                }
                Ok(())
            }
            Kind::Bool => {
                out.push_str(if self.boolean()? { "true" } else { "false" });
                Ok(())
            }
            Kind::Null => {
                self.null()?;
                out.push_str("null");
                Ok(())
            }
        }
    }
}

/// The bytes of a word that are zero have their highest bit set in the result; above the first one others may have, too.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// Digits of which no number exceeds 64 bits.
const WORD_DIGITS: usize = 18;

/// The value of digits without a sign.
#[inline]
fn small_int(digits: &[u8]) -> Option<i64> {
    let unsigned = digits.first().is_some_and(u8::is_ascii_digit);
    unsigned.then(|| digits.iter().fold(0i64, |value, digit| value * 10 + i64::from(digit & 15)))
}

/// The value of a number's text, which follows the grammar.
fn number_of(text: &str, whole: bool) -> Number<'_> {
    if whole {
        if text.len() <= WORD_DIGITS
            && let Some(int) = small_int(text.as_bytes())
        {
            return Number::Int(int);
        }
        if let Ok(int) = text.parse::<i64>() {
            // Negative zero is a float.
            return if int == 0 && text.starts_with('-') { Number::Double(-0.0) } else { Number::Int(int) };
        }
        return text.parse::<u64>().map_or(Number::Other(text), Number::Unsigned);
    }
    match text.parse::<f64>() {
        Ok(double) if double.is_finite() => Number::Double(double),
        _ => Number::Other(text),
    }
}

/// A stack of bits.
#[derive(Debug, Default)]
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        let word = self.len / 64;
        if word == self.words.len() {
            self.words.push(0);
        }
        let mask = 1u64 << (self.len % 64);
        if bit {
            self.words[word] |= mask;
        } else {
            self.words[word] &= !mask;
        }
        self.len += 1;
    }

    fn pop(&mut self) -> Option<bool> {
        self.len = self.len.checked_sub(1)?;
        Some(self.words[self.len / 64] >> (self.len % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests;

//! The constant part of a log line: a stateless mask of its variables, and the 64-bit id of what remains.
//!
//! [`scan`] cuts a line into constant and variable pieces, each variable with its [`Kind`]; put together again they are the
//! line. [`mask`] shows constants as they are and variables as their kind (`user <num> logged in from <ip>`); [`id`] is
//! the xxh3-64 of the mask: equal on every node and after every restart. The rules are in docs/formats/templates.md and
//! frozen by their version, [`VERSION`]. Linear in the length of a line; what lies behind [`TEMPLATE_SCAN_BYTES`] is one
//! variable.
//!
//! Variables are found where one of a few bytes stands (digits, quotes, `=`, slashes, `@`, `<`, escape); `blocks` marks
//! those with wide compares, `shapes` recognises what is there.

mod blocks;
mod shapes;

use std::cell::RefCell;

use xxhash_rust::xxh3::xxh3_64;

use crate::limits::{QUOTED_BYTES_MAX, TEMPLATE_SCAN_BYTES};
use crate::text::truncate;
use blocks::{Marks, is_delimiter};
use shapes::class;

/// Version of the masking rules; stored with every segment.
pub const VERSION: u32 = 2;

/// What a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A decimal number, with sign, fraction or exponent.
    Number = 0,
    /// Hexadecimal: `0x…`, or six digits or more of which one is a letter.
    Hex = 1,
    /// A UUID.
    Uuid = 2,
    /// An IPv4 or IPv6 address, with its port or prefix length.
    Ip = 3,
    /// A MAC address.
    Mac = 4,
    /// A time stamp, a date or a time of day.
    Time = 5,
    /// A number with a unit of time: `12ms`, `1h2m3.5s`.
    Duration = 6,
    /// A number with a unit of size: `12KB`.
    Size = 7,
    /// A path.
    Path = 8,
    /// A URL.
    Url = 9,
    /// A mail address.
    Mail = 10,
    /// Quoted text with its quotes, or the word behind `key=`.
    Text = 11,
    /// Another word with a digit: `blk_-16089`, `worker-7`.
    Name = 12,
    /// What lies behind the part of a line that is read.
    Rest = 13,
}

impl Kind {
    /// Every kind, in order of its number.
    pub const ALL: [Kind; 14] = [
        Kind::Number,
        Kind::Hex,
        Kind::Uuid,
        Kind::Ip,
        Kind::Mac,
        Kind::Time,
        Kind::Duration,
        Kind::Size,
        Kind::Path,
        Kind::Url,
        Kind::Mail,
        Kind::Text,
        Kind::Name,
        Kind::Rest,
    ];

    /// How a variable of this kind looks in a mask.
    pub const fn placeholder(self) -> &'static str {
        match self {
            Kind::Number => "<num>",
            Kind::Hex => "<hex>",
            Kind::Uuid => "<uuid>",
            Kind::Ip => "<ip>",
            Kind::Mac => "<mac>",
            Kind::Time => "<time>",
            Kind::Duration => "<dur>",
            Kind::Size => "<size>",
            Kind::Path => "<path>",
            Kind::Url => "<url>",
            Kind::Mail => "<mail>",
            Kind::Text => "<str>",
            Kind::Name => "<id>",
            Kind::Rest => "<*>",
        }
    }
}

impl Kind {
    /// True for the kinds a value behind `key=` keeps. The others become text: a host is an address in one line and a name in
    /// the next, a set of flags is hexadecimal or not.
    fn is_kept_behind_a_key(self) -> bool {
        matches!(self, Kind::Number | Kind::Duration | Kind::Size | Kind::Uuid | Kind::Time | Kind::Text)
    }
}

/// Receives the pieces of a line in order; together they are the line. No piece is empty, and no constant piece follows
/// another.
pub trait Sink {
    /// Text that belongs to the template; `at` is its offset in the line.
    fn constant(&mut self, text: &str, at: usize);
    /// Text that varies; `at` is its offset in the line.
    fn variable(&mut self, kind: Kind, text: &str, at: usize);
}

/// The template id of a log line; 0 for an empty line.
pub fn id(line: &str) -> u64 {
    thread_local! {
        static MASKED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    if line.is_empty() {
        return 0;
    }
    MASKED.with_borrow_mut(|masked| {
        masked.clear();
        scan(line, &mut Masked(masked));
        id_of_mask(masked)
    })
}

/// The id of what [`mask`] gives.
pub fn id_of_mask(masked: &[u8]) -> u64 {
    if masked.is_empty() { 0 } else { xxh3_64(masked).max(1) }
}

/// The template text of a log line: constants as they are, variables as [`Kind::placeholder`].
pub fn mask(line: &str) -> String {
    struct Text(String);
    impl Sink for Text {
        fn constant(&mut self, text: &str, _: usize) {
            self.0.push_str(text);
        }
        fn variable(&mut self, kind: Kind, _: &str, _: usize) {
            self.0.push_str(kind.placeholder());
        }
    }
    let mut text = Text(String::with_capacity(line.len()));
    scan(line, &mut text);
    text.0
}

/// The bytes of the mask.
struct Masked<'a>(&'a mut Vec<u8>);

impl Sink for Masked<'_> {
    #[inline]
    fn constant(&mut self, text: &str, _: usize) {
        self.0.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn variable(&mut self, kind: Kind, _: &str, _: usize) {
        self.0.extend_from_slice(kind.placeholder().as_bytes());
    }
}

/// Cuts a line into its pieces.
pub fn scan(line: &str, sink: &mut impl Sink) {
    let read = truncate(line, TEMPLATE_SCAN_BYTES);
    match read.len() {
        0 => {}
        1..=128 => Scanner::<_, 2>::new(read, sink).run(),
        129..=512 => Scanner::<_, 8>::new(read, sink).run(),
        _ => Scanner::<_, { TEMPLATE_SCAN_BYTES / 64 }>::new(read, sink).run(),
    }
    if read.len() < line.len() {
        sink.variable(Kind::Rest, &line[read.len()..], read.len());
    }
}

/// A variable not yet handed over: what follows may belong to it.
#[derive(Clone, Copy)]
struct Held {
    kind: Kind,
    start: usize,
    end: usize,
}

struct Scanner<'a, S, const N: usize> {
    line: &'a str,
    bytes: &'a [u8],
    marks: Marks<N>,
    sink: &'a mut S,
    held: Option<Held>,
    /// End of the last variable: what follows is constant so far.
    pending: usize,
    /// Start of the value being read, where a key and `=` stand before it.
    value: usize,
}

impl<'a, S: Sink, const N: usize> Scanner<'a, S, N> {
    fn new(line: &'a str, sink: &'a mut S) -> Self {
        let bytes = line.as_bytes();
        Scanner { line, bytes, marks: Marks::of(bytes), sink, held: None, pending: 0, value: usize::MAX }
    }

    fn run(mut self) {
        let mut at = 0;
        while let Some(trigger) = self.marks.trigger(at) {
            at = match self.bytes[trigger] {
                b'"' => self.quoted(trigger),
                b'\'' => self.apostrophe(trigger),
                b'=' => self.equals(trigger),
                b'<' => self.placeholder(trigger),
                0x1b => self.colour(trigger),
                _ => {
                    let start = self.marks.start(trigger, at);
                    self.token(start, self.marks.end(trigger).min(self.bytes.len()))
                }
            };
        }
        self.hand_over();
        self.constant(self.bytes.len());
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b' ')
    }

    fn byte_before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(b' ', |before| self.bytes[before])
    }

    /// Notes a variable; returns its end. One that follows another of its kind with nothing but light punctuation between
    /// is one with it: lists of different length have one template.
    #[inline]
    fn variable(&mut self, kind: Kind, start: usize, end: usize) -> usize {
        let kind = if self.value == start && !kind.is_kept_behind_a_key() { Kind::Text } else { kind };
        let light = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b':' | b';');
        match &mut self.held {
            Some(held) if held.kind == kind && self.bytes[held.end..start].iter().all(light) => held.end = end,
            _ => {
                self.hand_over();
                self.constant(start);
                self.held = Some(Held { kind, start, end });
            }
        }
        self.pending = end;
        end
    }

    #[inline]
    fn hand_over(&mut self) {
        if let Some(held) = self.held.take() {
            self.sink.variable(held.kind, &self.line[held.start..held.end], held.start);
        }
    }

    #[inline]
    fn constant(&mut self, end: usize) {
        if self.pending < end {
            self.sink.constant(&self.line[self.pending..end], self.pending);
        }
    }

    /// A quotation mark: a text, or a key of JSON, which is constant.
    fn quoted(&mut self, open: usize) -> usize {
        if self.byte_before(open).is_ascii_alphanumeric() {
            return open + 1;
        }
        let Some(close) = self.closing(open, b'"') else { return open + 1 };
        if self.byte(close + 1) == b':' {
            let before = self.bytes[..open].iter().rev().take(2).find(|&&byte| byte != b' ');
            if matches!(before, Some(b'{' | b',')) {
                return close + 1;
            }
        }
        self.variable(Kind::Text, open, close + 1)
    }

    /// An apostrophe: a text only if no word touches its outer sides.
    fn apostrophe(&mut self, open: usize) -> usize {
        match self.closing(open, b'\'') {
            Some(close)
                if !self.byte_before(open).is_ascii_alphanumeric() && !self.byte(close + 1).is_ascii_alphanumeric() =>
            {
                self.variable(Kind::Text, open, close + 1)
            }
            _ => open + 1,
        }
    }

    /// The quotation mark that ends the text begun at `open`; one behind an odd number of backslashes does not.
    fn closing(&self, open: usize, quote: u8) -> Option<usize> {
        let mut at = open + 1;
        loop {
            at = self.marks.trigger(at).filter(|at| at - open <= QUOTED_BYTES_MAX)?;
            if self.bytes[at] == quote {
                let slashes = self.bytes[open + 1..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
                if slashes % 2 == 0 {
                    return Some(at);
                }
            }
            at += 1;
        }
    }

    /// `key=value`: the value is variable, whatever it is.
    fn equals(&mut self, at: usize) -> usize {
        let key = self.byte_before(at);
        let start = at + 1;
        if !(key.is_ascii_alphanumeric() || key == b'_') || is_delimiter(self.byte(start)) {
            return start;
        }
        self.value = start;
        self.token(start, self.marks.end(start).min(self.bytes.len()))
    }

    /// A placeholder in the text of the line stands for itself, so that equal masks mean equal pieces.
    fn placeholder(&mut self, at: usize) -> usize {
        let kind = Kind::ALL.into_iter().find(|kind| self.bytes[at..].starts_with(kind.placeholder().as_bytes()));
        match kind {
            Some(kind) => self.variable(kind, at, at + kind.placeholder().len()),
            None => at + 1,
        }
    }

    /// A colour sequence of terminals is constant.
    fn colour(&self, at: usize) -> usize {
        if self.byte(at + 1) != b'[' {
            return at + 1;
        }
        let numbers = self.bytes[at + 2..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        (at + 2 + numbers + 1).min(self.bytes.len())
    }

    /// A token with a trigger in it, or behind `key=`; returns where to go on.
    fn token(&mut self, start: usize, end: usize) -> usize {
        let classes = shapes::classes(&self.bytes[start..end]);
        if classes & class::DIGIT != 0 {
            return self.with_digit(start, end, classes);
        }
        if classes & class::SLASH != 0
            && let Some(end) = self.path_or_url(start, end, classes)
        {
            return end;
        }
        if classes & class::AT != 0 && shapes::is_mail(&self.bytes[start..end]) {
            return self.variable(Kind::Mail, start, end);
        }
        // Behind `key=` a name with a bracket is the name of a type.
        if self.value == start && !matches!(self.byte(end), b'(' | b'[' | b'{') {
            return self.variable(Kind::Text, start, end);
        }
        end
    }

    fn with_digit(&mut self, start: usize, end: usize, classes: u8) -> usize {
        let bytes = self.bytes;
        let colon = self.byte(end) == b':';
        if (classes != class::DIGIT || colon)
            && bytes[start].is_ascii_digit()
            && let Some(end) = shapes::time(bytes, start)
        {
            return self.variable(Kind::Time, start, end);
        }
        if colon && bytes[end..].starts_with(b"://") {
            let stop = shapes::url_end(bytes, end);
            return self.variable(Kind::Url, start, stop);
        }
        if classes & !(class::DIGIT | class::HEX_LETTER) == 0
            && (colon || self.byte_before(start) == b':')
            && let Some((kind, start, end)) = shapes::colons(bytes, start, self.pending)
        {
            return self.variable(kind, start, end);
        }
        if classes == class::DIGIT {
            if end - start <= 2
                && let Some((start, end)) = shapes::named_date(bytes, start, end, self.pending)
            {
                return self.variable(Kind::Time, start, end);
            }
            // Eight digits with a zero in front are no count but a hexadecimal number that happens to have no letter.
            if end - start >= 8 && bytes[start] == b'0' {
                return self.variable(Kind::Hex, start, end);
            }
            return self.number_or_duration(start, end);
        }
        if classes & class::SLASH != 0 {
            let inner = start + 1;
            if bytes[start] == b'/' && self.byte(inner).is_ascii_digit() {
                if let Some(end) = shapes::ipv4(bytes, inner) {
                    return self.variable(Kind::Ip, inner, end);
                }
                if colon && let Some((kind, _, end)) = shapes::colons(bytes, inner, inner) {
                    return self.variable(kind, inner, end);
                }
            }
            if let Some(end) = shapes::ipv4(bytes, start).filter(|&stop| stop >= end) {
                return self.variable(Kind::Ip, start, end);
            }
            if let Some(end) = self.path_or_url(start, end, classes) {
                return end;
            }
        }
        if classes & class::DOT != 0
            && let Some(end) = shapes::ipv4(bytes, start)
        {
            return self.variable(Kind::Ip, start, end);
        }
        self.name(start, end, classes)
    }

    /// A run of digits; µs is a unit although it is not ASCII.
    fn number_or_duration(&mut self, start: usize, end: usize) -> usize {
        if let Some(end) = shapes::size_behind(self.bytes, end) {
            return self.variable(Kind::Size, start, end);
        }
        let micro = matches!(self.bytes.get(end..end + 3), Some([0xc2, 0xb5, b's'] | [0xce, 0xbc, b's']));
        if micro && is_delimiter(self.byte(end + 3)) {
            return self.variable(Kind::Duration, start, end + 3);
        }
        self.variable(Kind::Number, start, end)
    }

    /// A token with a digit that is none of the larger shapes. Symbols around it stay constant.
    fn name(&mut self, start: usize, end: usize, classes: u8) -> usize {
        let symbol = |byte: &&u8| {
            matches!(**byte, b'#' | b'$' | b'*' | b'@' | b'~' | b'!' | b'&' | b'%' | b'^' | b'?' | b'.' | b'/' | b'\\')
        };
        let token = &self.bytes[start..end];
        let start = start + token.iter().take_while(symbol).count();
        let stop = end - token.iter().rev().take_while(symbol).count();
        let token = &self.bytes[start..stop];
        let hex = classes & !(class::DIGIT | class::HEX_LETTER | class::DOT | class::OTHER) == 0
            && token.len() >= 6
            && token.iter().all(u8::is_ascii_hexdigit)
            && token.iter().any(u8::is_ascii_alphabetic);
        let kind = if hex || shapes::is_prefixed_hex(token) {
            Kind::Hex
        } else if shapes::is_uuid(token) {
            Kind::Uuid
        } else if classes & class::AT != 0 && shapes::is_mail(token) {
            Kind::Mail
        } else if let Some(kind) = shapes::number(token) {
            if kind == Kind::Number && stop == end {
                return self.number_or_duration(start, stop);
            }
            kind
        } else {
            Kind::Name
        };
        self.variable(kind, start, stop);
        end
    }

    /// A token with a slash: a path of two segments or more or from the root on, or the authority of a URL.
    fn path_or_url(&mut self, start: usize, end: usize, classes: u8) -> Option<usize> {
        let bytes = self.bytes;
        let token = &bytes[start..end];
        if token.starts_with(b"//") && start > self.pending && bytes[start - 1] == b':' {
            let scheme = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'-' | b'.');
            let length = bytes[self.pending..start - 1].iter().rev().take_while(scheme).count();
            if length > 0 {
                let stop = shapes::url_end(bytes, start - 1);
                return Some(self.variable(Kind::Url, start - 1 - length, stop));
            }
        }
        let (slashes, backslashes) = token.iter().fold((0usize, 0usize), |(slashes, backslashes), &byte| {
            (slashes + usize::from(byte == b'/'), backslashes + usize::from(byte == b'\\'))
        });
        let rooted = || matches!(token, [b'/', ..] | [b'.' | b'~', b'/', ..] | [b'.', b'.', b'/', ..]);
        let named = classes & (class::LETTER | class::HEX_LETTER) != 0;
        if !named || !(slashes >= 2 || (slashes == 0 && backslashes >= 2) || rooted()) {
            return None;
        }
        let mut from = start;
        if slashes == 0 && start >= self.pending + 2 && self.byte_before(start) == b':' {
            let drive = bytes[start - 2].is_ascii_alphabetic() && is_delimiter(self.byte_before(start - 2));
            from -= if drive { 2 } else { 0 };
        }
        let query = if classes & class::OTHER == 0 { None } else { token.iter().position(|&byte| byte == b'?') };
        let stop = match query {
            Some(query) => shapes::query_end(bytes, start + query),
            None => shapes::without_punctuation(bytes, start, end),
        };
        Some(self.variable(Kind::Path, from, stop))
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

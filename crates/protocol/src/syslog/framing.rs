//! Syslog over TCP: where a message ends (RFC 6587).
//!
//! Octet counting (`LEN SP MSG`, section 3.4.1) and non-transparent framing (LF, or NUL as some senders do, section
//! 3.4.2) are told apart message by message: a count is digits, a space and `<`; everything else is a line. A count
//! above the bound is not believed: what follows is read as a line. Every byte is looked at once.

use memchr::memchr2;

use crate::limits::OCTET_COUNT_DIGITS_MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a message; `held` is what could be an octet count.
    Start,
    /// Inside a counted message with this many bytes to come.
    Counted(usize),
    /// Inside a line.
    Line,
}

/// Cuts a TCP syslog stream into messages.
#[derive(Debug)]
pub struct Framer {
    held: Vec<u8>,
    state: State,
    frame_bytes_max: usize,
    oversized: u64,
    /// The line in progress was already cut.
    cutting: bool,
}

/// What the first bytes of a message say.
enum Opening {
    /// More bytes are needed.
    Undecided,
    /// A count of so many bytes; the message starts behind so many bytes.
    Counted(usize, usize),
    Line,
}

impl Framer {
    /// Messages of at most `frame_bytes_max`; longer ones are given in pieces of that size and counted.
    pub fn new(frame_bytes_max: usize) -> Framer {
        Framer {
            held: Vec::new(),
            state: State::Start,
            frame_bytes_max: frame_bytes_max.max(OCTET_COUNT_DIGITS_MAX + 2),
            oversized: 0,
            cutting: false,
        }
    }

    /// Takes bytes as they come; `message` gets every message that is complete. Empty ones are not given.
    pub fn push(&mut self, bytes: &[u8], mut message: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Start => self.start(rest),
                State::Counted(missing) => self.counted(rest, missing, &mut message),
                State::Line => self.line(rest, &mut message),
            };
        }
    }

    /// The stream has ended: `message` gets what is left.
    pub fn finish(&mut self, mut message: impl FnMut(&[u8])) {
        give(&self.held, &mut message);
        self.held = Vec::new();
        self.state = State::Start;
        self.cutting = false;
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Messages that were longer than the bound so far.
    pub fn oversized(&self) -> u64 {
        self.oversized
    }

    fn start<'b>(&mut self, rest: &'b [u8]) -> &'b [u8] {
        // Line ends between messages: some senders add one behind a counted message.
        if self.held.is_empty() && matches!(rest[0], b'\n' | b'\r' | 0) {
            return &rest[1..];
        }
        let needed = (OCTET_COUNT_DIGITS_MAX + 2).saturating_sub(self.held.len()).min(rest.len());
        let before = self.held.len();
        self.held.extend_from_slice(&rest[..needed]);
        match self.opening() {
            Opening::Undecided => &rest[needed..],
            Opening::Counted(length, behind) => {
                self.held.clear();
                self.state = State::Counted(length);
                &rest[behind - before..]
            }
            Opening::Line => {
                // What was held is the start of the line; what was only looked at is read again.
                self.held.truncate(before);
                self.state = State::Line;
                rest
            }
        }
    }

    fn opening(&self) -> Opening {
        let digits = self.held.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > OCTET_COUNT_DIGITS_MAX || self.held.first() == Some(&b'0') || digits == 0 {
            return Opening::Line;
        }
        match &self.held[digits..] {
            [] | [b' '] => Opening::Undecided,
            [b' ', b'<', ..] => {
                let length = self.held[..digits].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                if length > self.frame_bytes_max { Opening::Line } else { Opening::Counted(length, digits + 1) }
            }
            _ => Opening::Line,
        }
    }

    fn counted<'b>(&mut self, rest: &'b [u8], missing: usize, message: &mut impl FnMut(&[u8])) -> &'b [u8] {
        let (head, after) = rest.split_at(missing.min(rest.len()));
        if head.len() < missing {
            self.held.extend_from_slice(head);
            self.state = State::Counted(missing - head.len());
        } else {
            self.emit(head, message);
        }
        after
    }

    fn line<'b>(&mut self, rest: &'b [u8], message: &mut impl FnMut(&[u8])) -> &'b [u8] {
        let room = self.frame_bytes_max - self.held.len();
        match memchr2(b'\n', 0, &rest[..rest.len().min(room + 1)]) {
            Some(end) => {
                self.emit(&rest[..end], message);
                &rest[end + 1..]
            }
            None if rest.len() > room => {
                if !self.cutting {
                    self.oversized += 1;
                }
                self.emit(&rest[..room], message);
                // The rest of a cut line is a line whatever it starts with.
                self.state = State::Line;
                self.cutting = true;
                &rest[room..]
            }
            None => {
                self.held.extend_from_slice(rest);
                &[]
            }
        }
    }

    /// Gives what is held and `tail` as one message.
    fn emit(&mut self, tail: &[u8], message: &mut impl FnMut(&[u8])) {
        if self.held.is_empty() {
            give(tail, message);
        } else {
            self.held.extend_from_slice(tail);
            give(&self.held, message);
            self.held.clear();
        }
        self.state = State::Start;
        self.cutting = false;
    }
}

/// Gives a message without the line ends behind it, unless it is empty.
fn give(bytes: &[u8], message: &mut impl FnMut(&[u8])) {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    if end > 0 {
        message(&bytes[..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(input: &[u8], piece: usize) -> (Vec<String>, u64) {
        let mut framer = Framer::new(24);
        let mut messages = Vec::new();
        for bytes in input.chunks(piece) {
            framer.push(bytes, |message| messages.push(String::from_utf8_lossy(message).into_owned()));
            assert!(framer.held_bytes() <= 24);
        }
        framer.finish(|message| messages.push(String::from_utf8_lossy(message).into_owned()));
        (messages, framer.oversized())
    }

    fn check(input: &[u8], expect: &[&str], oversized: u64) {
        for piece in 1..=input.len() {
            let (messages, cut) = framed(input, piece);
            assert_eq!(
                (messages.iter().map(String::as_str).collect::<Vec<_>>(), cut),
                (expect.to_vec(), oversized),
                "{piece}"
            );
        }
    }

    #[test]
    fn framings_are_told_apart_message_by_message() {
        check(b"<13>a\n<14>b\r\n<15>c\0<16>d", &["<13>a", "<14>b", "<15>c", "<16>d"], 0);
        check(b"5 <13>a5 <14>b", &["<13>a", "<14>b"], 0);
        check(b"7 <13>a\nb5 <14>b\n<15>c\n6 <16>de", &["<13>a\nb", "<14>b", "<15>c", "<16>de"], 0);
        check(b"\n\n\0\r\n5 <13>a\n\n", &["<13>a"], 0);
        check(b"6 <13>a\n<14>b\n", &["<13>a", "<14>b"], 0);
    }

    #[test]
    fn what_only_looks_like_a_count_is_a_line() {
        check(b"2024 was a year\n", &["2024 was a year"], 0);
        check(b"12\n34 \n5 x\n", &["12", "34 ", "5 x"], 0);
        check(b"05 <13>a\n", &["05 <13>a"], 0);
        check(b"123456789 <13>a\n", &["123456789 <13>a"], 0);
        check(b"99999 <13>a\n<14>b\n", &["99999 <13>a", "<14>b"], 0);
    }

    #[test]
    fn long_lines_come_in_pieces_and_a_lying_count_ends_with_the_stream() {
        check(b"<13>aaaaaaaaaaaaaaaaaaaabbbb5 <14>\n<15>c\n", &["<13>aaaaaaaaaaaaaaaaaaaa", "bbbb5 <14>", "<15>c"], 1);
        check(b"20 <13>a\n<14>b", &["<13>a\n<14>b"], 0);
    }
}

//! Raw lines over TCP and UDP: whatever a program writes, one record a line.
//!
//! A line may be a JSON object (read like JSON lines), text, or either behind `node<TAB>`. Nothing is refused: what is
//! not what it looks like is text. [`LineFramer`] finds the lines in a stream that arrives in pieces, [`Collector`]
//! gathers the lines of many senders into one batch.

use clewline_model::signal::Signal;
use clewline_model::text::truncate;
use memchr::memchr;

use crate::jsonl::{Mapping, Rows};
use crate::limits::{NODE_BYTES_MAX, REPEATED_BYTES_MAX};
use crate::record::{Fault, Origin, Sink};
use crate::time::Cursor;
use crate::{Context, Decoded, text};

/// Cuts a byte stream into lines. Every byte is looked at once, however small the pieces.
#[derive(Debug)]
pub struct LineFramer {
    held: Vec<u8>,
    frame_bytes_max: usize,
    oversized: u64,
    /// The line in progress was already cut.
    cutting: bool,
}

impl LineFramer {
    /// Lines of at most `frame_bytes_max`; longer ones are given in pieces of that size and counted.
    pub fn new(frame_bytes_max: usize) -> LineFramer {
        LineFramer { held: Vec::new(), frame_bytes_max: frame_bytes_max.max(1), oversized: 0, cutting: false }
    }

    /// Takes bytes as they come; `line` gets every line that is complete, without its LF or CR LF.
    pub fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let (head, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            let head = self.cut(head, &mut line);
            if self.held.is_empty() {
                give(head, &mut line);
            } else {
                self.held.extend_from_slice(head);
                give(&self.held, &mut line);
                self.held.clear();
            }
            self.cutting = false;
        }
        let rest = self.cut(rest, &mut line);
        self.held.extend_from_slice(rest);
    }

    /// Gives away pieces until what is held and `rest` are together within the bound; returns what is left of `rest`.
    fn cut<'b>(&mut self, mut rest: &'b [u8], line: &mut impl FnMut(&[u8])) -> &'b [u8] {
        while self.held.len() + rest.len() > self.frame_bytes_max {
            let (piece, after) = rest.split_at(self.frame_bytes_max - self.held.len());
            rest = after;
            if !std::mem::replace(&mut self.cutting, true) {
                self.oversized += 1;
            }
            if self.held.is_empty() {
                line(piece);
            } else {
                self.held.extend_from_slice(piece);
                line(&self.held);
                self.held.clear();
            }
        }
        rest
    }

    /// The stream has ended: `line` gets what is left.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        give(&self.held, &mut line);
        self.held = Vec::new();
        self.cutting = false;
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Lines that were longer than the bound so far.
    pub fn oversized(&self) -> u64 {
        self.oversized
    }
}

/// Gives a line without its CR, unless it is empty.
fn give(bytes: &[u8], line: &mut impl FnMut(&[u8])) {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if !bytes.is_empty() {
        line(bytes);
    }
}

/// Gathers lines of many senders into one batch.
#[derive(Debug)]
pub struct Collector<'m> {
    sink: Sink<'static>,
    rows: Rows<'m>,
    origin: Origin,
}

impl<'m> Collector<'m> {
    /// An empty collector. The mapping serves lines that are JSON; its default service serves every line.
    pub fn new(mapping: &'m Mapping) -> Collector<'m> {
        let service = truncate(mapping.default_service(), REPEATED_BYTES_MAX).to_owned();
        Collector {
            sink: Sink::of_many(Signal::Logs),
            rows: Rows::new(mapping),
            origin: Origin { service, ..Origin::default() },
        }
    }

    /// Adds one line. Never fails; only a collector that has grown beyond `limits::BATCH_BYTES_MAX`, which its owner
    /// should have emptied long before, refuses and counts.
    pub fn push(&mut self, line: &[u8], context: &Context<'_>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.sink.set_now(context.now_ns);
        let (node, message) = split_node(line).unwrap_or((context.node, line));
        if message.first() == Some(&b'{') {
            let before = self.sink.report.clone();
            if self.rows.push_line(&mut self.sink, message, node).is_ok() {
                return;
            }
            self.sink.report = before;
            self.sink.batch.abort_record();
        }
        if let Err(fault) = text::push_line(&mut self.sink, &self.origin, message, node) {
            let message = match fault {
                Fault::Record(message) => message,
                Fault::Request(error) => error.to_string().into(),
            };
            self.sink.reject(|| "line".to_owned(), message);
        }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.sink.batch.rows()
    }

    /// Bytes so far, roughly.
    pub fn size_bytes(&self) -> usize {
        self.sink.batch.size_bytes()
    }

    /// The batch and the report.
    pub fn finish(self) -> Decoded {
        self.sink.finish()
    }
}

/// One UDP datagram of one or more lines.
pub fn decode_datagram(datagram: &[u8], mapping: &Mapping, context: &Context<'_>) -> Decoded {
    let mut collector = Collector::new(mapping);
    text::lines(datagram).for_each(|line| collector.push(line, context));
    collector.finish()
}

/// `node<TAB>message`. The first column of a log format that separates its columns by tabs is no node: a time, a level
/// word and anything a host name or address cannot be are refused.
fn split_node(line: &[u8]) -> Option<(&str, &[u8])> {
    let head = &line[..line.len().min(NODE_BYTES_MAX + 1)];
    let tab = memchr(b'\t', head)?;
    let name = std::str::from_utf8(&line[..tab]).ok()?;
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'@' | b'/' | b'%');
    let good = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b':')
        && name.bytes().all(allowed)
        && Cursor(name.as_bytes()).date_time().is_none()
        && !Cursor(name.as_bytes()).digits(4).is_some_and(|_| matches!(name.as_bytes().get(4), Some(b'-' | b'/')))
        && crate::time::epoch(name).is_none()
        && clewline_model::signal::level_of_text(name).is_none();
    good.then(|| (name, &line[tab + 1..]))
}

#[cfg(test)]
mod tests {
    use clewline_model::signal::log;

    use super::*;

    const CONTEXT: Context<'_> = Context { now_ns: 7, node: "10.0.0.9" };

    fn framed(input: &[u8], piece: usize, max: usize) -> (Vec<Vec<u8>>, u64) {
        let mut framer = LineFramer::new(max);
        let mut lines = Vec::new();
        for bytes in input.chunks(piece) {
            framer.push(bytes, |line| lines.push(line.to_vec()));
            assert!(framer.held_bytes() <= max);
        }
        framer.finish(|line| lines.push(line.to_vec()));
        (lines, framer.oversized())
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces_they_come_in() {
        let input = b"one\ntwo\r\n\n\r\nthis line is too long\nabcdefgh\nlast";
        let whole = framed(input, input.len(), 8);
        let expect: [&[u8]; 7] = [b"one", b"two", b"this lin", b"e is too", b" long", b"abcdefgh", b"last"];
        assert_eq!(whole, (expect.map(<[u8]>::to_vec).to_vec(), 1));
        for piece in 1..input.len() {
            assert_eq!(framed(input, piece, 8), whole, "{piece}");
        }
    }

    #[test]
    fn every_line_becomes_a_record() {
        let mapping = Mapping::for_service("edge");
        let datagram = [
            &b"plain text"[..],
            b"web-1\tERROR disk full",
            b"web-2\t{\"message\":\"hi\",\"level\":\"warn\",\"service\":\"shop\"}",
            b"{\"message\":\"own node\",\"host\":\"db-1\"}",
            b"{broken json",
            b"{\"a\":1} and more",
            b"2024-01-01T00:00:00Z\tINFO\tzap line",
            b"INFO\tlevel first",
            b"two words\tno node",
            b"web-3\tbad \xff",
        ]
        .join(&b'\n');
        let decoded = decode_datagram(&datagram, &mapping, &CONTEXT);
        let columns = &decoded.batch.columns;
        let text = |column: usize, row: usize| columns[column].text(row);
        let rows: Vec<_> = (0..decoded.batch.rows())
            .map(|row| (text(log::NODE, row), text(log::SERVICE, row), text(log::LEVEL, row), text(log::BODY, row)))
            .collect();
        assert_eq!(
            rows,
            vec![
                ("10.0.0.9", "edge", "", "plain text"),
                ("web-1", "edge", "error", "ERROR disk full"),
                ("web-2", "shop", "warn", "hi"),
                ("db-1", "edge", "", "own node"),
                ("10.0.0.9", "edge", "", "{broken json"),
                ("10.0.0.9", "edge", "", "{\"a\":1} and more"),
                ("10.0.0.9", "edge", "info", "2024-01-01T00:00:00Z\tINFO\tzap line"),
                ("10.0.0.9", "edge", "info", "INFO\tlevel first"),
                ("10.0.0.9", "edge", "", "two words\tno node"),
                ("web-3", "edge", "", "bad \u{fffd}"),
            ]
        );
        assert_eq!(decoded.rejections.rejected, 0);
        assert_eq!(decoded.batch.attributes.row(5).count(), 0, "a failed attempt leaves nothing");
    }
}

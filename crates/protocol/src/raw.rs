//! stub
use crate::jsonl::Mapping;
use crate::{Context, Decoded};
/// Cuts a byte stream into lines.
#[derive(Debug)]
pub struct LineFramer {}
impl LineFramer {
    /// Lines of at most `frame_bytes_max`; longer ones are given in pieces and counted.
    pub fn new(_frame_bytes_max: usize) -> LineFramer {
        LineFramer {}
    }
    /// Takes bytes as they come; `line` gets every line that is complete, without its end.
    pub fn push(&mut self, _bytes: &[u8], _line: impl FnMut(&[u8])) {}
    /// The stream has ended: `line` gets what is left.
    pub fn finish(&mut self, _line: impl FnMut(&[u8])) {}
    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        0
    }
    /// Lines that were longer than the bound so far.
    pub fn oversized(&self) -> u64 {
        0
    }
}
/// Collects lines (of several senders) into one batch.
#[derive(Debug)]
pub struct Collector<'m> {
    _m: &'m Mapping,
}
impl<'m> Collector<'m> {
    /// An empty collector.
    pub fn new(mapping: &'m Mapping) -> Collector<'m> {
        Collector { _m: mapping }
    }
    /// Adds one line; never fails, never loses it.
    pub fn push(&mut self, _line: &[u8], _context: &Context<'_>) {}
    /// Rows so far.
    pub fn rows(&self) -> usize {
        0
    }
    /// Bytes so far, roughly.
    pub fn size_bytes(&self) -> usize {
        0
    }
    /// The batch and the report.
    pub fn finish(self) -> Decoded {
        unimplemented!()
    }
}
/// One UDP datagram: one or more lines.
pub fn decode_datagram(_datagram: &[u8], _mapping: &Mapping, _context: &Context<'_>) -> Decoded {
    unimplemented!()
}

//! stub
use crate::{Context, Decoded};
/// Cuts a TCP syslog stream into messages (RFC 6587: octet counting, LF or NUL, told apart message by message).
#[derive(Debug)]
pub struct Framer {}
impl Framer {
    /// Messages of at most `frame_bytes_max`; longer ones are given in pieces and counted.
    pub fn new(_frame_bytes_max: usize) -> Framer {
        Framer {}
    }
    /// Takes bytes as they come; `message` gets every message that is complete.
    pub fn push(&mut self, _bytes: &[u8], _message: impl FnMut(&[u8])) {}
    /// The stream has ended: `message` gets what is left.
    pub fn finish(&mut self, _message: impl FnMut(&[u8])) {}
    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        0
    }
    /// Messages that were longer than the bound so far.
    pub fn oversized(&self) -> u64 {
        0
    }
}
/// Collects messages (of several senders) into one batch.
#[derive(Debug, Default)]
pub struct Collector {}
impl Collector {
    /// An empty collector.
    pub fn new() -> Collector {
        Collector {}
    }
    /// Adds one message; never fails, never loses it.
    pub fn push(&mut self, _message: &[u8], _context: &Context<'_>) {}
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
/// One UDP datagram: one message (RFC 5426).
pub fn decode_datagram(_datagram: &[u8], _context: &Context<'_>) -> Decoded {
    unimplemented!()
}

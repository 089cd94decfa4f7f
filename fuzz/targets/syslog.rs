//! Syslog: the bytes as a stream in two pieces, and as a datagram.
#![no_main]

use clewline_fuzz::{CONTEXT, promise};
use clewline_protocol::syslog::{Collector, Framer, decode_datagram};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    promise(&decode_datagram(data, &CONTEXT));
    let mut collector = Collector::new();
    let mut framer = Framer::new(256);
    let (first, second) = data.split_at(data.len() / 2);
    framer.push(first, |message| collector.push(message, &CONTEXT));
    framer.push(second, |message| collector.push(message, &CONTEXT));
    framer.finish(|message| collector.push(message, &CONTEXT));
    promise(&collector.finish());
});

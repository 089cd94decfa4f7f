//! JSON lines, and the same bytes as raw lines in two pieces.
#![no_main]

use clewline_fuzz::{CONTEXT, promise};
use clewline_protocol::jsonl::{Mapping, decode};
use clewline_protocol::raw::{Collector, LineFramer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mapping = Mapping::default();
    if let Ok(decoded) = decode(data, &mapping, &CONTEXT) {
        promise(&decoded);
    }
    let mut collector = Collector::new(&mapping);
    let mut framer = LineFramer::new(64);
    let (first, second) = data.split_at(data.len() / 2);
    framer.push(first, |line| collector.push(line, &CONTEXT));
    framer.push(second, |line| collector.push(line, &CONTEXT));
    framer.finish(|line| collector.push(line, &CONTEXT));
    promise(&collector.finish());
});

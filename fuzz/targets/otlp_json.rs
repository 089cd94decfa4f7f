//! OTLP in JSON, of the signal the first byte names.
#![no_main]

use clewline_fuzz::{CONTEXT, promise, signal_of};
use clewline_protocol::otlp::decode_json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [which, body @ ..] = data else { return };
    if let Ok(decoded) = decode_json(signal_of(*which), body, &CONTEXT) {
        promise(&decoded);
    }
});

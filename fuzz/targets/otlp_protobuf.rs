//! OTLP in protobuf, of the signal the first byte names.
#![no_main]

use clewline_fuzz::{CONTEXT, promise, signal_of};
use clewline_protocol::otlp::decode_protobuf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [which, body @ ..] = data else { return };
    if let Ok(decoded) = decode_protobuf(signal_of(*which), body, &CONTEXT) {
        promise(&decoded);
    }
});

//! The batch codec on edited real batches and on anything: an error, or a batch whose columns agree and that comes back
//! from its own encoding.
#![no_main]

use std::sync::LazyLock;

use clewline_fuzz::{batch, edited, signal_of};
use clewline_model::codec::{decode, encode};
use clewline_model::signal::SIGNALS;
use libfuzzer_sys::fuzz_target;

static ENCODED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let one = |signal| {
        let mut bytes = Vec::new();
        encode(&batch(signal), &mut bytes);
        bytes
    };
    SIGNALS.iter().map(|&signal| one(signal)).collect()
});

fuzz_target!(|data: &[u8]| {
    let [mode, which, rest @ ..] = data else { return };
    let base = &ENCODED[signal_of(*which) as usize];
    let bytes = if mode % 2 == 0 { edited(base, rest) } else { rest.to_vec() };
    if let Ok(batch) = decode(&bytes) {
        assert!(batch.check(), "the columns of a decoded batch disagree");
        let mut again = Vec::new();
        encode(&batch, &mut again);
        assert_eq!(decode(&again).expect("what was encoded is decoded").rows(), batch.rows());
    }
});

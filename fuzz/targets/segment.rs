//! The segment reader on edited real segments (first byte even) and on anything (odd). Damage is an error, never a
//! panic; what reads as rows can be written again.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use clewline_fuzz::{batch, edited, signal_of};
use clewline_model::signal::SIGNALS;
use clewline_segment::{Part, Summary, index_of, read_parts, write};
use libfuzzer_sys::fuzz_target;

static FILES: LazyLock<Vec<(Vec<u8>, Summary)>> = LazyLock::new(|| {
    let file = |signal| {
        let mut file = Vec::new();
        let written = write(signal, &[Part::new(Arc::new(batch(signal)), 1)], &mut file).expect("a small segment");
        (file, written.summary)
    };
    SIGNALS.iter().map(|&signal| file(signal)).collect()
});

fuzz_target!(
    // The reader turns panics of the Parquet crate into errors; the fuzzer would end at the first one.
    init: std::panic::set_hook(Box::new(|_| ())),
    |data: &[u8]| {
        let [mode, which, rest @ ..] = data else { return };
        let signal = signal_of(*which);
        let (original, summary) = &FILES[signal as usize];
        let bytes = if mode % 2 == 0 { edited(original, rest) } else { rest.to_vec() };
        assert_eq!(summary.matches(&bytes), bytes == *original, "the checksum takes one file for another");
        let bytes = Bytes::from(bytes);
        let _ = index_of(bytes.clone(), signal, summary.checksum);
        if let Ok(parts) = read_parts(bytes, signal) {
            assert!(parts.iter().all(|part| part.batch.check()), "the columns of a restored batch disagree");
            let _ = write(signal, &parts, &mut Vec::new());
        }
    }
);

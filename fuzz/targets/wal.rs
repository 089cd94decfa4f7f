//! The scan of a log file and the decoding of what it finds, on edited real files: never a panic, never a record that
//! was not written, and none lost that lies outside the edits.
#![no_main]

#[allow(dead_code, unused_imports, reason = "the module is the product's; this target uses some of it")]
#[path = "../../crates/store/src/wal/format.rs"]
mod format;
#[allow(dead_code, reason = "the module is the product's; this target uses some of it")]
#[path = "../../crates/store/src/limits.rs"]
mod limits;

use std::sync::LazyLock;

use clewline_fuzz::{batch, edited, signal_of};
use format::{FILE_HEAD_BYTES, FileHead, RecordHead, file_head, read_head, record_head, scan};
use libfuzzer_sys::fuzz_target;

const SALT: u32 = 0x5eed_0001;
const RECORDS: usize = 6;

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut file = file_head(7, SALT).to_vec();
    for seq in 0..RECORDS {
        let signal = signal_of(u8::try_from(seq).expect("few records"));
        let mut payload = Vec::new();
        clewline_model::codec::encode(&batch(signal), &mut payload);
        let head = RecordHead {
            seq: i64::try_from(seq).expect("few records"),
            tenant: 1,
            signal,
            identity: (seq % 2 == 0).then_some([3; 16]),
            received_ns: 1,
            group: u32::try_from(file.len()).expect("a small file"),
        };
        file.extend_from_slice(&record_head(SALT, &head, payload.len(), crc32c::crc32c(&payload)));
        file.extend_from_slice(&payload);
    }
    file
});

fuzz_target!(|data: &[u8]| {
    let [mode, rest @ ..] = data else { return };
    let bytes = if mode % 2 == 0 { edited(&FILE, rest) } else { rest.to_vec() };
    let salt = match read_head(&bytes, 7) {
        FileHead::Good { salt } | FileHead::Damaged { salt } => salt,
        FileHead::Unfinished | FileHead::Newer(_) => SALT,
    };
    let found = scan(&bytes, salt);
    let mut at = FILE_HEAD_BYTES;
    for record in &found.records {
        assert!(record.offset >= at && record.payload.1 <= bytes.len(), "records overlap or leave the file");
        at = record.payload.1;
        let payload = &bytes[record.payload.0..record.payload.1];
        let decoded = clewline_model::codec::decode(payload);
        if mode % 2 == 0 && salt == SALT {
            let batch = decoded.expect("a record with a good checksum decodes");
            assert!(batch.check() && batch.signal == record.head.signal, "a record that was never written");
        }
    }
    if bytes == *FILE {
        assert_eq!((found.records.len(), found.damaged_bytes, found.torn_bytes), (RECORDS, 0, 0));
    }
});

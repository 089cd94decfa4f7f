//! Names of batches, so that a repeated one is stored once.
//!
//! XXH3-128 of the client's key or of the decompressed body. The store compares identities within a tenant and a
//! signal only.

use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;

/// Keeps keys and bodies apart.
const KEY_SEED: u64 = 0x6b65_7900;

/// Of an `Idempotency-Key`; none when it is empty or too long.
pub(super) fn of_key(key: &[u8]) -> Option<[u8; 16]> {
    let good = !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX;
    good.then(|| xxh3_128_with_seed(key, KEY_SEED).to_le_bytes())
}

/// Of a body, and of what was said about it beside.
pub(super) fn of_body(body: &[u8], beside: &str) -> [u8; 16] {
    let beside = if beside.is_empty() { 0 } else { xxhash_rust::xxh3::xxh3_64(beside.as_bytes()) };
    let hash = if beside == 0 { xxh3_128(body) } else { xxh3_128_with_seed(body, beside) };
    hash.to_le_bytes()
}

//! Which tokens a chunk may hold: a split-block Bloom filter (Putze, Sanders, Singler 2007; the block layout of the Parquet
//! format's filters).
//!
//! A block is 256 bits, eight words of 32; a token sets one bit in each of [`PROBES`] words. Sized by an estimate of the
//! distinct tokens (linear counting, Whang et al. 1990), because counting them exactly costs more than the filter.

/// Bits of a filter per distinct word. With five probes about 3 % of absent words look present: a query then reads one chunk
/// in thirty-three for nothing. Twelve bits would make it one in a hundred and cost half as much again.
pub(super) const WORD_BITS: usize = 8;

/// Bits per distinct trace id: there are few, they are asked for most, and a wrong guess costs more than finding it.
pub(super) const TRACE_BITS: usize = 16;

/// Words of a block a token sets a bit in.
const PROBES: usize = 5;

/// Odd multipliers that spread one half of a hash over the words of a block.
const SALT: [u32; PROBES] = [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7];

/// Bytes of a block.
const BLOCK_BYTES: usize = 32;

/// Bits of the table that estimates how many distinct hashes there are; right to some percent up to twice as many.
const ESTIMATE_BITS: usize = 1 << 17;

/// Appends the filter of some hashes, repeats allowed; returns its bytes (0 for none).
pub(super) fn build(hashes: &[u64], bits_per_key: usize, scratch: &mut Vec<u64>, out: &mut Vec<u8>) -> usize {
    if hashes.is_empty() {
        return 0;
    }
    let blocks = (distinct(hashes, scratch) * bits_per_key).div_ceil(BLOCK_BYTES * 8).max(1);
    let start = out.len();
    out.resize(start + blocks * BLOCK_BYTES, 0);
    let filter = &mut out[start..];
    for &hash in hashes {
        let block = block_of(hash, blocks) * BLOCK_BYTES;
        for (word, salt) in SALT.iter().enumerate() {
            let bit = bit_of(hash, *salt);
            filter[block + word_of(hash, word) * 4 + (bit >> 3)] |= 1 << (bit & 7);
        }
    }
    blocks * BLOCK_BYTES
}

/// True when the hash may have been among those the filter was built from; a filter of another length than whole blocks
/// holds nothing.
pub(super) fn may_contain(filter: &[u8], hash: u64) -> bool {
    let blocks = filter.len() / BLOCK_BYTES;
    if blocks == 0 {
        return false;
    }
    let block = block_of(hash, blocks) * BLOCK_BYTES;
    SALT.iter().enumerate().all(|(word, salt)| {
        let bit = bit_of(hash, *salt);
        filter[block + word_of(hash, word) * 4 + (bit >> 3)] >> (bit & 7) & 1 == 1
    })
}

fn block_of(hash: u64, blocks: usize) -> usize {
    ((u128::from(hash) * blocks as u128) >> 64) as usize
}

/// The words used turn with the hash, so that all eight fill alike.
fn word_of(hash: u64, probe: usize) -> usize {
    (probe + (hash as usize & 7)) & 7
}

fn bit_of(hash: u64, salt: u32) -> usize {
    ((hash as u32).wrapping_mul(salt) >> 27) as usize
}

/// About how many distinct hashes there are; at least 1.
fn distinct(hashes: &[u64], table: &mut Vec<u64>) -> usize {
    table.clear();
    table.resize(ESTIMATE_BITS / 64, 0);
    for &hash in hashes {
        let bit = (hash >> 20) as usize & (ESTIMATE_BITS - 1);
        table[bit >> 6] |= 1 << (bit & 63);
    }
    let set: u32 = table.iter().map(|word| word.count_ones()).sum();
    let empty = ESTIMATE_BITS - set as usize;
    if empty == 0 {
        return hashes.len();
    }
    let bits = ESTIMATE_BITS as f64;
    let estimate = -bits * (empty as f64 / bits).ln();
    (estimate.ceil() as usize).clamp(1, hashes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    fn hash(number: u64) -> u64 {
        xxh3_64(&number.to_le_bytes())
    }

    #[test]
    fn what_is_in_is_found_and_little_else() {
        for count in [1u64, 10, 1_000, 40_000] {
            let hashes: Vec<u64> = (0..count).chain(0..count / 2).map(hash).collect();
            let mut filter = Vec::new();
            let bytes = build(&hashes, WORD_BITS, &mut Vec::new(), &mut filter);
            assert_eq!(bytes, filter.len());
            assert!(bytes <= (count as usize * WORD_BITS / 8) * 11 / 10 + 64, "{count}: {bytes}");
            assert!(hashes.iter().all(|&h| may_contain(&filter, h)));
            if count >= 1_000 {
                let wrong = (0..20_000u64).filter(|n| may_contain(&filter, hash(n + 1_000_000))).count();
                assert!(wrong < 1_000, "{count}: {wrong} of 20000");
            }
        }
        assert_eq!(build(&[], WORD_BITS, &mut Vec::new(), &mut Vec::new()), 0);
        assert!(!may_contain(&[], 1));
    }
}

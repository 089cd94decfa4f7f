//! Where tokens end and where a look is worth while: one bit a byte, sixteen bytes a compare.
//!
//! [`Marks`] holds two bitmaps of a line: *delimiters* end a token; *triggers* are the only places at which a variable can
//! be recognised, so that plain words cost nothing but the compare. Bytes of characters outside ASCII are delimiters:
//! scripts without spaces keep their text, and the number within is found.

/// Bytes of one block.
const BLOCK: usize = 64;

/// The two bitmaps of a line of at most `64 * N` bytes. What lies behind its end is delimiter.
pub(super) struct Marks<const N: usize> {
    delimiters: [u64; N],
    triggers: [u64; N],
    blocks: usize,
}

impl<const N: usize> Marks<N> {
    /// Marks the first `64 * N` bytes.
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Marks<N> {
        let mut marks =
            Marks { delimiters: [u64::MAX; N], triggers: [0; N], blocks: bytes.len().div_ceil(BLOCK).min(N) };
        let (whole, rest) = bytes.as_chunks::<BLOCK>();
        let mut slots = marks.delimiters.iter_mut().zip(&mut marks.triggers);
        for (block, (delimiters, triggers)) in whole.iter().zip(slots.by_ref()) {
            (*delimiters, *triggers) = classify(block);
        }
        if !rest.is_empty()
            && let Some((delimiters, triggers)) = slots.next()
        {
            let mut block = [b' '; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            (*delimiters, *triggers) = classify(&block);
        }
        marks
    }

    /// The first trigger at or behind `from`.
    #[inline]
    pub(super) fn trigger(&self, from: usize) -> Option<usize> {
        next(&self.triggers[..self.blocks], from)
    }

    /// Where the token that holds `from` ends: the first delimiter at or behind it.
    #[inline]
    pub(super) fn end(&self, from: usize) -> usize {
        next(&self.delimiters[..self.blocks], from).unwrap_or(self.blocks * BLOCK)
    }

    /// Where the token that holds `at` starts, not before `floor`.
    #[inline]
    pub(super) fn start(&self, at: usize, floor: usize) -> usize {
        let mut index = at / BLOCK;
        let mut word = self.delimiters[index] & !(u64::MAX << (at % BLOCK));
        loop {
            if word != 0 {
                return (index * BLOCK + 64 - word.leading_zeros() as usize).max(floor);
            }
            if index * BLOCK <= floor {
                return floor;
            }
            index -= 1;
            word = self.delimiters[index];
        }
    }
}

#[inline]
fn next(words: &[u64], from: usize) -> Option<usize> {
    let first = from / BLOCK;
    let mut mask = u64::MAX << (from % BLOCK);
    for (word, index) in words.get(first..)?.iter().zip(first..) {
        let found = word & mask;
        if found != 0 {
            return Some(index * BLOCK + found.trailing_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

/// Ends a token: white space and control characters, ``= : , ; ( ) [ ] { } " ' | < >``, anything that is not ASCII.
pub(super) const fn is_delimiter(byte: u8) -> bool {
    byte <= b' '
        || byte >= 0x80
        || matches!(
            byte,
            b'=' | b':' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b'\'' | b'|' | b'<' | b'>'
        )
}

/// Delimiters and triggers of a block, the first byte in the lowest bit.
#[inline]
fn classify(block: &[u8; BLOCK]) -> (u64, u64) {
    let mut marks = [0u8; BLOCK];
    for (mark, &byte) in marks.iter_mut().zip(block) {
        *mark = mark_of(byte);
    }
    let (mut delimiters, mut triggers) = (0u64, 0u64);
    for (lane, eight) in marks.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        delimiters |= gather(word) << (8 * lane);
        triggers |= gather(word >> 1) << (8 * lane);
    }
    (delimiters, triggers)
}

/// Bit 0: [`is_delimiter`]; bit 1: a trigger (digits, quotes, `=`, slashes, `@`, `<`, escape). Arithmetic without a branch,
/// of which the compiler makes compares of sixteen bytes.
#[inline]
fn mark_of(byte: u8) -> u8 {
    let is = |wanted: u8| u8::from(byte == wanted);
    let within = |first: u8, last: u8| u8::from(byte.wrapping_sub(first) <= last - first);
    let quotes = is(b'"') | is(b'\'');
    // What is not ASCII is negative.
    let blank = u8::from(byte.cast_signed() <= 0x20);
    let brackets = within(b'(', b')') | is(b'[') | is(b']') | within(b'{', b'}');
    let delimiter = quotes | blank | brackets | within(b':', b'>') | is(b',');
    let trigger = quotes | within(b'0', b'9') | is(b'/') | is(b'\\') | is(b'=') | is(b'@') | is(b'<') | is(0x1b);
    delimiter | trigger << 1
}

/// The lowest bits of eight bytes as one byte.
#[inline]
fn gather(word: u64) -> u64 {
    (word & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_stands_for_its_byte() {
        for byte in 0..=u8::MAX {
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = byte;
                let bit = |set: bool| u64::from(set) << at;
                let trigger = matches!(byte, b'0'..=b'9' | b'"' | b'\'' | b'=' | b'/' | b'\\' | b'@' | b'<' | 0x1b);
                assert_eq!(classify(&block), (bit(is_delimiter(byte)), bit(trigger)), "{byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn tokens_are_found_across_blocks() {
        let line = format!("{}7{} {}", "a".repeat(100), "b".repeat(60), "c".repeat(20));
        let marks = Marks::<4>::of(line.as_bytes());
        assert_eq!(marks.trigger(0), Some(100));
        assert_eq!((marks.start(100, 0), marks.end(100)), (0, 161));
        assert_eq!(marks.start(165, 0), 162);
        assert_eq!(marks.start(100, 70), 70);
        assert_eq!(marks.trigger(101), None);
        assert!(marks.end(170) >= line.len());
    }
}

//! Small facts about text and ids that several crates share the definition of.

/// The longest prefix of `text` of at most `bytes_max` bytes that ends at a character border.
pub fn truncate(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Lower-case hexadecimal of `bytes`, appended to `out`.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_hex(&mut out, bytes);
    out
}

/// Exactly `N` bytes from `2 N` hexadecimal digits of any case; `None` otherwise.
pub fn parse_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0u8; N];
    let mut all = 0;
    // No branch on what the digits are: ids are random.
    for (byte, pair) in out.iter_mut().zip(text.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| HEX_DIGITS[usize::from(digit)]);
        all |= high | low;
        *byte = high << 4 | low & 15;
    }
    (all < 16).then_some(out)
}

/// The value of a hexadecimal digit of any case; 255 for other bytes.
static HEX_DIGITS: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_refuses_other_lengths() {
        assert_eq!(parse_hex::<2>(b"0aFf"), Some([0x0a, 0xff]));
        assert_eq!(hex(&[0x0a, 0xff]), "0aff");
        assert_eq!(parse_hex::<2>(b"0aF"), None);
        assert_eq!(parse_hex::<2>(b"0aFg"), None);
    }

    #[test]
    fn truncation_never_splits_a_character() {
        assert_eq!(truncate("日本", 4), "日");
        assert_eq!(truncate("ab", 4), "ab");
        assert_eq!(truncate("日本", 2), "");
    }
}

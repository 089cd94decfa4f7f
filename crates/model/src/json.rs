//! Writing JSON text without a tree.
//!
//! Numbers keep their type: an integer has neither point nor exponent, a float always has one. Floats JSON cannot say
//! become `{"$double":"NaN"}` (also `Infinity`, `-Infinity`), bytes become `{"$bytes":"<base64>"}`.

use std::fmt::Write;

/// Appends `text` as a JSON string, with quotes. Control characters are escaped.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

fn push_escaped(out: &mut String, text: &str) {
    let mut start = 0;
    for (i, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..i]);
        start = i + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => write!(out, "\\u{byte:04x}").expect("writing to a String cannot fail"),
        }
    }
    out.push_str(&text[start..]);
}

/// Appends an integer.
pub fn push_int(out: &mut String, value: i64) {
    write!(out, "{value}").expect("writing to a String cannot fail");
}

/// Appends a float, exactly and recognisably as a float.
pub fn push_double(out: &mut String, value: f64) {
    if value.is_finite() {
        write!(out, "{value:?}").expect("writing to a String cannot fail");
    } else if value.is_nan() {
        out.push_str("{\"$double\":\"NaN\"}");
    } else if value > 0.0 {
        out.push_str("{\"$double\":\"Infinity\"}");
    } else {
        out.push_str("{\"$double\":\"-Infinity\"}");
    }
}

/// Appends bytes as `{"$bytes":"<base64>"}`.
pub fn push_bytes(out: &mut String, bytes: &[u8]) {
    out.push_str("{\"$bytes\":\"");
    push_base64(out, bytes);
    out.push_str("\"}");
}

/// Appends standard base64 with padding (RFC 4648 section 4).
pub fn push_base64(out: &mut String, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let word = u32::from(chunk[0]) << 16
            | u32::from(chunk.get(1).copied().unwrap_or(0)) << 8
            | u32::from(chunk.get(2).copied().unwrap_or(0));
        for position in 0..4 {
            if position <= chunk.len() {
                out.push(char::from(ALPHABET[(word >> (18 - 6 * position) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(written(|o| push_string(o, "a\"b\\\n\u{1}é")), "\"a\\\"b\\\\\\n\\u0001é\"");
    }

    #[test]
    fn numbers_keep_their_type() {
        assert_eq!(written(|o| push_int(o, -7)), "-7");
        assert_eq!(written(|o| push_double(o, 1.0)), "1.0");
        assert_eq!(written(|o| push_double(o, 1e300)), "1e300");
        assert_eq!(written(|o| push_double(o, f64::NAN)), "{\"$double\":\"NaN\"}");
    }

    #[test]
    fn base64_pads() {
        for (input, expect) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(written(|o| push_base64(o, input.as_bytes())), expect);
        }
    }
}

//! The constant part of a log line: a stateless mask of its variables, and the 64-bit id of what remains.
//!
//! One pass over the bytes. Tokens end at white space and at ``= : , ; ( ) [ ] { } " ' | < >``; delimiters are kept. A
//! token is a variable when it holds a digit, is a path of two or more segments, or is a long hexadecimal word; a quoted
//! text of several words is one variable. Variables that follow each other with nothing but spaces and light
//! punctuation between become one, so that lists of different length have one template. The id is xxh3-64 of the masked
//! text: equal on every node and after every restart. Version of these rules: [`VERSION`].

use xxhash_rust::xxh3::Xxh3Default;

use crate::limits::TEMPLATE_SCAN_BYTES;

/// Version of the masking rules; stored with every segment.
pub const VERSION: u32 = 1;

/// What a variable looks like in a template.
const WILDCARD: &str = "<*>";

/// The template id of a log line; 0 for an empty line.
pub fn id(line: &str) -> u64 {
    if line.is_empty() {
        return 0;
    }
    let mut masked = Masked { hash: Xxh3Default::new(), text: None };
    scan(line, &mut masked);
    masked.hash.digest().max(1)
}

/// The template text of a log line: constants as they are, variables as `<*>`.
pub fn mask(line: &str) -> String {
    let mut masked = Masked { hash: Xxh3Default::new(), text: Some(String::new()) };
    scan(line, &mut masked);
    masked.text.unwrap_or_default()
}

/// Receives the pieces of the masked line.
struct Masked {
    hash: Xxh3Default,
    text: Option<String>,
}

impl Masked {
    fn constant(&mut self, piece: &str) {
        self.hash.update(piece.as_bytes());
        if let Some(text) = &mut self.text {
            text.push_str(piece);
        }
    }
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\n'
            | b'\r'
            | b'='
            | b':'
            | b','
            | b';'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'"'
            | b'\''
            | b'|'
            | b'<'
            | b'>'
    )
}

/// Between two variables these bytes do not keep them apart.
fn is_light(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',' | b':' | b';')
}

fn scan(line: &str, out: &mut Masked) {
    let bytes = line.as_bytes();
    let end = floor_border(line, TEMPLATE_SCAN_BYTES);
    // Start of the constant text not yet handed over, and whether a variable stands right before it.
    let mut pending = 0;
    let mut after_variable = false;
    let mut at = 0;
    while at < end {
        let start = at;
        let variable = if bytes[at] == b'"'
            && let Some(close) = quoted_end(&bytes[at..end])
        {
            at += close;
            true
        } else if is_delimiter(bytes[at]) {
            at += 1;
            false
        } else {
            while at < end && !is_delimiter(bytes[at]) {
                at += 1;
            }
            is_variable(&bytes[start..at])
        };
        if variable {
            let between = &bytes[pending..start];
            if !(after_variable && between.iter().all(|&b| is_light(b))) {
                out.constant(&line[pending..start]);
                out.constant(WILDCARD);
            }
            pending = at;
            after_variable = true;
        }
    }
    out.constant(&line[pending..end]);
    if end < line.len() {
        out.constant(WILDCARD);
    }
}

fn floor_border(line: &str, limit: usize) -> usize {
    let mut end = line.len().min(limit);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Length of a quoted text of several words at the start of `bytes`, quotes included.
fn quoted_end(bytes: &[u8]) -> Option<usize> {
    let close = bytes.iter().skip(1).take(1024).position(|&b| b == b'"')? + 1;
    bytes[1..close].contains(&b' ').then_some(close + 1)
}

fn is_variable(token: &[u8]) -> bool {
    let mut slashes = 0;
    let mut hex = true;
    for &byte in token {
        match byte {
            b'0'..=b'9' => return true,
            b'/' => slashes += 1,
            _ => {}
        }
        hex &= byte.is_ascii_hexdigit();
    }
    slashes >= 2 || (hex && token.len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        assert_eq!(mask(line), expect, "{line}");
    }

    #[test]
    fn variables_are_masked() {
        check("user 42 logged in", "user <*> logged in");
        check("GET /api/v1/users took 12.5ms", "GET <*> took <*>");
        check("took 1, 2, 3 steps", "took <*> steps");
        check("took 1 steps", "took <*> steps");
        check("conn 10.0.0.1:8080 closed", "conn <*> closed");
        check("at 2026-01-02T03:04:05.678Z ok", "at <*> ok");
        check("id=deadbeef flag=true", "id=<*> flag=true");
        check("said \"hello big world\" twice", "said <*> twice");
        check("level=info msg=\"started\"", "level=info msg=\"started\"");
        check("[1] [2]", "[<*>] [<*>]");
        check("", "");
    }

    #[test]
    fn ids_follow_the_template_and_long_lines_end_in_a_variable() {
        assert_eq!(id("user 42 logged in"), id("user 7 logged in"));
        assert_ne!(id("user 42 logged in"), id("user 42 logged out"));
        let long = "é".repeat(TEMPLATE_SCAN_BYTES);
        assert!(mask(&long).ends_with(WILDCARD));
        assert_eq!(id(""), 0);
    }
}

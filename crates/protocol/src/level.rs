//! The severity of a line of text, from the words near its start.
//!
//! Cheap and careful rather than complete: a word counts when it stands out the way levels do in log formats: in
//! capitals (`WARN`), in brackets (`[warn]`), before a colon (`warning: …`), or as the value of `level=`, `lvl=` or
//! `severity=`. The `I0102 15:04:05` of klog counts too. Prose such as "no error" does not.

use clewline_model::signal::level_of_text;

use crate::limits::LEVEL_SCAN_BYTES;

/// Level name and severity number, if the line shows one within its first [`LEVEL_SCAN_BYTES`].
pub(crate) fn of_line(line: &[u8]) -> Option<(&'static str, i64)> {
    if let [b'I' | b'W' | b'E' | b'F', digits @ ..] = line
        && digits.len() > 5
        && digits[..4].iter().all(u8::is_ascii_digit)
        && digits[4] == b' '
    {
        return std::str::from_utf8(&line[..1]).ok().and_then(level_of_text);
    }
    let end = line.len().min(LEVEL_SCAN_BYTES);
    let mut at = 0;
    while at < end {
        let start = at;
        while line.get(at).is_some_and(u8::is_ascii_alphabetic) {
            at += 1;
        }
        if (3..=13).contains(&(at - start))
            && stands_out(line, start, at)
            && let Ok(word) = std::str::from_utf8(&line[start..at])
            && let Some(level) = level_of_text(word)
        {
            return Some(level);
        }
        // A word glued to digits, dots or underscores is part of a name.
        at = if at == start { start + 1 } else { at };
    }
    None
}

fn stands_out(line: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map_or(b' ', |i| line[i]);
    let after = line.get(end).copied().unwrap_or(b' ');
    let part_of_a_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/') || byte >= 0x80;
    if part_of_a_name(before) || (part_of_a_name(after) && after != b'.') {
        return false;
    }
    let capitals = line[start..end].iter().all(u8::is_ascii_uppercase);
    let bracketed = matches!((before, after), (b'[', b']') | (b'<', b'>') | (b'(', b')') | (b'|', b'|'));
    let named = || {
        let head = line[..start].trim_ascii_end();
        let head = head.strip_suffix(b"\"").unwrap_or(head);
        head.strip_suffix(b"=").or_else(|| head.strip_suffix(b":")).is_some_and(|head| {
            let head = head.strip_suffix(b"\"").unwrap_or(head);
            [&b"level"[..], b"lvl", b"severity"]
                .iter()
                .any(|key| head.len() >= key.len() && head[head.len() - key.len()..].eq_ignore_ascii_case(key))
        })
    };
    capitals || bracketed || (after == b':' && (start == 0 || before == b' ')) || named()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_stand_out_and_prose_does_not() {
        for (line, expect) in [
            ("2024-05-01T10:00:00Z INFO started", "info"),
            ("2024-05-01 10:00:00,123 [main] WARN  c.e.App - slow", "warn"),
            ("[error] client denied", "error"),
            ("Error: no such file", "error"),
            ("panic: runtime error", "fatal"),
            ("ts=1 level=debug msg=x", "debug"),
            ("time=1 LEVEL=\"warning\" msg=x", "warn"),
            ("{\"a\":1,\"level\":\"error\"} tail", "error"),
            ("E0102 15:04:05.000000 1 main.go:1] broken", "error"),
            ("main | FATAL | stop", "fatal"),
            ("no error at all", ""),
            ("it is fine, info below", ""),
            ("ERROR_CODE 5", ""),
            ("my-INFO-thing", ""),
            ("a/debug/b", ""),
            ("I am here", ""),
            ("", ""),
        ] {
            assert_eq!(of_line(line.as_bytes()).map_or("", |l| l.0), expect, "{line}");
        }
        let far = format!("{} ERROR", "x".repeat(LEVEL_SCAN_BYTES));
        assert_eq!(of_line(far.as_bytes()), None);
    }
}

//! What a file holds, from its first bytes: compression by magic number, format by shape.

use super::Kind;
use super::protobuf::{self, Framing};

/// Compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// None.
    Plain,
    /// RFC 1952; several members follow each other.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// What the (decompressed) content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// One OTLP request in JSON a line.
    OtlpLines,
    /// One OTLP request in JSON over several lines.
    OtlpDocument,
    /// OTLP protobuf.
    OtlpProto(Framing, Option<Kind>),
    /// One JSON object a line.
    JsonLines,
    /// A JSON array of objects.
    JsonArray,
    /// Lines.
    Text,
}

/// The compression that begins with these bytes.
pub(crate) fn compression(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::Plain,
    }
}

/// The content that begins with `sample`; `complete` says the sample is everything.
pub(crate) fn content(sample: &[u8], complete: bool) -> Content {
    let trimmed = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample).trim_ascii_start();
    match trimmed.first() {
        Some(b'{') => json_object(trimmed, complete),
        Some(b'[') if trimmed.get(1..).is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b'{')) => {
            Content::JsonArray
        }
        _ => match protobuf::framing_of(sample) {
            Some((framing, kind)) => Content::OtlpProto(framing, Some(kind)),
            None => Content::Text,
        },
    }
}

fn json_object(sample: &[u8], complete: bool) -> Content {
    let line_end = sample.iter().position(|byte| *byte == b'\n');
    let line = line_end.map_or(sample, |end| &sample[..end]);
    let whole_line = line_end.is_some() || complete;
    let is_object = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    match (whole_line && is_object, kind_of_json(sample)) {
        (true, _) if kind_of_json(line).is_some() => Content::OtlpLines,
        (true, _) => Content::JsonLines,
        // The first line is longer than the sample, or the document is spread over lines.
        (false, Some(_)) if !whole_line => Content::OtlpLines,
        (false, Some(_)) => Content::OtlpDocument,
        (false, None) if !whole_line => Content::JsonLines,
        (false, None) => Content::Text,
    }
}

/// The kind of an OTLP JSON request, by its first key (lowerCamelCase per specification; snake_case is met too).
pub(crate) fn kind_of_json(text: &[u8]) -> Option<Kind> {
    let rest = text.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = rest.iter().take(32).position(|byte| *byte == b'"')?;
    kind_of_key(std::str::from_utf8(&rest[..end]).ok()?)
}

/// The kind a top-level key stands for.
pub(crate) fn kind_of_key(key: &str) -> Option<Kind> {
    match key {
        "resourceSpans" | "resource_spans" => Some(Kind::Traces),
        "resourceLogs" | "resource_logs" => Some(Kind::Logs),
        "resourceMetrics" | "resource_metrics" => Some(Kind::Metrics),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let long = format!("{{\"resourceLogs\":[{}", "{},".repeat(100));
        let cases: [(&[u8], bool, Content); 14] = [
            (b"{\"resourceSpans\":[]}\n{\"resourceSpans\":[]}\n", true, Content::OtlpLines),
            (b"{\"resourceSpans\":[]}", true, Content::OtlpLines),
            (b"{ \"resource_logs\" : []}\n", true, Content::OtlpLines),
            (b"{\n  \"resourceMetrics\": [\n  ]\n}\n", true, Content::OtlpDocument),
            (long.as_bytes(), false, Content::OtlpLines),
            (b"{\"message\":\"hi\"}\n", true, Content::JsonLines),
            (b"\xef\xbb\xbf{\"message\":\"hi\"}\n{", false, Content::JsonLines),
            (b"{\"message\":\"cut", false, Content::JsonLines),
            (b"[{\"a\":1},\n{\"a\":2}]", true, Content::JsonArray),
            (b"[2026-11-24] started\n", true, Content::Text),
            (b"{not json}\nat all\n", true, Content::Text),
            (b"2026-11-24 INFO hello\n", true, Content::Text),
            (b"\n\nHello\n", true, Content::Text),
            (b"", true, Content::Text),
        ];
        for (sample, complete, expect) in cases {
            assert_eq!(content(sample, complete), expect, "{}", String::from_utf8_lossy(sample));
        }
    }

    #[test]
    fn magic_numbers() {
        assert_eq!(compression(&[0x1f, 0x8b, 8]), Compression::Gzip);
        assert_eq!(compression(&[0x28, 0xb5, 0x2f, 0xfd]), Compression::Zstd);
        assert_eq!(compression(b"{"), Compression::Plain);
    }
}

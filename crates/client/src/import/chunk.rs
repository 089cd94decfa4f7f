//! Cuts a source into request bodies. The same bytes and options always give the same cuts: a repeated or resumed
//! import sends identical bodies, so the server recognises them.

use super::Kind;
use super::detect::{Content, kind_of_json, kind_of_key};
use super::protobuf::{self, Framing};
use crate::error::CliError;
use crate::limits::{IMPORT_BATCH_BYTES, IMPORT_UNIT_BYTES_MAX};
use serde_json::Value;
use std::io::{BufRead, Read};

/// One request body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Chunk {
    /// Where it is sent.
    pub(crate) endpoint: Endpoint,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Number of its first line (or message), 1-based in the file.
    pub(crate) first_line: u64,
    /// Lines (or messages) in it.
    pub(crate) lines: u64,
    /// Offset of its first byte in the decompressed file.
    pub(crate) start: u64,
    /// Offset behind its last byte.
    pub(crate) end: u64,
    /// Lines that were not sent because they make no sense: number and reason.
    pub(crate) refused: Vec<(u64, String)>,
}

/// Request kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Endpoint {
    /// JSON lines.
    #[default]
    JsonLines,
    /// Text lines.
    Text,
    /// OTLP JSON.
    OtlpJson(Kind),
    /// OTLP protobuf.
    OtlpProto(Kind),
}

impl Endpoint {
    /// The request path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Endpoint::JsonLines => "/api/v1/ingest/jsonl",
            Endpoint::Text => "/api/v1/ingest/text",
            Endpoint::OtlpJson(kind) | Endpoint::OtlpProto(kind) => kind.path(),
        }
    }

    /// The content type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Endpoint::JsonLines => "application/x-ndjson",
            Endpoint::Text => "text/plain; charset=utf-8",
            Endpoint::OtlpJson(_) => "application/json",
            Endpoint::OtlpProto(_) => "application/x-protobuf",
        }
    }
}

/// Receives chunks; false stops.
pub(crate) type Sink<'a> = dyn FnMut(Chunk) -> Result<bool, CliError> + 'a;

/// Whether a content is read line by line (and can be taken up in the middle).
pub(crate) fn is_line_based(content: Content) -> bool {
    matches!(content, Content::OtlpLines | Content::JsonLines | Content::Text)
}

/// Cuts `reader`, which stands at `offset` before line `line`, into chunks.
pub(crate) fn cut(
    reader: &mut dyn BufRead,
    content: Content,
    kind: Option<Kind>,
    (offset, line): (u64, u64),
    sink: &mut Sink<'_>,
) -> Result<(), CliError> {
    match content {
        Content::JsonLines => cut_lines(reader, Endpoint::JsonLines, offset, line, sink),
        Content::Text => cut_lines(reader, Endpoint::Text, offset, line, sink),
        Content::OtlpLines => cut_otlp_lines(reader, offset, line, sink),
        Content::OtlpDocument => cut_document(&read_all(reader)?, sink),
        Content::JsonArray => cut_array(&read_all(reader)?, sink),
        Content::OtlpProto(framing, detected) => {
            let kind = kind.or(detected).ok_or_else(|| {
                CliError::usage(
                    "cannot tell what this protobuf file holds",
                    "say so with --signal logs, spans or metrics",
                )
            })?;
            cut_protobuf(&read_all(reader)?, framing, kind, sink)
        }
    }
}

/// Appends one line, ending included; 0 at the end.
fn read_line(reader: &mut dyn BufRead, into: &mut Vec<u8>) -> Result<usize, CliError> {
    let read = reader.take(IMPORT_UNIT_BYTES_MAX as u64).read_until(b'\n', into)?;
    if read == IMPORT_UNIT_BYTES_MAX {
        return Err(CliError::failed(format!("a line is longer than {IMPORT_UNIT_BYTES_MAX} bytes")));
    }
    Ok(read)
}

fn read_all(reader: &mut dyn BufRead) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    reader.take(IMPORT_UNIT_BYTES_MAX as u64 * 4).read_to_end(&mut bytes)?;
    if bytes.len() == IMPORT_UNIT_BYTES_MAX * 4 {
        return Err(CliError::failed_hint(
            "the file is too large to be read as one document",
            "write one JSON object a line, or length-delimited messages",
        ));
    }
    Ok(bytes)
}

fn cut_lines(
    reader: &mut dyn BufRead,
    endpoint: Endpoint,
    mut offset: u64,
    mut line: u64,
    sink: &mut Sink<'_>,
) -> Result<(), CliError> {
    loop {
        let mut chunk = Chunk { endpoint, first_line: line, start: offset, end: offset, ..Chunk::default() };
        while chunk.body.len() < IMPORT_BATCH_BYTES {
            if read_line(reader, &mut chunk.body)? == 0 {
                break;
            }
            chunk.lines += 1;
        }
        if chunk.lines == 0 {
            return Ok(());
        }
        offset += chunk.body.len() as u64;
        line += chunk.lines;
        chunk.end = offset;
        if !sink(chunk)? {
            return Ok(());
        }
    }
}

/// OTLP JSON, one request a line: neighbours of one kind whose only member is the resource array are joined.
fn cut_otlp_lines(reader: &mut dyn BufRead, offset: u64, line: u64, sink: &mut Sink<'_>) -> Result<(), CliError> {
    let (mut offset, mut line) = (offset, line);
    let mut joined = Joined::new(offset, line);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = read_line(reader, &mut text)?;
        if read == 0 {
            return joined.emit(sink).map(drop);
        }
        let trimmed = text.trim_ascii();
        let kind = kind_of_json(trimmed);
        let inner = inner_array(trimmed);
        let fits = joined.is_empty()
            || (joined.kind == kind && inner.is_some() && joined.open && joined.chunk.body.len() < IMPORT_BATCH_BYTES);
        if !trimmed.is_empty() && kind.is_some() && !fits {
            if !joined.emit(sink)? {
                return Ok(());
            }
            joined = Joined::new(offset, line);
        }
        match (kind, inner) {
            (Some(kind), Some(inner)) => joined.push(kind, inner),
            (Some(kind), None) => joined.whole(kind, trimmed),
            (None, _) if trimmed.is_empty() => {}
            (None, _) => joined.chunk.refused.push((line, "not an OTLP request".into())),
        }
        joined.chunk.lines += 1;
        offset += read as u64;
        line += 1;
        joined.chunk.end = offset;
    }
}

/// A request under construction.
struct Joined {
    chunk: Chunk,
    kind: Option<Kind>,
    /// The array is still open for more elements.
    open: bool,
}

impl Joined {
    fn new(offset: u64, line: u64) -> Self {
        let chunk = Chunk { first_line: line, start: offset, end: offset, ..Chunk::default() };
        Joined { chunk, kind: None, open: false }
    }

    fn is_empty(&self) -> bool {
        self.chunk.body.is_empty()
    }

    fn push(&mut self, kind: Kind, inner: &[u8]) {
        if self.is_empty() {
            self.kind = Some(kind);
            self.open = true;
            self.chunk.endpoint = Endpoint::OtlpJson(kind);
            self.chunk.body.extend_from_slice(format!("{{\"{}\":[", kind.json_key()).as_bytes());
        } else if !inner.trim_ascii().is_empty() && !self.chunk.body.ends_with(b"[") {
            self.chunk.body.push(b',');
        }
        self.chunk.body.extend_from_slice(inner);
    }

    fn whole(&mut self, kind: Kind, text: &[u8]) {
        self.kind = Some(kind);
        self.open = false;
        self.chunk.endpoint = Endpoint::OtlpJson(kind);
        self.chunk.body.extend_from_slice(text);
    }

    fn emit(mut self, sink: &mut Sink<'_>) -> Result<bool, CliError> {
        if self.open {
            self.chunk.body.extend_from_slice(b"]}");
        }
        if self.chunk.lines == 0 { Ok(true) } else { sink(self.chunk) }
    }
}

/// What stands inside the array of `{"resource…":[…]}`; `None` when the object has other members or is broken.
fn inner_array(text: &[u8]) -> Option<&[u8]> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    let open = colon + 1 + text.get(colon + 1..)?.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if text.get(open) != Some(&b'[') {
        return None;
    }
    let mut depth = 0usize;
    let mut at = open;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    let rest: &[u8] = text.get(at + 1..)?.trim_ascii();
                    return (rest == b"}").then(|| &text[open + 1..at]);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Offset of the quote that closes the string opened at `open`.
fn string_end(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match text.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
}

/// Collects serialised parts into bodies of the batch size.
struct Parts<'a, 'b> {
    sink: &'a mut Sink<'b>,
    chunk: Chunk,
    next: u64,
}

impl<'a, 'b> Parts<'a, 'b> {
    fn new(sink: &'a mut Sink<'b>) -> Self {
        Parts { sink, chunk: Chunk { first_line: 1, ..Chunk::default() }, next: 0 }
    }

    /// Adds one part. Offsets of documents are part numbers.
    fn add(
        &mut self,
        endpoint: Endpoint,
        opening: &str,
        separator: &str,
        part: &[u8],
        closing: &str,
    ) -> Result<bool, CliError> {
        let full = !self.chunk.body.is_empty()
            && (self.chunk.endpoint != endpoint || self.chunk.body.len() + part.len() > IMPORT_BATCH_BYTES);
        if full && !self.emit(closing)? {
            return Ok(false);
        }
        if self.chunk.body.is_empty() {
            self.chunk.endpoint = endpoint;
            self.chunk.body.extend_from_slice(opening.as_bytes());
        } else {
            self.chunk.body.extend_from_slice(separator.as_bytes());
        }
        self.chunk.body.extend_from_slice(part);
        self.chunk.lines += 1;
        self.next += 1;
        Ok(true)
    }

    fn emit(&mut self, closing: &str) -> Result<bool, CliError> {
        let fresh = Chunk { first_line: self.next + 1, start: self.next, ..Chunk::default() };
        let mut chunk = std::mem::replace(&mut self.chunk, fresh);
        if chunk.body.is_empty() {
            return Ok(true);
        }
        chunk.body.extend_from_slice(closing.as_bytes());
        chunk.end = self.next;
        (self.sink)(chunk)
    }
}

fn cut_document(bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), CliError> {
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| CliError::failed(format!("not one JSON document: {error}")))?;
    let mut parts = Parts::new(sink);
    for (key, value) in document.as_object().into_iter().flatten() {
        let (Some(kind), Some(resources)) = (kind_of_key(key), value.as_array()) else { continue };
        let opening = format!("{{\"{}\":[", kind.json_key());
        for resource in resources {
            let part = resource.to_string();
            if !parts.add(Endpoint::OtlpJson(kind), &opening, ",", part.as_bytes(), "]}")? {
                return Ok(());
            }
        }
        if !parts.emit("]}")? {
            return Ok(());
        }
    }
    Ok(())
}

fn cut_array(bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), CliError> {
    let items: Vec<Value> =
        serde_json::from_slice(bytes).map_err(|error| CliError::failed(format!("not one JSON array: {error}")))?;
    let mut parts = Parts::new(sink);
    for item in items {
        let part = item.to_string();
        if !parts.add(Endpoint::JsonLines, "", "\n", part.as_bytes(), "\n")? {
            return Ok(());
        }
    }
    parts.emit("\n").map(drop)
}

/// Top-level fields of OTLP messages are repeated resources: bodies are cut between them.
fn cut_protobuf(bytes: &[u8], framing: Framing, kind: Kind, sink: &mut Sink<'_>) -> Result<(), CliError> {
    let endpoint = Endpoint::OtlpProto(kind);
    let mut parts = Parts::new(sink);
    let mut rest = bytes;
    let mut number = 0u64;
    while !rest.is_empty() {
        number += 1;
        let broken = || CliError::failed(format!("message {number} is cut off or not protobuf"));
        let (prefix, length) = protobuf::frame(rest, framing).ok_or_else(broken)?;
        let end = prefix.checked_add(length).ok_or_else(broken)?;
        let mut message = rest.get(prefix..end).ok_or_else(broken)?;
        rest = &rest[end..];
        while !message.is_empty() {
            let field = protobuf::field(message).ok_or_else(broken)?;
            let part = &message[..field.length];
            message = &message[field.length..];
            if !parts.add(endpoint, "", "", part, "")? {
                return Ok(());
            }
        }
    }
    parts.emit("").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &[u8], content: Content) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        cut(&mut &text[..], content, None, (0, 1), &mut |chunk| {
            chunks.push(chunk);
            Ok(true)
        })
        .unwrap();
        chunks
    }

    fn body(chunk: &Chunk) -> &str {
        std::str::from_utf8(&chunk.body).unwrap()
    }

    #[test]
    fn lines_cover_the_file_without_gap() {
        let line = format!("{{\"m\":\"{}\"}}\n", "x".repeat(1_000));
        let text = line.repeat(5_000);
        let chunks = chunks(text.as_bytes(), Content::JsonLines);
        assert!(chunks.len() > 1);
        assert_eq!(chunks[0].start, 0);
        assert_eq!(chunks.last().unwrap().end, text.len() as u64);
        for pair in chunks.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
            assert_eq!(pair[0].first_line + pair[0].lines, pair[1].first_line);
        }
        // Taking up at a cut gives the same cuts again.
        let (at, line) = (chunks[1].start, chunks[1].first_line);
        let mut again = Vec::new();
        cut(&mut &text.as_bytes()[at as usize..], Content::JsonLines, None, (at, line), &mut |chunk| {
            again.push(chunk);
            Ok(true)
        })
        .unwrap();
        assert_eq!(again, chunks[1..]);
    }

    #[test]
    fn otlp_neighbours_are_joined() {
        let text = b"{\"resourceSpans\":[{\"a\":\"]}\"}]}\n{\"resourceSpans\":[{\"b\":1}]}\n{\"resourceLogs\":[{}]}\nnonsense\n{\"resourceLogs\":[{}],\"x\":[]}\n";
        let chunks = chunks(text, Content::OtlpLines);
        assert_eq!(
            chunks.iter().map(body).collect::<Vec<_>>(),
            [
                "{\"resourceSpans\":[{\"a\":\"]}\"},{\"b\":1}]}",
                "{\"resourceLogs\":[{}]}",
                "{\"resourceLogs\":[{}],\"x\":[]}",
            ]
        );
        assert_eq!(chunks[0].endpoint, Endpoint::OtlpJson(Kind::Traces));
        assert_eq!((chunks[0].first_line, chunks[0].lines), (1, 2));
        assert_eq!(chunks[1].refused, [(4, "not an OTLP request".to_string())]);
        assert_eq!(chunks.last().unwrap().end, text.len() as u64);
        assert_eq!(chunks[1].end, chunks[2].start);
    }

    #[test]
    fn arrays_inside_one_member() {
        assert_eq!(inner_array(b"{\"a\": [1,[2],\"\\\"]\"] }"), Some(&b"1,[2],\"\\\"]\""[..]));
        assert_eq!(inner_array(b"{\"a\":[1],\"b\":2}"), None);
        assert_eq!(inner_array(b"{\"a\":[1"), None);
        assert_eq!(inner_array(b"{\"a\":1}"), None);
    }

    #[test]
    fn documents_and_arrays() {
        let document = chunks(
            b"{\n \"resourceSpans\": [ {\"a\":1}, {\"b\":2} ],\n \"resourceLogs\": [{}]\n}",
            Content::OtlpDocument,
        );
        assert_eq!(
            document.iter().map(body).collect::<Vec<_>>(),
            ["{\"resourceSpans\":[{\"a\":1},{\"b\":2}]}", "{\"resourceLogs\":[{}]}"]
        );
        let array = chunks(b"[{\"a\":1},\n{\"a\":2}]", Content::JsonArray);
        assert_eq!(array.iter().map(body).collect::<Vec<_>>(), ["{\"a\":1}\n{\"a\":2}\n"]);
        assert_eq!(array[0].lines, 2);
    }

    #[test]
    fn delimited_protobuf_becomes_one_message() {
        let message = [0x0a, 3, 1, 2, 3];
        let mut file = vec![5];
        file.extend(message);
        file.push(5);
        file.extend(message);
        let chunks = chunks(&file, Content::OtlpProto(Framing::Varint, Some(Kind::Logs)));
        assert_eq!(chunks.len(), 1);
        assert_eq!(chunks[0].body, [message, message].concat());
        let mut refused = |_: Chunk| Ok(true);
        let cut_off =
            cut(&mut &file[..8], Content::OtlpProto(Framing::Varint, Some(Kind::Logs)), None, (0, 1), &mut refused);
        assert!(cut_off.is_err());
    }
}

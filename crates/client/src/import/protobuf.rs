//! As much protobuf reading as an import needs: walking fields, telling the three OTLP requests apart, framing.

use super::Kind;

/// One field of a message: number, and the bytes of a length-delimited value (wire type 2) or none.
pub(crate) struct Field<'a> {
    /// Field number.
    pub(crate) number: u64,
    /// Wire type.
    pub(crate) wire: u8,
    /// The value of wire type 2.
    pub(crate) bytes: &'a [u8],
    /// The value of wire type 0.
    pub(crate) varint: u64,
    /// Bytes of the whole field, tag included.
    pub(crate) length: usize,
}

/// A base-128 number and how many bytes it took.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// The first field; `None` when the bytes are no message or end early.
pub(crate) fn field(bytes: &[u8]) -> Option<Field<'_>> {
    let (tag, tag_length) = varint(bytes)?;
    let wire = (tag & 7) as u8;
    let rest = bytes.get(tag_length..)?;
    let (value, varint, used): (&[u8], u64, usize) = match wire {
        0 => varint_of(rest)?,
        1 => (&[], 0, rest.get(..8)?.len()),
        2 => {
            let (length, prefix) = varint(rest)?;
            let end = prefix.checked_add(usize::try_from(length).ok()?)?;
            (rest.get(prefix..end)?, 0, end)
        }
        5 => (&[], 0, rest.get(..4)?.len()),
        _ => return None,
    };
    (tag >> 3 > 0).then_some(Field { number: tag >> 3, wire, bytes: value, varint, length: tag_length + used })
}

fn varint_of(bytes: &[u8]) -> Option<(&[u8], u64, usize)> {
    let (value, used) = varint(bytes)?;
    Some((&[], value, used))
}

/// The first length-delimited field `number` of a message, tolerating a cut-off end.
fn child(mut bytes: &[u8], number: u64) -> Option<&[u8]> {
    loop {
        match field(bytes) {
            Some(found) if found.number == number && found.wire == 2 => return Some(found.bytes),
            Some(found) => bytes = bytes.get(found.length..)?,
            None => {
                // The wanted field may be longer than the sample.
                let (tag, used) = varint(bytes)?;
                let (_, prefix) = varint(bytes.get(used..)?)?;
                return (tag == number << 3 | 2).then(|| bytes.get(used + prefix..))?;
            }
        }
    }
}

/// Which request a (possibly cut) OTLP message is, by its first record: logs begin with a fixed64 time, spans with a
/// 16-byte trace id followed by an 8-byte span id, metrics with a name.
pub(crate) fn kind_of(message: &[u8]) -> Option<Kind> {
    let record = child(child(child(message, 1)?, 2)?, 2)?;
    match record {
        [0x09 | 0x59, ..] => Some(Kind::Logs),
        [0x0a, 16, rest @ ..] if rest.get(16..18) == Some(&[0x12, 8]) => Some(Kind::Traces),
        [0x10, _, ..] => Some(Kind::Logs),
        [0x0a, ..] => Some(Kind::Metrics),
        _ => None,
    }
}

/// How messages follow each other in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// The file is one message.
    Whole,
    /// A varint length before each message.
    Varint,
    /// Four bytes of big-endian length before each message (the collector's file exporter).
    BigEndian,
}

/// The framing of a sample and the kind of its first message.
pub(crate) fn framing_of(sample: &[u8]) -> Option<(Framing, Kind)> {
    let (_, prefix) = varint(sample)?;
    let candidates = [
        (Framing::Whole, Some(sample)),
        (Framing::Varint, sample.get(prefix..)),
        (Framing::BigEndian, sample.get(4..)),
    ];
    candidates.into_iter().find_map(|(framing, message)| {
        let message = message.filter(|message| message.first() == Some(&0x0a))?;
        kind_of(message).map(|kind| (framing, kind))
    })
}

/// Length of the next framed message and of its prefix.
pub(crate) fn frame(bytes: &[u8], framing: Framing) -> Option<(usize, usize)> {
    match framing {
        Framing::Whole => Some((0, bytes.len())),
        Framing::Varint => varint(bytes).and_then(|(length, prefix)| Some((prefix, usize::try_from(length).ok()?))),
        Framing::BigEndian => {
            let prefix: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
            Some((4, usize::try_from(u32::from_be_bytes(prefix)).ok()?))
        }
    }
}

/// Rejected records and message of an `Export*ServiceResponse` (partial success).
pub(crate) fn partial_success(reply: &[u8]) -> Option<(u64, String)> {
    let mut rest = child(reply, 1)?;
    let (mut rejected, mut message) = (0, String::new());
    while let Some(found) = field(rest) {
        match (found.number, found.wire) {
            (1, 0) => rejected = found.varint,
            (2, 2) => message = String::from_utf8_lossy(found.bytes).into_owned(),
            _ => {}
        }
        rest = rest.get(found.length..)?;
    }
    Some((rejected, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{self, Value, Writer};

    pub(crate) fn spans() -> Vec<u8> {
        let span = otlp::Span {
            trace_id: [7; 16],
            span_id: [8; 8],
            parent: None,
            name: "a".into(),
            kind: otlp::Kind::Server,
            start_ns: 1,
            end_ns: 2,
            attributes: vec![],
            events: vec![],
            error: None,
        };
        let mut writer = Writer::default();
        writer.resource(&[("service.name", Value::Static("x"))], "s", |w| w.span(&span));
        writer.into_bytes()
    }

    fn metrics() -> Vec<u8> {
        let mut writer = Writer::default();
        writer.resource(&[], "s", |w| {
            w.metric("requests", "1", |w| w.gauge(|w| w.number_point(&[], 1, 2, &Value::Double(1.0))));
        });
        writer.into_bytes()
    }

    #[test]
    fn the_three_requests_and_the_three_framings() {
        assert_eq!(framing_of(&spans()), Some((Framing::Whole, Kind::Traces)));
        assert_eq!(framing_of(&metrics()), Some((Framing::Whole, Kind::Metrics)));
        let mut delimited = vec![spans().len() as u8];
        delimited.extend(spans());
        assert_eq!(framing_of(&delimited), Some((Framing::Varint, Kind::Traces)));
        let mut framed = (spans().len() as u32).to_be_bytes().to_vec();
        framed.extend(spans());
        assert_eq!(framing_of(&framed), Some((Framing::BigEndian, Kind::Traces)));
        assert_eq!(framing_of(b"\nHello, World!\n\nHow are you?"), None);
        assert_eq!(framing_of(b""), None);
    }

    #[test]
    fn a_cut_sample_is_still_recognised() {
        let whole = spans();
        assert_eq!(kind_of(&whole[..whole.len() - 5]), Some(Kind::Traces));
    }

    #[test]
    fn partial_successes() {
        let mut writer = Writer::default();
        writer.message(1, |w| {
            w.uint(1, 3);
            w.bytes(2, b"too old");
        });
        assert_eq!(partial_success(&writer.into_bytes()), Some((3, "too old".into())));
        assert_eq!(partial_success(b""), None);
    }
}

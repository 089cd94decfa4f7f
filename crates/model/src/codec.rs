//! A batch as bytes: the payload of a write-ahead-log record (docs/formats/wal.md).
//!
//! Version 1: `u8 version | u8 signal | u32 rows`, then every fixed column in table order, then the attribute lists of
//! records, resources and scopes, then the two reference columns. A vector is `u32 count` and its little-endian
//! values; text is its ends and its bytes. Decoding checks every length and reference before use, so bytes that pass
//! a checksum by accident give an error, never a panic or a wrong row.

use crate::attributes::Attributes;
use crate::batch::{Batch, Column};
use crate::limits::ENCODED_BATCH_BYTES_MAX;
use crate::signal::{ColumnType, Signal};

const VERSION: u8 = 1;

/// Why bytes are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodecError(pub &'static str);

impl std::fmt::Display for CodecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the encoded batch is damaged: {}", self.0)
    }
}

impl std::error::Error for CodecError {}

/// Appends `batch` to `out`.
pub fn encode(batch: &Batch, out: &mut Vec<u8>) {
    out.reserve(batch.size_bytes() + 256);
    out.push(VERSION);
    out.push(batch.signal as u8);
    put_u32(out, batch.rows());
    for column in &batch.columns {
        match column {
            Column::Int(values) => put_all(out, values, |v| v.to_le_bytes()),
            Column::Double(values) => put_all(out, values, |v| v.to_le_bytes()),
            Column::Text { ends, data } => {
                put_all(out, ends, |v| v.to_le_bytes());
                put_bytes(out, data);
            }
            Column::Id16(values) => put_all(out, values, |v| *v),
            Column::Id8(values) => put_all(out, values, |v| *v),
        }
    }
    for attributes in [&batch.attributes, &batch.resources, &batch.scopes] {
        encode_attributes(attributes, out);
    }
    put_all(out, &batch.resource, |v| v.to_le_bytes());
    put_all(out, &batch.scope, |v| v.to_le_bytes());
}

fn encode_attributes(attributes: &Attributes, out: &mut Vec<u8>) {
    put_u32(out, attributes.keys().len());
    for key in attributes.keys() {
        put_bytes(out, key.as_bytes());
    }
    let (offsets, key, kind, number, arena) = attributes.parts();
    put_all(out, offsets, |v| v.to_le_bytes());
    put_all(out, key, |v| v.to_le_bytes());
    put_bytes(out, kind);
    put_all(out, number, |v| v.to_le_bytes());
    put_bytes(out, arena);
}

fn put_u32(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&u32::try_from(value).expect("counts of a bounded batch fit u32").to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_all<T, const N: usize>(out: &mut Vec<u8>, values: &[T], bytes: impl Fn(&T) -> [u8; N]) {
    put_u32(out, values.len());
    let start = out.len();
    out.resize(start + values.len() * N, 0);
    for (to, from) in out[start..].chunks_exact_mut(N).zip(values) {
        to.copy_from_slice(&bytes(from));
    }
}

/// Reads back what [`encode`] wrote; all of `bytes` must be used.
pub fn decode(bytes: &[u8]) -> Result<Batch, CodecError> {
    if bytes.len() > ENCODED_BATCH_BYTES_MAX {
        return Err(CodecError("longer than any batch"));
    }
    let mut reader = Reader { rest: bytes };
    if reader.take(1)? != [VERSION] {
        return Err(CodecError("unknown version"));
    }
    let signal = Signal::from_number(reader.take(1)?[0]).ok_or(CodecError("unknown signal"))?;
    let rows = reader.u32()?;
    let mut columns = Vec::with_capacity(signal.columns().len());
    for spec in signal.columns() {
        columns.push(decode_column(spec.kind, &mut reader)?);
    }
    let batch = Batch {
        signal,
        columns,
        attributes: decode_attributes(&mut reader)?,
        resources: decode_attributes(&mut reader)?,
        scopes: decode_attributes(&mut reader)?,
        resource: reader.all(u32::from_le_bytes)?,
        scope: reader.all(u32::from_le_bytes)?,
    };
    if !reader.rest.is_empty() || batch.rows() != rows || !batch.check() {
        return Err(CodecError("counts disagree"));
    }
    Ok(batch)
}

fn decode_column(kind: ColumnType, reader: &mut Reader<'_>) -> Result<Column, CodecError> {
    Ok(match kind {
        ColumnType::Time | ColumnType::Int | ColumnType::NullableInt => Column::Int(reader.all(i64::from_le_bytes)?),
        ColumnType::Double => Column::Double(reader.all(f64::from_le_bytes)?),
        ColumnType::Id16 => Column::Id16(reader.all(|b: [u8; 16]| b)?),
        ColumnType::Id8 => Column::Id8(reader.all(|b: [u8; 8]| b)?),
        ColumnType::Text => {
            let ends: Vec<u32> = reader.all(u32::from_le_bytes)?;
            let data = reader.bytes()?.to_vec();
            let text = std::str::from_utf8(&data).map_err(|_| CodecError("text is not UTF-8"))?;
            let ordered = ends.windows(2).all(|w| w[0] <= w[1]);
            let at_borders = ends.iter().all(|&end| text.is_char_boundary(end as usize));
            if !ordered || !at_borders || ends.last().map_or(0, |&end| end as usize) != data.len() {
                return Err(CodecError("text ends disagree"));
            }
            Column::Text { ends, data }
        }
    })
}

fn decode_attributes(reader: &mut Reader<'_>) -> Result<Attributes, CodecError> {
    let count = reader.u32()?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let name = std::str::from_utf8(reader.bytes()?).map_err(|_| CodecError("a name is not UTF-8"))?;
        keys.push(name.into());
    }
    Attributes::from_parts(
        keys,
        reader.all(u32::from_le_bytes)?,
        reader.all(u32::from_le_bytes)?,
        reader.bytes()?.to_vec(),
        reader.all(u64::from_le_bytes)?,
        reader.bytes()?.to_vec(),
    )
    .ok_or(CodecError("attributes point outside"))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(CodecError("it ends early"))?;
        self.rest = rest;
        Ok(head)
    }

    fn u32(&mut self) -> Result<usize, CodecError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let count = self.u32()?;
        self.take(count)
    }

    fn all<T, const N: usize>(&mut self, value: impl Fn([u8; N]) -> T) -> Result<Vec<T>, CodecError> {
        let count = self.u32()?;
        let bytes = self.take(count.checked_mul(N).ok_or(CodecError("a count is absurd"))?)?;
        Ok(bytes.chunks_exact(N).map(|chunk| value(chunk.try_into().expect("chunks_exact gives N bytes"))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::Value;
    use crate::batch::LogRecord;

    fn sample() -> Batch {
        let mut batch = Batch::new(Signal::Logs);
        batch.resource_attribute("service.name", Value::Text("shop"));
        let resource = batch.end_resource();
        for i in 0..5i64 {
            batch.attribute("n", Value::Int(i));
            batch.attribute("t", Value::Text("日本"));
            batch.attribute("f", Value::Double(0.5));
            let record = LogRecord {
                time: i + 1,
                service: "shop",
                body: "order 17 placed",
                trace_id: [7; 16],
                ..LogRecord::default()
            };
            batch.push_log(resource, 0, &record);
        }
        batch
    }

    #[test]
    fn batches_round_trip() {
        let mut bytes = Vec::new();
        encode(&sample(), &mut bytes);
        let back = decode(&bytes).expect("just encoded");
        assert_eq!(back.columns, sample().columns);
        assert_eq!(back.attributes.get(3, 0), Some(Value::Int(3)));
        let mut again = Vec::new();
        encode(&back, &mut again);
        assert_eq!(bytes, again);
    }

    #[test]
    fn no_damage_panics() {
        let mut bytes = Vec::new();
        encode(&sample(), &mut bytes);
        for at in 0..bytes.len() {
            let _ = decode(&bytes[..at]);
            for bit in [1, 0x80] {
                let mut damaged = bytes.clone();
                damaged[at] ^= bit;
                if let Ok(batch) = decode(&damaged) {
                    assert!(batch.check());
                    for row in 0..batch.rows() {
                        assert!(batch.attributes.row(row).count() <= 15);
                    }
                }
            }
        }
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    }
}

//! `LogRecord` of logs.proto.

use super::{Decoder, any_value, text};
use crate::otlp::wire::{Field, Message, int32, uint32};
use crate::record::{Fault, Id, RawLog};

impl Decoder<'_> {
    /// Adds one log record.
    pub(super) fn log(&mut self, mut record: Message<'_>) -> Result<(), Fault> {
        let mut raw = RawLog::default();
        while let Some((number, field)) = record.next()? {
            match (number, field) {
                (1, Field::Fixed64(time)) => raw.time = time,
                (2, Field::Varint(severity)) => raw.severity_number = int32(severity),
                (3, Field::Bytes(severity)) => raw.severity_text = text(severity, &mut self.sink.report),
                (5, Field::Bytes(body)) => {
                    raw.body = any_value(body, &mut self.scratch.body, &mut self.sink.report)?;
                }
                (6, Field::Bytes(attribute)) => self.attribute(attribute)?,
                (7, Field::Varint(dropped)) => raw.dropped = uint32(dropped),
                (8, Field::Fixed32(flags)) => raw.flags = i64::from(flags),
                (9, Field::Bytes(id)) => raw.trace_id = Id::from_bytes(id.bytes()),
                (10, Field::Bytes(id)) => raw.span_id = Id::from_bytes(id.bytes()),
                (11, Field::Fixed64(time)) => raw.observed = time,
                (12, Field::Bytes(name)) => raw.event_name = text(name, &mut self.sink.report),
                (1..=3 | 5..=12, _) => return Err(record.mismatch().into()),
                _ => {}
            }
        }
        self.sink.push_log(&self.origin, &raw, &self.scratch.body)
    }
}

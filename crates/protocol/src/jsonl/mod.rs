//! JSON lines: one object a line, any shape, to log records.
//!
//! Nested objects become attributes with dotted names, arrays stay JSON. [`Mapping`] says which fields fill the fixed
//! columns; a field whose value does not fit its column (an id that is not hexadecimal, a time that cannot be read)
//! stays an attribute. A broken line is refused by its number and the others are kept. A body that starts with `[` is
//! one array of objects; there a syntax error refuses the request, as nothing behind it can be trusted.

mod fields;
mod mapping;

use std::borrow::Cow;

use clewline_model::attributes::Value;
use clewline_model::limits::NESTING_DEPTH_MAX;
use clewline_model::signal::{Signal, level_of_text};

pub use mapping::{FieldNames, Mapping};

use crate::json::{Kind, Number, Reader};
use crate::record::{Any, Fault, Id, Origin, RawLog, Sink, TOO_DEEP};
use crate::report::DecodeError;
use crate::{Context, Decoded, text, time};
use fields::{FieldId, Fields};
use mapping::{ROLES, Role};

/// JSON lines, or one JSON array of objects, to log records.
pub fn decode(body: &[u8], mapping: &Mapping, context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = Sink::new(Signal::Logs, context);
    let mut rows = Rows::new(mapping);
    if body.trim_ascii_start().first() == Some(&b'[') {
        decode_array(body, &mut rows, &mut sink)?;
    } else {
        // Checked once for all lines; if that fails, each line is looked at by itself.
        let checked = std::str::from_utf8(body).ok();
        for (number, range) in text::line_ranges(body).enumerate() {
            sink.expect_rest(range.start, body.len());
            let line = &body[range.clone()];
            if line.trim_ascii().is_empty() {
                continue;
            }
            let reader = checked.and_then(|text| text.get(range)).map_or_else(|| Reader::new(line), Reader::of_text);
            match rows.push_alone(&mut sink, reader, "") {
                Ok(()) => {}
                Err(Fault::Request(error)) if error.is_too_large() => return Err(error),
                Err(fault) => sink.reject(|| format!("line {}", number + 1), reason(fault)),
            }
        }
    }
    Ok(sink.finish())
}

/// What is wrong with a line, for its sender.
fn reason(fault: Fault) -> Cow<'static, str> {
    match fault {
        Fault::Record(message) => message,
        Fault::Request(DecodeError::Malformed { offset, message }) => {
            format!("not JSON at column {}: {message}", offset.saturating_add(1)).into()
        }
        Fault::Request(DecodeError::TooDeep { .. }) => TOO_DEEP.into(),
        Fault::Request(error) => error.to_string().into(),
    }
}

fn decode_array(body: &[u8], rows: &mut Rows<'_>, sink: &mut Sink<'_>) -> Result<(), DecodeError> {
    let mut reader = Reader::new(body);
    reader.begin_array()?;
    let mut first = true;
    let mut number = 0usize;
    while reader.element(&mut first)? {
        let start = reader.offset();
        match rows.push(sink, &mut reader, "") {
            Ok(()) => {}
            Err(Fault::Request(error @ (DecodeError::Malformed { .. } | DecodeError::TooLarge { .. }))) => {
                return Err(error);
            }
            Err(fault) => {
                sink.reject(|| format!("record {}", number + 1), reason(fault));
                reader.seek(start);
                reader.skip()?;
            }
        }
        number += 1;
    }
    reader.end()?;
    sink.report.warnings.text_repaired += reader.repaired;
    Ok(())
}

/// A field that may fill a column.
#[derive(Debug)]
struct Candidate<'a> {
    rank: usize,
    field: FieldId,
    /// Its name, where `field` will not be valid any more.
    name: Option<Box<str>>,
    value: Any<'a>,
    read: Read,
}

/// A value as its column takes it, read once.
#[derive(Debug, Clone, Copy)]
enum Read {
    /// Nothing but the value is needed.
    AsIs,
    Time(u64),
    TraceId([u8; 16]),
    SpanId([u8; 8]),
}

/// What a record fills its columns with.
#[derive(Debug, Default)]
struct Found<'a> {
    candidates: [Option<Candidate<'a>>; ROLES],
    /// A field for the time was there and could not be read.
    bad_time: bool,
}

impl<'a> Found<'a> {
    fn take(&mut self, role: Role) -> Option<Candidate<'a>> {
        self.candidates[role as usize].take()
    }

    fn take_value(&mut self, role: Role) -> Option<Any<'a>> {
        self.take(role).map(|candidate| candidate.value)
    }

    fn take_time(&mut self, role: Role) -> u64 {
        match self.take(role) {
            Some(Candidate { read: Read::Time(time), .. }) => time,
            _ => 0,
        }
    }
}

/// Turns JSON objects into rows; holds what is reused from row to row.
#[derive(Debug)]
pub(crate) struct Rows<'m> {
    mapping: &'m Mapping,
    /// The fields seen in this batch.
    fields: Fields,
    /// JSON of an array.
    scratch: String,
    /// JSON of an array that is the message.
    body: String,
    /// Service of the record.
    origin: Origin,
}

impl<'m> Rows<'m> {
    /// For one batch: its numbers of names are remembered.
    pub(crate) fn new(mapping: &'m Mapping) -> Rows<'m> {
        Rows { mapping, fields: Fields::new(), scratch: String::new(), body: String::new(), origin: Origin::default() }
    }

    /// Adds the object that is the whole of `line`. After an error the record is still open: reject it.
    pub(crate) fn push_line(&mut self, sink: &mut Sink<'_>, line: &[u8], node: &str) -> Result<(), Fault> {
        self.push_alone(sink, Reader::new(line), node)
    }

    fn push_alone(&mut self, sink: &mut Sink<'_>, mut reader: Reader<'_>, node: &str) -> Result<(), Fault> {
        if reader.peek()? != Kind::Object {
            return Err(Fault::Record("a JSON object was expected".into()));
        }
        self.read(sink, &mut reader, node, true)?;
        sink.report.warnings.text_repaired += reader.repaired;
        Ok(())
    }

    /// Adds the object that comes next.
    fn push(&mut self, sink: &mut Sink<'_>, reader: &mut Reader<'_>, node: &str) -> Result<(), Fault> {
        if reader.peek()? != Kind::Object {
            return Err(Fault::Record("a JSON object was expected".into()));
        }
        self.read(sink, reader, node, false)
    }

    fn read(&mut self, sink: &mut Sink<'_>, reader: &mut Reader<'_>, node: &str, alone: bool) -> Result<(), Fault> {
        let mut found = Found::default();
        self.fields.begin_record();
        self.object(sink, reader, &mut found, FieldId::ROOT, 1)?;
        if alone {
            reader.end()?;
        }
        self.finish(sink, &mut found, node)
    }

    fn object<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        reader: &mut Reader<'a>,
        found: &mut Found<'a>,
        parent: FieldId,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth > NESTING_DEPTH_MAX {
            return Err(Fault::Record(TOO_DEEP.into()));
        }
        let (mut first, mut empty, mut before) = (true, true, None);
        reader.begin_object()?;
        while reader.member(&mut first)? {
            empty = false;
            let field = match self.fields.guess(parent, before, |written| reader.guess(written)) {
                Some(field) => field,
                None => self.other_key(reader, parent, before)?,
            };
            match reader.peek()? {
                Kind::Object => self.object(sink, reader, found, field, depth + 1)?,
                kind => {
                    let value = self.scalar(reader, kind)?;
                    match self.fields.role(field) {
                        None => self.fields.push(field, value.value(&self.scratch), &mut sink.batch.attributes),
                        Some((role, rank)) => self.candidate(sink, found, role, rank, field, value),
                    }
                }
            }
            if self.fields.is_temporary(field) {
                self.fields.forget(field);
            } else {
                before = Some(field);
            }
        }
        // An object without members would vanish.
        if empty && depth > 1 {
            self.fields.push(parent, Value::Json("{}"), &mut sink.batch.attributes);
        }
        Ok(())
    }

    /// A key that was not the one to expect.
    fn other_key(
        &mut self,
        reader: &mut Reader<'_>,
        parent: FieldId,
        before: Option<FieldId>,
    ) -> Result<FieldId, Fault> {
        let repaired = reader.repaired;
        let (key, written) = reader.key_here()?;
        // A key that had to be repaired is counted every time.
        let written = if reader.repaired == repaired { written } else { b"" };
        Ok(self.fields.find(parent, before, &key, written, self.mapping))
    }

    /// A value that is not an object; JSON of an array goes to `scratch`.
    fn scalar<'a>(&mut self, reader: &mut Reader<'a>, kind: Kind) -> Result<Any<'a>, Fault> {
        Ok(match kind {
            Kind::String => Any::Text(reader.string()?),
            Kind::Bool => Any::Bool(reader.boolean()?),
            Kind::Null => {
                reader.null()?;
                Any::Null
            }
            Kind::Number => match reader.number()? {
                Number::Int(int) => Any::Int(int),
                Number::Double(double) => Any::Double(double),
                // What fits no number is kept digit by digit.
                Number::Unsigned(int) => Any::Text(Cow::Owned(int.to_string())),
                Number::Other(text) => Any::Text(Cow::Borrowed(text)),
            },
            Kind::Array | Kind::Object => {
                self.scratch.clear();
                reader.copy(&mut self.scratch, 1)?;
                Any::Json
            }
        })
    }

    /// Keeps the better of two fields for a column; the other one becomes an attribute.
    fn candidate<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        found: &mut Found<'a>,
        role: Role,
        rank: usize,
        field: FieldId,
        value: Any<'a>,
    ) {
        let slot = &mut found.candidates[role as usize];
        let better = slot.as_ref().is_none_or(|held| held.rank > rank);
        let read = read(role, &value);
        let Some(read) = read.filter(|_| better) else {
            found.bad_time |= role == Role::Time && read.is_none() && !matches!(value, Any::Null);
            self.fields.push(field, value.value(&self.scratch), &mut sink.batch.attributes);
            return;
        };
        if let Some(loser) = slot.take() {
            let value = loser.value.value(&self.body);
            match loser.name {
                Some(name) => sink.batch.attribute(&name, value),
                None => self.fields.push(loser.field, value, &mut sink.batch.attributes),
            }
        }
        if matches!(value, Any::Json) {
            std::mem::swap(&mut self.body, &mut self.scratch);
        }
        let name = self.fields.is_temporary(field).then(|| self.fields.name(field).into());
        *slot = Some(Candidate { rank, field, name, value, read });
    }

    /// Closes the record.
    fn finish(&mut self, sink: &mut Sink<'_>, found: &mut Found<'_>, node: &str) -> Result<(), Fault> {
        let mut raw = RawLog {
            time: found.take_time(Role::Time),
            observed: found.take_time(Role::ObservedTime),
            body: found.take_value(Role::Message).unwrap_or(Any::Null),
            ..RawLog::default()
        };
        sink.report.warnings.times_replaced += u64::from(found.bad_time && raw.time == 0);
        if let Some(Read::TraceId(id)) = found.take(Role::TraceId).map(|candidate| candidate.read) {
            raw.trace_id = Id::Given(id);
        }
        if let Some(Read::SpanId(id)) = found.take(Role::SpanId).map(|candidate| candidate.read) {
            raw.span_id = Id::Given(id);
        }
        match found.take_value(Role::Level) {
            Some(Any::Text(text)) => raw.severity_text = text,
            Some(Any::Int(number)) => {
                raw.severity_text = Cow::Owned(number.to_string());
                raw.severity_number = severity_of_level(number);
            }
            _ => {}
        }
        if let Some(Any::Int(number)) = found.take_value(Role::SeverityNumber) {
            raw.severity_number = number;
        } else if let Some((_, number)) = level_of_text(&raw.severity_text) {
            raw.severity_number = number;
        }
        match found.take_value(Role::Service) {
            Some(Any::Text(service)) => Origin::set(&mut self.origin.service, &service, &mut sink.report),
            _ => Origin::set(&mut self.origin.service, self.mapping.default_service(), &mut sink.report),
        }
        let named = match found.take_value(Role::Node) {
            Some(Any::Text(named)) => named,
            _ => Cow::Borrowed(node),
        };
        let raw = RawLog { node: &named, ..raw };
        sink.push_log(&self.origin, &raw, &self.body)
    }
}

/// What a column takes of a value; `None` when something would be lost.
fn read(role: Role, value: &Any<'_>) -> Option<Read> {
    let fits = match (role, value) {
        (Role::Time | Role::ObservedTime, value) => return time_of(value).map(Read::Time),
        (Role::TraceId, Any::Text(text)) => {
            return if let Id::Given(id) = Id::from_hex(text.as_bytes()) { Some(Read::TraceId(id)) } else { None };
        }
        (Role::SpanId, Any::Text(text)) => {
            return if let Id::Given(id) = Id::from_hex(text.as_bytes()) { Some(Read::SpanId(id)) } else { None };
        }
        (Role::Message, value) => !matches!(value, Any::Null),
        (Role::Level, Any::Text(_)) => true,
        (Role::Level, Any::Int(number)) => severity_of_level(*number) != 0,
        (Role::SeverityNumber, Any::Int(number)) => (1..=24).contains(number),
        (Role::Service | Role::Node, Any::Text(text)) => !text.is_empty(),
        _ => false,
    };
    fits.then_some(Read::AsIs)
}

fn time_of(value: &Any<'_>) -> Option<u64> {
    let time = match value {
        Any::Text(text) => time::parse(text),
        Any::Int(int) => time::epoch_of_int(*int),
        Any::Double(double) => time::epoch(&format!("{double}")),
        _ => None,
    };
    time.and_then(|time| u64::try_from(time).ok())
}

/// The severity number of a numeric level: 10, 20…60 of pino and bunyan, 0–7 of syslog and GELF; 0 for others.
fn severity_of_level(level: i64) -> i64 {
    match level {
        10 | 20 | 30 | 40 | 50 | 60 => (level / 10 - 1) * 4 + 1,
        0..=7 => crate::syslog::SEVERITIES[level as usize].1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;

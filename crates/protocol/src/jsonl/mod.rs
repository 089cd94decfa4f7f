//! JSON lines: one object a line, any shape, to log records.
//!
//! Nested objects become attributes with dotted names, arrays stay JSON. [`Mapping`] says which fields fill the fixed
//! columns; a field whose value does not fit its column (an id that is not hexadecimal, a time that cannot be read)
//! stays an attribute. A broken line is refused by its number and the others are kept. A body that starts with `[` is
//! one array of objects; there a syntax error refuses the request, as nothing behind it can be trusted.

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
use mapping::{ROLES, Role};

/// JSON lines, or one JSON array of objects, to log records.
pub fn decode(body: &[u8], mapping: &Mapping, context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = Sink::new(Signal::Logs, context);
    let mut rows = Rows::new(mapping);
    if body.trim_ascii_start().first() == Some(&b'[') {
        decode_array(body, &mut rows, &mut sink)?;
    } else {
        for (number, line) in text::lines(body).enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match rows.push_line(&mut sink, line, "") {
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
#[derive(Debug, Default)]
struct Candidate<'a> {
    rank: usize,
    name: Cow<'a, str>,
    value: Any<'a>,
}

type Candidates<'a> = [Option<Candidate<'a>>; ROLES];

/// Turns JSON objects into rows; holds what is reused from row to row.
#[derive(Debug)]
pub(crate) struct Rows<'m> {
    mapping: &'m Mapping,
    /// Dotted name of the value being read.
    path: String,
    /// JSON of an array.
    scratch: String,
    /// JSON of an array that is the message.
    body: String,
    /// Service of the record.
    origin: Origin,
}

impl<'m> Rows<'m> {
    pub(crate) fn new(mapping: &'m Mapping) -> Rows<'m> {
        Rows { mapping, path: String::new(), scratch: String::new(), body: String::new(), origin: Origin::default() }
    }

    /// Adds the object that is the whole of `line`. After an error the record is still open: reject it.
    pub(crate) fn push_line(&mut self, sink: &mut Sink<'_>, line: &[u8], node: &str) -> Result<(), Fault> {
        let mut reader = Reader::new(line);
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
        let mut found = Candidates::default();
        self.path.clear();
        let mut bad_time = false;
        self.object(sink, reader, &mut found, &mut bad_time, 1)?;
        if alone {
            reader.end()?;
        }
        self.finish(sink, found, bad_time, node)
    }

    fn object<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        reader: &mut Reader<'a>,
        found: &mut Candidates<'a>,
        bad_time: &mut bool,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth > NESTING_DEPTH_MAX {
            return Err(Fault::Record(TOO_DEEP.into()));
        }
        let length = self.path.len();
        let mut first = true;
        let mut members = 0usize;
        reader.begin_object()?;
        while let Some(key) = reader.key(&mut first)? {
            members += 1;
            let kind = reader.peek()?;
            if kind != Kind::Object && depth == 1 {
                let value = self.scalar(reader, kind)?;
                self.field(sink, found, bad_time, key, value);
                continue;
            }
            if depth > 1 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if kind == Kind::Object {
                self.object(sink, reader, found, bad_time, depth + 1)?;
            } else {
                let value = self.scalar(reader, kind)?;
                let name = std::mem::take(&mut self.path);
                self.nested_field(sink, found, bad_time, &name, value);
                self.path = name;
            }
            self.path.truncate(length);
        }
        // An object without members would vanish.
        if members == 0 && depth > 1 {
            sink.batch.attribute(&self.path, Value::Json("{}"));
        }
        Ok(())
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

    /// A field of the outer object: its name borrows from the line.
    #[inline]
    fn field<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        found: &mut Candidates<'a>,
        bad_time: &mut bool,
        name: Cow<'a, str>,
        value: Any<'a>,
    ) {
        match self.mapping.role(&name) {
            None => sink.batch.attribute(&name, value.value(&self.scratch)),
            Some((role, rank)) => self.candidate(sink, found, bad_time, role, Candidate { rank, name, value }),
        }
    }

    /// A field of an inner object: its name is composed.
    fn nested_field<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        found: &mut Candidates<'a>,
        bad_time: &mut bool,
        name: &str,
        value: Any<'a>,
    ) {
        match self.mapping.role(name) {
            None => sink.batch.attribute(name, value.value(&self.scratch)),
            Some((role, rank)) => {
                let candidate = Candidate { rank, name: Cow::Owned(name.to_owned()), value };
                self.candidate(sink, found, bad_time, role, candidate);
            }
        }
    }

    /// Keeps the better of two fields for a column; the other one becomes an attribute.
    fn candidate<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        found: &mut Candidates<'a>,
        bad_time: &mut bool,
        role: Role,
        candidate: Candidate<'a>,
    ) {
        if !fits(role, &candidate.value) {
            *bad_time |= role == Role::Time && !matches!(candidate.value, Any::Null);
            sink.batch.attribute(&candidate.name, candidate.value.value(&self.scratch));
            return;
        }
        let slot = &mut found[role as usize];
        if slot.as_ref().is_some_and(|held| held.rank <= candidate.rank) {
            sink.batch.attribute(&candidate.name, candidate.value.value(&self.scratch));
            return;
        }
        if let Some(loser) = slot.take() {
            sink.batch.attribute(&loser.name, loser.value.value(&self.body));
        }
        if matches!(candidate.value, Any::Json) {
            std::mem::swap(&mut self.body, &mut self.scratch);
        }
        *slot = Some(candidate);
    }

    /// Closes the record.
    fn finish<'a>(
        &mut self,
        sink: &mut Sink<'_>,
        mut found: Candidates<'a>,
        bad_time: bool,
        node: &str,
    ) -> Result<(), Fault> {
        let mut take = |role: Role| found[role as usize].take().map(|candidate| candidate.value);
        let mut raw = RawLog {
            time: take(Role::Time).and_then(|value| time_of(&value)).unwrap_or(0),
            observed: take(Role::ObservedTime).and_then(|value| time_of(&value)).unwrap_or(0),
            body: take(Role::Message).unwrap_or(Any::Null),
            ..RawLog::default()
        };
        sink.report.warnings.times_replaced += u64::from(bad_time && raw.time == 0);
        if let Some(Any::Text(id)) = take(Role::TraceId) {
            raw.trace_id = Id::from_hex(id.as_bytes());
        }
        if let Some(Any::Text(id)) = take(Role::SpanId) {
            raw.span_id = Id::from_hex(id.as_bytes());
        }
        match take(Role::Level) {
            Some(Any::Text(text)) => raw.severity_text = text,
            Some(Any::Int(number)) => {
                raw.severity_text = Cow::Owned(number.to_string());
                raw.severity_number = severity_of_level(number);
            }
            _ => {}
        }
        if let Some(Any::Int(number)) = take(Role::SeverityNumber) {
            raw.severity_number = number;
        } else if let Some((_, number)) = level_of_text(&raw.severity_text) {
            raw.severity_number = number;
        }
        match take(Role::Service) {
            Some(Any::Text(service)) => Origin::set(&mut self.origin.service, &service, &mut sink.report),
            _ => Origin::set(&mut self.origin.service, self.mapping.default_service(), &mut sink.report),
        }
        let named = match take(Role::Node) {
            Some(Any::Text(named)) => named,
            _ => Cow::Borrowed(node),
        };
        let raw = RawLog { node: &named, ..raw };
        sink.push_log(&self.origin, &raw, &self.body)
    }
}

/// True when a value can fill a column without losing anything.
fn fits(role: Role, value: &Any<'_>) -> bool {
    match (role, value) {
        (Role::Time | Role::ObservedTime, value) => time_of(value).is_some(),
        (Role::Message, value) => !matches!(value, Any::Null),
        (Role::Level, Any::Text(_)) => true,
        (Role::Level, Any::Int(number)) => severity_of_level(*number) != 0,
        (Role::SeverityNumber, Any::Int(number)) => (1..=24).contains(number),
        (Role::Service | Role::Node, Any::Text(text)) => !text.is_empty(),
        (Role::TraceId, Any::Text(text)) => matches!(Id::<16>::from_hex(text.as_bytes()), Id::Given(_)),
        (Role::SpanId, Any::Text(text)) => matches!(Id::<8>::from_hex(text.as_bytes()), Id::Given(_)),
        _ => false,
    }
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

//! OTLP requests in protobuf, decoded straight into a batch: no message tree, no allocation per attribute.
//!
//! The three requests share their outer shape: request → resource → scope → records. Fields may come in any order, so
//! a container is read twice: once for what its records need (resource, scope, schema), once for the records; skipping
//! a field costs its length prefix only. Field numbers are those of opentelemetry-proto v1; unknown fields are skipped.

mod logs;
mod metrics;
mod spans;

use std::borrow::Cow;

use clewline_model::attributes::Value;
use clewline_model::json;
use clewline_model::limits::NESTING_DEPTH_MAX;
use clewline_model::signal::Signal;

use crate::otlp::parts::Group;
use crate::otlp::wire::{Field, Message};
use crate::otlp::{DROPPED_ATTRIBUTES_KEY, Place, SCHEMA_URL_KEY, SERVICE_KEY, Scratch};
use crate::record::{Any, Fault, Origin, Sink, TOO_DEEP};
use crate::report::{DecodeError, Rejections};
use crate::{Context, Decoded};

/// A request being decoded.
struct Decoder<'c> {
    sink: Sink<'c>,
    origin: Origin,
    scratch: Scratch,
    place: Place,
    request_bytes: usize,
}

/// Decodes a request of `signal`.
pub(super) fn decode(signal: Signal, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder {
        sink: Sink::new(signal, context),
        origin: Origin::default(),
        scratch: Scratch::default(),
        place: Place::new(signal),
        request_bytes: body.len(),
    };
    let mut request = Message::new(body);
    while let Some((number, field)) = request.next()? {
        match (number, field) {
            (1, Field::Bytes(resource)) => {
                decoder.resource_records(resource)?;
                decoder.place.resource += 1;
            }
            (1, _) => return Err(request.mismatch()),
            _ => {}
        }
    }
    Ok(decoder.sink.finish())
}

impl Decoder<'_> {
    /// `ResourceLogs`, `ResourceSpans` or `ResourceMetrics`.
    fn resource_records(&mut self, container: Message<'_>) -> Result<(), DecodeError> {
        self.origin.begin_resource();
        let mut has_scopes = false;
        let mut fields = container;
        while let Some((number, field)) = fields.next()? {
            match (number, field) {
                (1, Field::Bytes(resource)) => self.resource(resource)?,
                (2, Field::Bytes(_)) => has_scopes = true,
                (3, Field::Bytes(url)) => {
                    let url = text(url, &mut self.sink.report);
                    if !url.is_empty() {
                        self.sink.batch.resource_attribute(SCHEMA_URL_KEY, Value::Text(&url));
                    }
                }
                (1..=3, _) => return Err(fields.mismatch()),
                _ => {}
            }
        }
        if !has_scopes {
            self.sink.batch.resources.abort_row();
            return Ok(());
        }
        self.origin.resource = self.sink.batch.end_resource();
        let mut fields = container;
        self.place.scope = 0;
        while let Some((number, field)) = fields.next()? {
            if let (2, Field::Bytes(scope)) = (number, field) {
                self.scope_records(scope)?;
                self.place.scope += 1;
            }
        }
        Ok(())
    }

    fn resource(&mut self, mut resource: Message<'_>) -> Result<(), DecodeError> {
        let Decoder { sink, scratch, origin, .. } = self;
        while let Some((number, field)) = resource.next()? {
            match (number, field) {
                (1, Field::Bytes(attribute)) => {
                    let Some((key, value)) = shared_attribute(attribute, &mut scratch.value, &mut sink.report)? else {
                        continue;
                    };
                    let value = value.value(&scratch.value);
                    if key == SERVICE_KEY {
                        origin.name_service(value, &mut sink.report);
                    }
                    sink.batch.resource_attribute(&key, value);
                }
                (2, Field::Varint(dropped)) if dropped != 0 => {
                    sink.batch.resource_attribute(DROPPED_ATTRIBUTES_KEY, Value::Int(i64::from(dropped as u32)));
                }
                (1, _) => return Err(resource.mismatch()),
                _ => {}
            }
        }
        Ok(())
    }

    /// `ScopeLogs`, `ScopeSpans` or `ScopeMetrics`.
    fn scope_records(&mut self, container: Message<'_>) -> Result<(), DecodeError> {
        self.origin.scope_name.clear();
        self.origin.scope_version.clear();
        let mut has_records = false;
        let mut fields = container;
        while let Some((number, field)) = fields.next()? {
            match (number, field) {
                (1, Field::Bytes(scope)) => self.scope(scope)?,
                (2, Field::Bytes(_)) => has_records = true,
                (3, Field::Bytes(url)) => {
                    let url = text(url, &mut self.sink.report);
                    if !url.is_empty() {
                        self.sink.batch.scope_attribute(SCHEMA_URL_KEY, Value::Text(&url));
                    }
                }
                (1..=3, _) => return Err(fields.mismatch()),
                _ => {}
            }
        }
        if !has_records {
            self.sink.batch.scopes.abort_row();
            return Ok(());
        }
        self.origin.scope = self.sink.batch.end_scope();
        let mut fields = container;
        self.place.record = 0;
        while let Some((number, field)) = fields.next()? {
            if let (2, Field::Bytes(record)) = (number, field) {
                self.sink.expect_rest(record.offset(), self.request_bytes);
                self.record(record)?;
                self.place.record += 1;
            }
        }
        Ok(())
    }

    fn scope(&mut self, mut scope: Message<'_>) -> Result<(), DecodeError> {
        let Decoder { sink, scratch, origin, .. } = self;
        while let Some((number, field)) = scope.next()? {
            match (number, field) {
                (1, Field::Bytes(name)) => {
                    let name = text(name, &mut sink.report);
                    Origin::set(&mut origin.scope_name, &name, &mut sink.report);
                }
                (2, Field::Bytes(version)) => {
                    let version = text(version, &mut sink.report);
                    Origin::set(&mut origin.scope_version, &version, &mut sink.report);
                }
                (3, Field::Bytes(attribute)) => {
                    if let Some((key, value)) = shared_attribute(attribute, &mut scratch.value, &mut sink.report)? {
                        sink.batch.scope_attribute(&key, value.value(&scratch.value));
                    }
                }
                (4, Field::Varint(dropped)) if dropped != 0 => {
                    sink.batch.scope_attribute(DROPPED_ATTRIBUTES_KEY, Value::Int(i64::from(dropped as u32)));
                }
                (1..=3, _) => return Err(scope.mismatch()),
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, record: Message<'_>) -> Result<(), DecodeError> {
        let result = match self.sink.batch.signal {
            Signal::Logs => self.log(record),
            Signal::Spans => self.span(record),
            // A metric holds many records and refuses them one by one.
            Signal::Metrics => return self.metric(record),
        };
        match result {
            Ok(()) => Ok(()),
            Err(Fault::Request(error)) => Err(error),
            Err(Fault::Record(message)) => {
                let place = &self.place;
                self.sink.reject(|| place.to_string(), message);
                Ok(())
            }
        }
    }

    /// Adds an attribute to the open record.
    #[inline]
    fn attribute(&mut self, attribute: Message<'_>) -> Result<(), Fault> {
        // Most are a short value under a name that came before.
        if let Some((key, value)) = attribute.plain_pair()
            && let Some(value) = plain_value(value)
            && self.sink.batch.attributes.push_guessed(key, value)
        {
            return Ok(());
        }
        let (key, value) = key_value(attribute, &mut self.scratch.value, &mut self.sink.report)?;
        self.sink.batch.attribute(&key, value.value(&self.scratch.value));
        Ok(())
    }
}

/// An `AnyValue` of one field that is a text of at most 127 bytes or a number; `None` says nothing about the value.
#[inline]
fn plain_value(bytes: &[u8]) -> Option<Value<'_>> {
    Some(match bytes {
        [0x0a, length @ ..0x80, text @ ..] if usize::from(*length) == text.len() => {
            Value::Text(std::str::from_utf8(text).ok()?)
        }
        [0x10, bool @ ..0x80] => Value::Bool(*bool != 0),
        [0x18, low @ ..0x80] => Value::Int(i64::from(*low)),
        [0x18, low, high @ ..0x80] => Value::Int(i64::from(low & 0x7f) | i64::from(*high) << 7),
        [0x21, bits @ ..] => Value::Double(f64::from_le_bytes(bits.try_into().ok()?)),
        _ => return None,
    })
}

/// Text of a string field; bytes that are not UTF-8 are replaced and counted.
#[inline]
fn text<'a>(message: Message<'a>, report: &mut Rejections) -> Cow<'a, str> {
    match std::str::from_utf8(message.bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            report.warnings.text_repaired += 1;
            Cow::Owned(String::from_utf8_lossy(message.bytes()).into_owned())
        }
    }
}

/// A `KeyValue` of a resource or scope: one that no record can be blamed for is dropped and counted.
fn shared_attribute<'a>(
    message: Message<'a>,
    scratch: &mut String,
    report: &mut Rejections,
) -> Result<Option<(Cow<'a, str>, Any<'a>)>, DecodeError> {
    match key_value(message, scratch, report) {
        Ok(attribute) => Ok(Some(attribute)),
        Err(Fault::Request(error)) => Err(error),
        Err(Fault::Record(_)) => {
            report.warnings.attributes_dropped += 1;
            Ok(None)
        }
    }
}

/// A `KeyValue`; JSON of an array or object goes to `scratch`.
#[inline]
fn key_value<'a>(
    mut message: Message<'a>,
    scratch: &mut String,
    report: &mut Rejections,
) -> Result<(Cow<'a, str>, Any<'a>), Fault> {
    let (mut key, mut value) = (Cow::Borrowed(""), Any::Null);
    while let Some((number, field)) = message.next()? {
        match (number, field) {
            (1, Field::Bytes(name)) => key = text(name, report),
            (2, Field::Bytes(any)) => value = any_value(any, scratch, report)?,
            (1 | 2, _) => return Err(message.mismatch().into()),
            _ => {}
        }
    }
    Ok((key, value))
}

/// An `AnyValue`; JSON of an array or object goes to `scratch`.
#[inline]
fn any_value<'a>(mut message: Message<'a>, scratch: &mut String, report: &mut Rejections) -> Result<Any<'a>, Fault> {
    let mut value = Any::Null;
    while let Some((number, field)) = message.next()? {
        value = match (number, field) {
            (1, Field::Bytes(string)) => Any::Text(text(string, report)),
            (2, Field::Varint(bool)) => Any::Bool(bool != 0),
            (3, Field::Varint(int)) => Any::Int(int.cast_signed()),
            (4, Field::Fixed64(bits)) => Any::Double(f64::from_bits(bits)),
            (5, Field::Bytes(array)) => {
                scratch.clear();
                push_array(array, scratch, 1, report)?;
                Any::Json
            }
            (6, Field::Bytes(list)) => {
                scratch.clear();
                push_list(list, scratch, 1, report)?;
                Any::Json
            }
            (7, Field::Bytes(bytes)) => Any::Bytes(Cow::Borrowed(bytes.bytes())),
            (1..=7, _) => return Err(message.mismatch().into()),
            _ => continue,
        };
    }
    Ok(value)
}

/// Appends an `AnyValue` inside an array or object as JSON. `depth` counts the containers around it.
fn push_any(mut message: Message<'_>, out: &mut String, depth: usize, report: &mut Rejections) -> Result<(), Fault> {
    let start = out.len();
    while let Some((number, field)) = message.next()? {
        // Of a value that is given twice the last one counts.
        if (1..=7).contains(&number) {
            out.truncate(start);
        }
        match (number, field) {
            (1, Field::Bytes(string)) => json::push_string(out, &text(string, report)),
            (2, Field::Varint(bool)) => out.push_str(if bool != 0 { "true" } else { "false" }),
            (3, Field::Varint(int)) => json::push_int(out, int.cast_signed()),
            (4, Field::Fixed64(bits)) => json::push_double(out, f64::from_bits(bits)),
            (5, Field::Bytes(array)) => push_array(array, out, depth + 1, report)?,
            (6, Field::Bytes(list)) => push_list(list, out, depth + 1, report)?,
            (7, Field::Bytes(bytes)) => json::push_bytes(out, bytes.bytes()),
            (1..=7, _) => return Err(message.mismatch().into()),
            _ => {}
        }
    }
    if out.len() == start {
        out.push_str("null");
    }
    Ok(())
}

/// Appends an `ArrayValue` as JSON.
fn push_array(mut array: Message<'_>, out: &mut String, depth: usize, report: &mut Rejections) -> Result<(), Fault> {
    if depth > NESTING_DEPTH_MAX {
        return Err(Fault::Record(TOO_DEEP.into()));
    }
    let mut group = Group::array(out);
    while let Some((number, field)) = array.next()? {
        match (number, field) {
            (1, Field::Bytes(value)) => push_any(value, group.element(), depth, report)?,
            (1, _) => return Err(array.mismatch().into()),
            _ => {}
        }
    }
    group.close();
    Ok(())
}

/// Appends a `KeyValueList` as JSON.
fn push_list(mut list: Message<'_>, out: &mut String, depth: usize, report: &mut Rejections) -> Result<(), Fault> {
    if depth > NESTING_DEPTH_MAX {
        return Err(Fault::Record(TOO_DEEP.into()));
    }
    let mut group = Group::object(out);
    while let Some((number, field)) = list.next()? {
        match (number, field) {
            (1, Field::Bytes(pair)) => push_pair(pair, &mut group, depth, report)?,
            (1, _) => return Err(list.mismatch().into()),
            _ => {}
        }
    }
    group.close();
    Ok(())
}

/// Appends a `KeyValue` as a member of a JSON object.
fn push_pair(pair: Message<'_>, group: &mut Group<'_>, depth: usize, report: &mut Rejections) -> Result<(), Fault> {
    let (mut key, mut value) = (Cow::Borrowed(""), None);
    let mut fields = pair;
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(name)) => key = text(name, report),
            (2, Field::Bytes(any)) => value = Some(any),
            (1 | 2, _) => return Err(fields.mismatch().into()),
            _ => {}
        }
    }
    let out = group.member(&key);
    match value {
        Some(any) => push_any(any, out, depth, report),
        None => {
            out.push_str("null");
            Ok(())
        }
    }
}

/// Adds the attributes of an event, link or exemplar (field `field_number`) as the member `attributes`.
fn push_attributes(
    mut message: Message<'_>,
    field_number: u32,
    group: &mut Group<'_>,
    report: &mut Rejections,
) -> Result<(), Fault> {
    let mut first = message;
    loop {
        match first.next()? {
            None => return Ok(()),
            Some((number, _)) if number == field_number => break,
            Some(_) => {}
        }
    }
    let mut attributes = Group::object(group.member("attributes"));
    while let Some((number, field)) = message.next()? {
        match field {
            Field::Bytes(pair) if number == field_number => push_pair(pair, &mut attributes, 0, report)?,
            _ if number == field_number => return Err(message.mismatch().into()),
            _ => {}
        }
    }
    attributes.close();
    Ok(())
}

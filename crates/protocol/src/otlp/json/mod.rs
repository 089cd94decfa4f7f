//! OTLP requests in JSON: protobuf's JSON mapping with hexadecimal ids.
//!
//! Source: opentelemetry-proto docs/specification.md ("JSON Protobuf Encoding"), protobuf.dev/programming-guides/json.
//! Lenient: ids of any case, enums as numbers or names, 64-bit numbers as text or number, snake_case names, unknown
//! fields ignored, `null` = absent. A value of the wrong type refuses its record, broken JSON refuses the request.
//!
//! Members may come in any order. A container whose records come before what they need (resource, scope) remembers
//! where they are, skips them and comes back; in the usual order everything is read once. References to the open
//! resource and scope are the number they will get when they are closed.

mod logs;
mod metrics;
mod scalar;
mod spans;

use std::borrow::Cow;

use clewline_model::attributes::{Attributes, Value};
use clewline_model::json;
use clewline_model::limits::NESTING_DEPTH_MAX;
use clewline_model::signal::Signal;

use crate::json::{Kind, Reader};
use crate::otlp::parts::Group;
use crate::otlp::{DROPPED_ATTRIBUTES_KEY, Place, SCHEMA_URL_KEY, SERVICE_KEY, Scratch};
use crate::record::{Any, Fault, Origin, Sink, TOO_DEEP};
use crate::report::DecodeError;
use crate::{Context, Decoded};

/// A request being decoded.
struct Decoder<'a, 'c> {
    reader: Reader<'a>,
    sink: Sink<'c>,
    origin: Origin,
    scratch: Scratch,
    place: Place,
}

/// Decodes a request of `signal`.
pub(super) fn decode(signal: Signal, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder {
        reader: Reader::new(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)),
        sink: Sink::new(signal, context),
        origin: Origin::default(),
        scratch: Scratch::default(),
        place: Place::new(signal),
    };
    if !decoder.reader.at_end() {
        decoder.request()?;
        decoder.reader.end()?;
    }
    decoder.sink.report.warnings.text_repaired += decoder.reader.repaired;
    Ok(decoder.sink.finish())
}

/// How far a `KeyValue` is written; its value may come before its key.
enum Written {
    No,
    WithName,
    At(usize),
}

/// A broken container cannot be blamed on a record: the request is refused.
fn refuse(fault: Fault, offset: usize) -> DecodeError {
    match fault {
        Fault::Request(error) => error,
        Fault::Record(_) => {
            DecodeError::Malformed { offset, message: "a resource or scope has a field of the wrong type" }
        }
    }
}

/// The number a row of `attributes` gets when it is closed.
fn number_of_open(attributes: &Attributes) -> u32 {
    u32::try_from(attributes.rows()).expect("resource and scope counts of a bounded body fit u32")
}

impl<'a> Decoder<'a, '_> {
    fn request(&mut self) -> Result<(), DecodeError> {
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match (self.sink.batch.signal, &*key) {
                (Signal::Logs, "resourceLogs" | "resource_logs")
                | (Signal::Spans, "resourceSpans" | "resource_spans")
                | (Signal::Metrics, "resourceMetrics" | "resource_metrics") => {
                    if self.absent()? {
                        continue;
                    }
                    self.reader.begin_array()?;
                    let mut first = true;
                    while self.reader.element(&mut first)? {
                        self.resource_records().map_err(|fault| refuse(fault, self.reader.offset()))?;
                        self.place.resource += 1;
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    /// `ResourceLogs`, `ResourceSpans` or `ResourceMetrics`.
    fn resource_records(&mut self) -> Result<(), Fault> {
        self.origin.begin_resource();
        self.origin.resource = number_of_open(&self.sink.batch.resources);
        self.place.scope = 0;
        let (mut ready, mut used, mut first) = (false, false, true);
        let mut later = Vec::new();
        self.reader.begin_object()?;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "resource" => {
                    ready = true;
                    self.resource()?;
                }
                "scopeLogs" | "scopeSpans" | "scopeMetrics" | "scope_logs" | "scope_spans" | "scope_metrics" => {
                    used = true;
                    if ready {
                        self.scopes()?;
                    } else {
                        later.push(self.reader.offset());
                        self.reader.skip()?;
                    }
                }
                "schemaUrl" | "schema_url" => {
                    let url = self.text()?;
                    if !url.is_empty() {
                        self.sink.batch.resource_attribute(SCHEMA_URL_KEY, Value::Text(&url));
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        let end = self.reader.offset();
        for at in later {
            self.reader.seek(at);
            self.scopes()?;
        }
        self.reader.seek(end);
        if used {
            let number = self.sink.batch.end_resource();
            debug_assert_eq!(number, self.origin.resource);
        } else {
            self.sink.batch.resources.abort_row();
        }
        Ok(())
    }

    fn resource(&mut self) -> Result<(), Fault> {
        if self.absent()? {
            return Ok(());
        }
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "attributes" => self.each(|decoder| {
                    let Some((key, value)) = decoder.shared_attribute()? else { return Ok(()) };
                    let value = value.value(&decoder.scratch.value);
                    if key == SERVICE_KEY {
                        decoder.origin.name_service(value, &mut decoder.sink.report);
                    }
                    decoder.sink.batch.resource_attribute(&key, value);
                    Ok(())
                })?,
                "droppedAttributesCount" | "dropped_attributes_count" => {
                    let dropped = self.uint32()?;
                    if dropped != 0 {
                        self.sink.batch.resource_attribute(DROPPED_ATTRIBUTES_KEY, Value::Int(dropped));
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    fn scopes(&mut self) -> Result<(), Fault> {
        self.each(|decoder| {
            decoder.scope_records()?;
            decoder.place.scope += 1;
            Ok(())
        })
    }

    /// `ScopeLogs`, `ScopeSpans` or `ScopeMetrics`.
    fn scope_records(&mut self) -> Result<(), Fault> {
        self.origin.scope_name.clear();
        self.origin.scope_version.clear();
        self.origin.scope = number_of_open(&self.sink.batch.scopes);
        self.place.record = 0;
        let (mut ready, mut used, mut first) = (false, false, true);
        let mut later = Vec::new();
        self.reader.begin_object()?;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "scope" => {
                    ready = true;
                    self.scope()?;
                }
                "logRecords" | "log_records" | "spans" | "metrics" => {
                    used = true;
                    if ready {
                        self.records()?;
                    } else {
                        later.push(self.reader.offset());
                        self.reader.skip()?;
                    }
                }
                "schemaUrl" | "schema_url" => {
                    let url = self.text()?;
                    if !url.is_empty() {
                        self.sink.batch.scope_attribute(SCHEMA_URL_KEY, Value::Text(&url));
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        let end = self.reader.offset();
        for at in later {
            self.reader.seek(at);
            self.records()?;
        }
        self.reader.seek(end);
        if used {
            let number = self.sink.batch.end_scope();
            debug_assert_eq!(number, self.origin.scope);
        } else {
            self.sink.batch.scopes.abort_row();
        }
        Ok(())
    }

    fn scope(&mut self) -> Result<(), Fault> {
        if self.absent()? {
            return Ok(());
        }
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "name" => {
                    let name = self.text()?;
                    Origin::set(&mut self.origin.scope_name, &name, &mut self.sink.report);
                }
                "version" => {
                    let version = self.text()?;
                    Origin::set(&mut self.origin.scope_version, &version, &mut self.sink.report);
                }
                "attributes" => self.each(|decoder| {
                    if let Some((key, value)) = decoder.shared_attribute()? {
                        decoder.sink.batch.scope_attribute(&key, value.value(&decoder.scratch.value));
                    }
                    Ok(())
                })?,
                "droppedAttributesCount" | "dropped_attributes_count" => {
                    let dropped = self.uint32()?;
                    if dropped != 0 {
                        self.sink.batch.scope_attribute(DROPPED_ATTRIBUTES_KEY, Value::Int(dropped));
                    }
                }
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    fn records(&mut self) -> Result<(), Fault> {
        self.each(|decoder| {
            match decoder.sink.batch.signal {
                Signal::Logs => decoder.or_reject(Self::log)?,
                Signal::Spans => decoder.or_reject(Self::span)?,
                Signal::Metrics => decoder.or_reject(Self::metric)?,
            }
            decoder.place.record += 1;
            Ok(())
        })
    }

    /// Reads one record; a fault of the record refuses it and goes on behind it.
    fn or_reject(&mut self, record: impl FnOnce(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        let start = self.reader.offset();
        match record(self) {
            Err(Fault::Record(message)) => {
                let place = &self.place;
                self.sink.reject(|| place.to_string(), message);
                self.reader.seek(start);
                self.reader.skip()?;
                Ok(())
            }
            other => other,
        }
    }

    /// Calls `item` at every element of an array; `null` is an empty one.
    fn each(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.absent()? {
            return Ok(());
        }
        self.reader.begin_array()?;
        let mut first = true;
        while self.reader.element(&mut first)? {
            item(self)?;
        }
        Ok(())
    }

    /// Reads `null` if it comes next.
    fn absent(&mut self) -> Result<bool, DecodeError> {
        let null = self.reader.peek()? == Kind::Null;
        if null {
            self.reader.null()?;
        }
        Ok(null)
    }

    /// A `KeyValue` of a resource or scope: one that no record can be blamed for is dropped and counted.
    fn shared_attribute(&mut self) -> Result<Option<(Cow<'a, str>, Any<'a>)>, Fault> {
        let start = self.reader.offset();
        match self.key_value() {
            Ok(attribute) => Ok(Some(attribute)),
            Err(Fault::Record(_)) => {
                self.sink.report.warnings.attributes_dropped += 1;
                self.reader.seek(start);
                self.reader.skip()?;
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Adds an attribute to the open record.
    fn attribute(&mut self) -> Result<(), Fault> {
        let (key, value) = self.key_value()?;
        self.sink.batch.attribute(&key, value.value(&self.scratch.value));
        Ok(())
    }

    /// A `KeyValue`; JSON of an array or object is in `scratch.value`.
    fn key_value(&mut self) -> Result<(Cow<'a, str>, Any<'a>), Fault> {
        let (mut key, mut value) = (Cow::Borrowed(""), Any::Null);
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(member) = self.reader.key(&mut first)? {
            match &*member {
                "key" => key = self.text()?,
                "value" => {
                    let mut scratch = std::mem::take(&mut self.scratch.value);
                    let read = self.any_value(&mut scratch);
                    self.scratch.value = scratch;
                    value = read?;
                }
                _ => self.reader.skip()?,
            }
        }
        Ok((key, value))
    }

    /// An `AnyValue`; JSON of an array or object goes to `scratch`.
    fn any_value(&mut self, scratch: &mut String) -> Result<Any<'a>, Fault> {
        let mut value = Any::Null;
        if self.absent()? {
            return Ok(value);
        }
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(member) = self.reader.key(&mut first)? {
            value = match &*member {
                "stringValue" | "string_value" => Any::Text(self.text()?),
                "boolValue" | "bool_value" => Any::Bool(self.boolean()?),
                "intValue" | "int_value" => Any::Int(self.int64()?),
                "doubleValue" | "double_value" => Any::Double(self.double()?),
                "bytesValue" | "bytes_value" => Any::Bytes(Cow::Owned(self.base64()?)),
                "arrayValue" | "array_value" => {
                    scratch.clear();
                    self.push_values(scratch, 1, false)?;
                    Any::Json
                }
                "kvlistValue" | "kvlist_value" => {
                    scratch.clear();
                    self.push_values(scratch, 1, true)?;
                    Any::Json
                }
                _ => {
                    self.reader.skip()?;
                    continue;
                }
            };
        }
        Ok(value)
    }

    /// Appends an `AnyValue` inside an array or object as JSON. `depth` counts the containers around it.
    fn push_any(&mut self, out: &mut String, depth: usize) -> Result<(), Fault> {
        let start = out.len();
        if self.absent()? {
            out.push_str("null");
            return Ok(());
        }
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(member) = self.reader.key(&mut first)? {
            let before = out.len();
            match &*member {
                "stringValue" | "string_value" => {
                    let text = self.text()?;
                    json::push_string(out, &text);
                }
                "boolValue" | "bool_value" => out.push_str(if self.boolean()? { "true" } else { "false" }),
                "intValue" | "int_value" => json::push_int(out, self.int64()?),
                "doubleValue" | "double_value" => json::push_double(out, self.double()?),
                "bytesValue" | "bytes_value" => json::push_bytes(out, &self.base64()?),
                "arrayValue" | "array_value" => self.push_values(out, depth + 1, false)?,
                "kvlistValue" | "kvlist_value" => self.push_values(out, depth + 1, true)?,
                _ => self.reader.skip()?,
            }
            // Of a value that is given twice the last one counts.
            if out.len() > before && before > start {
                out.replace_range(start..before, "");
            }
        }
        if out.len() == start {
            out.push_str("null");
        }
        Ok(())
    }

    /// Appends an `ArrayValue` or `KeyValueList` (`{"values":[…]}`) as JSON.
    fn push_values(&mut self, out: &mut String, depth: usize, pairs: bool) -> Result<(), Fault> {
        if depth > NESTING_DEPTH_MAX {
            return Err(Fault::Record(TOO_DEEP.into()));
        }
        let mut group = if pairs { Group::object(out) } else { Group::array(out) };
        if !self.absent()? {
            self.reader.begin_object()?;
            let mut first = true;
            while let Some(member) = self.reader.key(&mut first)? {
                match &*member {
                    "values" => self.each(|decoder| {
                        if pairs {
                            decoder.push_pair(&mut group, depth)
                        } else {
                            decoder.push_any(group.element(), depth)
                        }
                    })?,
                    _ => self.reader.skip()?,
                }
            }
        }
        group.close();
        Ok(())
    }

    /// Appends a `KeyValue` as a member of a JSON object.
    fn push_pair(&mut self, group: &mut Group<'_>, depth: usize) -> Result<(), Fault> {
        let (mut key, mut value) = (None, Written::No);
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(member) = self.reader.key(&mut first)? {
            match (&*member, &value) {
                ("key", _) => key = Some(self.text()?),
                ("value", Written::No) => match &key {
                    Some(key) => {
                        self.push_any(group.member(key), depth)?;
                        value = Written::WithName;
                    }
                    None => {
                        let out = group.element();
                        value = Written::At(out.len());
                        self.push_any(out, depth)?;
                    }
                },
                _ => self.reader.skip()?,
            }
        }
        let key = key.unwrap_or_default();
        match value {
            Written::WithName => {}
            Written::No => group.member(&key).push_str("null"),
            Written::At(at) => group.name_value_at(at, &key),
        }
        Ok(())
    }

    /// The attributes of an event, link or exemplar as the member `attributes`.
    fn push_attributes(&mut self, group: &mut Group<'_>) -> Result<(), Fault> {
        let mut json = std::mem::take(&mut self.scratch.name);
        json.clear();
        let mut inner = Group::object(&mut json);
        let read = self.each(|decoder| decoder.push_pair(&mut inner, 0));
        inner.close();
        if read.is_ok() && json != "{}" {
            group.member("attributes").push_str(&json);
        }
        self.scratch.name = json;
        read
    }
}

//! Batches back to OTLP JSON: the inverse of the decoders.
//!
//! Rows are grouped by resource and scope in the order they first appear. What a decoder kept outside the OTLP model
//! comes back where it was: `otel.schema_url` as `schemaUrl`, `otel.dropped_attributes_count` as
//! `droppedAttributesCount`, the service as `service.name` when the resource has none. Ids are hexadecimal, 64-bit
//! integers are text, enums are numbers, as the specification demands. Attributes that are given twice come once, with
//! their first value.

use std::collections::HashMap;
use std::fmt::Write;

use clewline_model::attributes::{Attributes, Value, ValueKind};
use clewline_model::batch::{Batch, Column};
use clewline_model::json;
use clewline_model::limits::NESTING_DEPTH_MAX;
use clewline_model::signal::{NULL_INT, log, span};
use clewline_model::text::push_hex;

use super::parts::Group;
use super::{DROPPED_ATTRIBUTES_KEY, SCHEMA_URL_KEY, SERVICE_KEY};
use crate::json::{Kind, Number, Reader};
use crate::report::DecodeError;

/// Appends spans as a `TracesData` object (`{"resourceSpans":[…]}`), which is also an `ExportTraceServiceRequest`.
pub fn spans_json(batch: &Batch, out: &mut String) {
    let columns = ScopeColumns { service: span::SERVICE, name: span::SCOPE_NAME, version: span::SCOPE_VERSION };
    grouped(batch, &columns, ["resourceSpans", "scopeSpans", "spans"], push_span, out);
}

/// Appends log records as a `LogsData` object (`{"resourceLogs":[…]}`), which is also an `ExportLogsServiceRequest`.
pub fn logs_json(batch: &Batch, out: &mut String) {
    let columns = ScopeColumns { service: log::SERVICE, name: log::SCOPE_NAME, version: log::SCOPE_VERSION };
    grouped(batch, &columns, ["resourceLogs", "scopeLogs", "logRecords"], push_log, out);
}

/// Where a signal keeps what names a resource and a scope.
struct ScopeColumns {
    service: usize,
    name: usize,
    version: usize,
}

/// Rows of one scope, and of one resource.
type Scopes<'b> = Vec<((u32, &'b str, &'b str), Vec<usize>)>;

fn grouped(
    batch: &Batch,
    columns: &ScopeColumns,
    [resources_name, scopes_name, records_name]: [&str; 3],
    record: fn(&Batch, usize, &mut String),
    out: &mut String,
) {
    let text = |column: usize, row: usize| batch.columns[column].text(row);
    let mut resources: Vec<((u32, &str), Scopes<'_>)> = Vec::new();
    let mut places = HashMap::new();
    for row in 0..batch.rows() {
        let resource = (batch.resource[row], text(columns.service, row));
        let scope = (batch.scope[row], text(columns.name, row), text(columns.version, row));
        let (r, s) = *places.entry((resource, scope)).or_insert_with(|| {
            let r = resources.iter().rposition(|(key, _)| *key == resource).unwrap_or_else(|| {
                resources.push((resource, Vec::new()));
                resources.len() - 1
            });
            resources[r].1.push((scope, Vec::new()));
            (r, resources[r].1.len() - 1)
        });
        resources[r].1[s].1.push(row);
    }
    let mut data = Group::object(out);
    let mut list = Group::array(data.member(resources_name));
    for ((resource, service), scopes) in &resources {
        let mut container = Group::object(list.element());
        push_resource(batch, *resource as usize, service, &mut container);
        let mut scope_list = Group::array(container.member(scopes_name));
        for ((scope, name, version), rows) in scopes {
            let mut container = Group::object(scope_list.element());
            push_scope(batch, *scope as usize, name, version, &mut container);
            let mut records = Group::array(container.member(records_name));
            rows.iter().for_each(|row| record(batch, *row, records.element()));
            records.close();
            container.close();
        }
        scope_list.close();
        container.close();
    }
    list.close();
    data.close();
}

fn push_resource(batch: &Batch, row: usize, service: &str, container: &mut Group<'_>) {
    let mut resource = Group::object(container.member("resource"));
    let named = batch.resources.key_id(SERVICE_KEY).and_then(|key| batch.resources.get(row, key)).is_some();
    let added = (!named && !service.is_empty()).then_some(service);
    let schema_url = push_shared(&batch.resources, row, added, &mut resource);
    resource.close();
    container.text("schemaUrl", schema_url.unwrap_or(""));
}

fn push_scope(batch: &Batch, row: usize, name: &str, version: &str, container: &mut Group<'_>) {
    let mut scope = Group::object(container.member("scope"));
    scope.text("name", name);
    scope.text("version", version);
    let schema_url = push_shared(&batch.scopes, row, None, &mut scope);
    scope.close();
    container.text("schemaUrl", schema_url.unwrap_or(""));
}

/// Attributes of a resource or scope and what is kept among them; gives the schema URL.
fn push_shared<'b>(
    attributes: &'b Attributes,
    row: usize,
    service: Option<&str>,
    group: &mut Group<'_>,
) -> Option<&'b str> {
    let kept = |name: &str| attributes.key_id(name).and_then(|key| attributes.get(row, key));
    push_attributes(attributes, row, service, &[SCHEMA_URL_KEY, DROPPED_ATTRIBUTES_KEY], group);
    if let Some(Value::Int(dropped)) = kept(DROPPED_ATTRIBUTES_KEY) {
        push_count(group, "droppedAttributesCount", dropped);
    }
    match kept(SCHEMA_URL_KEY) {
        Some(Value::Text(url)) => Some(url),
        _ => None,
    }
}

/// The member `attributes` without the names in `hidden`; nothing when none are left.
fn push_attributes(attributes: &Attributes, row: usize, service: Option<&str>, hidden: &[&str], group: &mut Group<'_>) {
    let shown = |key: u32| attributes.keys().get(key as usize).is_some_and(|name| !hidden.contains(&&**name));
    if service.is_none() && !attributes.row(row).any(|(key, _)| shown(key)) {
        return;
    }
    let mut list = Group::array(group.member("attributes"));
    if let Some(service) = service {
        push_pair(list.element(), SERVICE_KEY, &Value::Text(service));
    }
    let entries: Vec<_> = attributes.row(row).collect();
    for (at, (key, value)) in entries.iter().enumerate() {
        if shown(*key) && !entries[..at].iter().any(|(earlier, _)| earlier == key) {
            push_pair(list.element(), &attributes.keys()[*key as usize], value);
        }
    }
    list.close();
}

/// A `KeyValue`.
fn push_pair(out: &mut String, name: &str, value: &Value<'_>) {
    let mut pair = Group::object(out);
    json::push_string(pair.member("key"), name);
    push_value(pair.member("value"), value);
    pair.close();
}

/// An `AnyValue`.
fn push_value(out: &mut String, value: &Value<'_>) {
    let mut any = Group::object(out);
    match value {
        Value::Text(text) => json::push_string(any.member("stringValue"), text),
        Value::Int(int) => push_quoted(any.member("intValue"), *int),
        Value::Double(double) => push_double(any.member("doubleValue"), *double),
        Value::Bool(bool) => any.member("boolValue").push_str(if *bool { "true" } else { "false" }),
        Value::Bytes(bytes) => {
            let out = any.member("bytesValue");
            out.push('"');
            json::push_base64(out, bytes);
            out.push('"');
        }
        Value::Json(text) => {
            any.close();
            // Stored JSON is our own; should it be broken all the same, its text is the value.
            let start = out.len() - 2;
            out.truncate(start);
            if push_any(&mut Reader::new(text.as_bytes()), out, 0).is_err() {
                out.truncate(start);
                push_value(out, &Value::Text(text));
            }
            return;
        }
        Value::Null => {}
    }
    any.close();
}

/// The next value of stored JSON as an `AnyValue`.
fn push_any(reader: &mut Reader<'_>, out: &mut String, depth: usize) -> Result<(), DecodeError> {
    let kind = reader.peek()?;
    if depth > NESTING_DEPTH_MAX {
        return Err(DecodeError::TooDeep { offset: reader.offset() });
    }
    match kind {
        Kind::String => push_value(out, &Value::Text(&reader.string()?)),
        Kind::Bool => push_value(out, &Value::Bool(reader.boolean()?)),
        Kind::Null => {
            reader.null()?;
            push_value(out, &Value::Null);
        }
        Kind::Number => match reader.number()? {
            Number::Int(int) => push_value(out, &Value::Int(int)),
            Number::Double(double) => push_value(out, &Value::Double(double)),
            Number::Unsigned(int) => push_value(out, &Value::Text(&int.to_string())),
            Number::Other(text) => push_value(out, &Value::Text(text)),
        },
        Kind::Array => {
            out.push_str("{\"arrayValue\":{\"values\":");
            let mut list = Group::array(out);
            let mut first = true;
            reader.begin_array()?;
            while reader.element(&mut first)? {
                push_any(reader, list.element(), depth + 1)?;
            }
            list.close();
            out.push_str("}}");
        }
        Kind::Object => push_object(reader, out, depth)?,
    }
    Ok(())
}

/// An object: `{"$bytes":…}` and `{"$double":…}` are what JSON cannot say, others are lists of pairs.
fn push_object(reader: &mut Reader<'_>, out: &mut String, depth: usize) -> Result<(), DecodeError> {
    let start = reader.offset();
    let mut first = true;
    reader.begin_object()?;
    let key = reader.key(&mut first)?;
    if let Some(name @ ("$bytes" | "$double")) = key.as_deref()
        && reader.peek()? == Kind::String
    {
        let text = reader.string()?;
        if reader.key(&mut first)?.is_none() {
            let mut any = Group::object(out);
            json::push_string(any.member(if name == "$bytes" { "bytesValue" } else { "doubleValue" }), &text);
            any.close();
            return Ok(());
        }
    }
    reader.seek(start);
    out.push_str("{\"kvlistValue\":{\"values\":");
    push_pairs(reader, out, depth + 1)?;
    out.push_str("}}");
    Ok(())
}

/// The members of an object as an array of `KeyValue`.
fn push_pairs(reader: &mut Reader<'_>, out: &mut String, depth: usize) -> Result<(), DecodeError> {
    let mut list = Group::array(out);
    let mut first = true;
    reader.begin_object()?;
    while let Some(key) = reader.key(&mut first)? {
        let mut pair = Group::object(list.element());
        json::push_string(pair.member("key"), &key);
        push_any(reader, pair.member("value"), depth)?;
        pair.close();
    }
    list.close();
    Ok(())
}

fn push_quoted(out: &mut String, value: i64) {
    let _ = write!(out, "\"{value}\"");
}

fn push_double(out: &mut String, value: f64) {
    if value.is_finite() {
        json::push_double(out, value);
    } else {
        out.push_str(if value.is_nan() {
            "\"NaN\""
        } else if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    }
}

/// A number of at most 32 bits, left out when it is zero.
fn push_count(group: &mut Group<'_>, name: &str, value: i64) {
    if value != 0 {
        json::push_int(group.member(name), value);
    }
}

/// A time, left out when it is absent.
fn push_time(group: &mut Group<'_>, name: &str, time: i64) {
    if time != 0 {
        push_quoted(group.member(name), time);
    }
}

fn push_id(group: &mut Group<'_>, name: &str, column: &Column, row: usize) {
    let bytes: &[u8] = match column {
        Column::Id16(ids) => &ids[row],
        Column::Id8(ids) => &ids[row],
        _ => &[],
    };
    if bytes.iter().any(|byte| *byte != 0) {
        let out = group.member(name);
        out.push('"');
        push_hex(out, bytes);
        out.push('"');
    }
}

fn push_log(batch: &Batch, row: usize, out: &mut String) {
    let text = |column: usize| batch.columns[column].text(row);
    let int = |column: usize| batch.columns[column].ints()[row];
    let mut record = Group::object(out);
    push_time(&mut record, "timeUnixNano", int(log::TIME));
    push_time(&mut record, "observedTimeUnixNano", int(log::OBSERVED_TIME));
    push_count(&mut record, "severityNumber", int(log::SEVERITY_NUMBER));
    record.text("severityText", text(log::SEVERITY_TEXT));
    if !text(log::BODY).is_empty() || int(log::BODY_KIND) != 0 {
        push_body(record.member("body"), text(log::BODY), int(log::BODY_KIND));
    }
    push_attributes(&batch.attributes, row, None, &[], &mut record);
    push_count(&mut record, "droppedAttributesCount", int(log::DROPPED_ATTRIBUTES));
    push_count(&mut record, "flags", int(log::FLAGS));
    push_id(&mut record, "traceId", &batch.columns[log::TRACE_ID], row);
    push_id(&mut record, "spanId", &batch.columns[log::SPAN_ID], row);
    record.text("eventName", text(log::EVENT_NAME));
    record.close();
}

/// The body with the type it came with.
fn push_body(out: &mut String, text: &str, kind: i64) {
    let value = match u8::try_from(kind).ok().and_then(ValueKind::from_number) {
        Some(ValueKind::Int) => text.parse().map(Value::Int).ok(),
        Some(ValueKind::Double) => text.parse().map(Value::Double).ok(),
        Some(ValueKind::Bool) => text.parse().map(Value::Bool).ok(),
        Some(ValueKind::Json) => Some(Value::Json(text)),
        Some(ValueKind::Bytes) => {
            let mut any = Group::object(out);
            json::push_string(any.member("bytesValue"), text);
            any.close();
            return;
        }
        _ => None,
    };
    push_value(out, &value.unwrap_or(Value::Text(text)));
}

fn push_span(batch: &Batch, row: usize, out: &mut String) {
    let text = |column: usize| batch.columns[column].text(row);
    let int = |column: usize| batch.columns[column].ints()[row];
    let mut record = Group::object(out);
    push_id(&mut record, "traceId", &batch.columns[span::TRACE_ID], row);
    push_id(&mut record, "spanId", &batch.columns[span::SPAN_ID], row);
    record.text("traceState", text(span::TRACE_STATE));
    push_id(&mut record, "parentSpanId", &batch.columns[span::PARENT_SPAN_ID], row);
    push_count(&mut record, "flags", int(span::FLAGS));
    record.text("name", text(span::NAME));
    let kind = match text(span::KIND) {
        "internal" => 1,
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => 0,
    };
    push_count(&mut record, "kind", kind);
    push_time(&mut record, "startTimeUnixNano", int(span::TIME));
    if int(span::DURATION_NS) != NULL_INT {
        push_time(&mut record, "endTimeUnixNano", int(span::TIME).saturating_add(int(span::DURATION_NS)));
    }
    push_attributes(&batch.attributes, row, None, &[], &mut record);
    push_count(&mut record, "droppedAttributesCount", int(span::DROPPED_ATTRIBUTES));
    push_list(&mut record, "events", text(span::EVENTS));
    push_count(&mut record, "droppedEventsCount", int(span::DROPPED_EVENTS));
    push_list(&mut record, "links", text(span::LINKS));
    push_count(&mut record, "droppedLinksCount", int(span::DROPPED_LINKS));
    let mut status = Group::object(record.member("status"));
    status.text("message", text(span::STATUS_MESSAGE));
    push_count(
        &mut status,
        "code",
        match text(span::STATUS) {
            "ok" => 1,
            "error" => 2,
            _ => 0,
        },
    );
    status.close();
    record.close();
}

/// Stored events or links; what is not readable is left out.
fn push_list(record: &mut Group<'_>, name: &str, stored: &str) {
    if stored.is_empty() {
        return;
    }
    let mut list = String::new();
    if push_parts(&mut Reader::new(stored.as_bytes()), &mut list).is_ok() {
        record.member(name).push_str(&list);
    }
}

fn push_parts(reader: &mut Reader<'_>, out: &mut String) -> Result<(), DecodeError> {
    let mut list = Group::array(out);
    let mut first = true;
    reader.begin_array()?;
    while reader.element(&mut first)? {
        let mut part = Group::object(list.element());
        let mut first = true;
        reader.begin_object()?;
        while let Some(key) = reader.key(&mut first)? {
            let name = match &*key {
                "time_ns" => {
                    let mut digits = String::new();
                    reader.copy(&mut digits, 0)?;
                    json::push_string(part.member("timeUnixNano"), digits.trim_matches('"'));
                    continue;
                }
                "attributes" => {
                    push_pairs(reader, part.member("attributes"), 0)?;
                    continue;
                }
                "trace_id" => "traceId",
                "span_id" => "spanId",
                "trace_state" => "traceState",
                "dropped_attributes" => "droppedAttributesCount",
                other => other,
            };
            reader.copy(part.member(name), 0)?;
        }
        part.close();
    }
    list.close();
    Ok(())
}

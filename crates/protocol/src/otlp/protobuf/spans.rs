//! `Span` of trace.proto, with its events and links.

use clewline_model::json;

use super::{Decoder, push_attributes, text};
use crate::otlp::parts::{Group, end_list, next_in_list};
use crate::otlp::wire::{Field, Message, int32, uint32};
use crate::record::{Fault, Id, RawSpan};
use crate::report::Rejections;

impl Decoder<'_> {
    /// Adds one span.
    pub(super) fn span(&mut self, mut record: Message<'_>) -> Result<(), Fault> {
        let mut raw = RawSpan::default();
        self.scratch.events.clear();
        self.scratch.links.clear();
        while let Some((number, field)) = record.next()? {
            match (number, field) {
                (1, Field::Bytes(id)) => raw.trace_id = Id::from_bytes(id.bytes()),
                (2, Field::Bytes(id)) => raw.span_id = Id::from_bytes(id.bytes()),
                (3, Field::Bytes(state)) => raw.trace_state = text(state, &mut self.sink.report),
                (4, Field::Bytes(id)) => raw.parent_span_id = Id::from_bytes(id.bytes()),
                (5, Field::Bytes(name)) => raw.name = text(name, &mut self.sink.report),
                (6, Field::Varint(kind)) => raw.kind = int32(kind),
                (7, Field::Fixed64(time)) => raw.start = time,
                (8, Field::Fixed64(time)) => raw.end = time,
                (9, Field::Bytes(attribute)) => self.attribute(attribute)?,
                (10, Field::Varint(dropped)) => raw.dropped_attributes = uint32(dropped),
                (11, Field::Bytes(event)) => push_event(event, &mut self.scratch.events, &mut self.sink.report)?,
                (12, Field::Varint(dropped)) => raw.dropped_events = uint32(dropped),
                (13, Field::Bytes(link)) => push_link(link, &mut self.scratch.links, &mut self.sink.report)?,
                (14, Field::Varint(dropped)) => raw.dropped_links = uint32(dropped),
                (15, Field::Bytes(status)) => read_status(status, &mut raw, &mut self.sink.report)?,
                (16, Field::Fixed32(flags)) => raw.flags = i64::from(flags),
                (1..=16, _) => return Err(record.mismatch().into()),
                _ => {}
            }
        }
        end_list(&mut self.scratch.events);
        end_list(&mut self.scratch.links);
        self.sink.push_span(&self.origin, &raw, &self.scratch.events, &self.scratch.links)
    }
}

fn read_status<'a>(mut status: Message<'a>, raw: &mut RawSpan<'a>, report: &mut Rejections) -> Result<(), Fault> {
    while let Some((number, field)) = status.next()? {
        match (number, field) {
            (2, Field::Bytes(message)) => raw.status_message = text(message, report),
            (3, Field::Varint(code)) => raw.status = int32(code),
            (2 | 3, _) => return Err(status.mismatch().into()),
            _ => {}
        }
    }
    Ok(())
}

fn push_event(event: Message<'_>, events: &mut String, report: &mut Rejections) -> Result<(), Fault> {
    let (mut time, mut name, mut dropped) = (0, "".into(), 0);
    let mut fields = event;
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Fixed64(value)) => time = value,
            (2, Field::Bytes(value)) => name = text(value, report),
            (4, Field::Varint(value)) => dropped = uint32(value),
            (1 | 2 | 4, _) => return Err(fields.mismatch().into()),
            _ => {}
        }
    }
    next_in_list(events);
    let mut group = Group::object(events);
    group.number("time_ns", time);
    group.text("name", &name);
    push_attributes(event, 3, &mut group, report)?;
    if dropped != 0 {
        json::push_int(group.member("dropped_attributes"), dropped);
    }
    group.close();
    Ok(())
}

fn push_link(link: Message<'_>, links: &mut String, report: &mut Rejections) -> Result<(), Fault> {
    let (mut trace_id, mut span_id, mut state) = (Id::<16>::Absent, Id::<8>::Absent, "".into());
    let (mut dropped, mut flags) = (0, 0);
    let mut fields = link;
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(id)) => trace_id = Id::from_bytes(id.bytes()),
            (2, Field::Bytes(id)) => span_id = Id::from_bytes(id.bytes()),
            (3, Field::Bytes(value)) => state = text(value, report),
            (5, Field::Varint(value)) => dropped = uint32(value),
            (6, Field::Fixed32(value)) => flags = value,
            (1..=3 | 5 | 6, _) => return Err(fields.mismatch().into()),
            _ => {}
        }
    }
    next_in_list(links);
    let mut group = Group::object(links);
    group.id("trace_id", trace_id, report);
    group.id("span_id", span_id, report);
    group.text("trace_state", &state);
    push_attributes(link, 4, &mut group, report)?;
    group.number("flags", u64::from(flags));
    if dropped != 0 {
        json::push_int(group.member("dropped_attributes"), dropped);
    }
    group.close();
    Ok(())
}

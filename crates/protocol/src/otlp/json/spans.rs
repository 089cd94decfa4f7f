//! `Span` of trace.proto in JSON, with its events and links.

use std::borrow::Cow;

use clewline_model::json;

use super::Decoder;
use crate::otlp::parts::{Group, end_list, next_in_list};
use crate::record::{Fault, Id, RawSpan};

impl<'a> Decoder<'a, '_> {
    /// Adds one span.
    pub(super) fn span(&mut self) -> Result<(), Fault> {
        let mut raw = RawSpan::default();
        self.scratch.events.clear();
        self.scratch.links.clear();
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "traceId" | "trace_id" => raw.trace_id = self.id()?,
                "spanId" | "span_id" => raw.span_id = self.id()?,
                "traceState" | "trace_state" => raw.trace_state = self.text()?,
                "parentSpanId" | "parent_span_id" => raw.parent_span_id = self.id()?,
                "flags" => raw.flags = self.uint32()?,
                "name" => raw.name = self.text()?,
                "kind" => raw.kind = self.enumeration(kind)?,
                "startTimeUnixNano" | "start_time_unix_nano" => raw.start = self.uint64()?,
                "endTimeUnixNano" | "end_time_unix_nano" => raw.end = self.uint64()?,
                "attributes" => self.each(Self::attribute)?,
                "droppedAttributesCount" | "dropped_attributes_count" => raw.dropped_attributes = self.uint32()?,
                "events" => self.each(Self::event)?,
                "droppedEventsCount" | "dropped_events_count" => raw.dropped_events = self.uint32()?,
                "links" => self.each(Self::link)?,
                "droppedLinksCount" | "dropped_links_count" => raw.dropped_links = self.uint32()?,
                "status" => self.status(&mut raw)?,
                _ => self.reader.skip()?,
            }
        }
        end_list(&mut self.scratch.events);
        end_list(&mut self.scratch.links);
        self.sink.push_span(&self.origin, &raw, &self.scratch.events, &self.scratch.links)
    }

    fn status(&mut self, raw: &mut RawSpan<'a>) -> Result<(), Fault> {
        if self.absent()? {
            return Ok(());
        }
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "message" => raw.status_message = self.text()?,
                "code" => raw.status = self.enumeration(status_code)?,
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    fn event(&mut self) -> Result<(), Fault> {
        let mut events = std::mem::take(&mut self.scratch.events);
        let read = self.push_event(&mut events);
        self.scratch.events = events;
        read
    }

    /// Members are read before they are written: the stored order does not depend on the order they came in.
    fn push_event(&mut self, events: &mut String) -> Result<(), Fault> {
        let (mut time, mut name, mut dropped, mut attributes) = (0, Cow::Borrowed(""), 0, None);
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "timeUnixNano" | "time_unix_nano" => time = self.uint64()?,
                "name" => name = self.text()?,
                "attributes" => {
                    attributes = Some(self.reader.offset());
                    self.reader.skip()?;
                }
                "droppedAttributesCount" | "dropped_attributes_count" => dropped = self.uint32()?,
                _ => self.reader.skip()?,
            }
        }
        next_in_list(events);
        let mut group = Group::object(events);
        group.number("time_ns", time);
        group.text("name", &name);
        self.attributes_at(attributes, &mut group)?;
        if dropped != 0 {
            json::push_int(group.member("dropped_attributes"), dropped);
        }
        group.close();
        Ok(())
    }

    fn link(&mut self) -> Result<(), Fault> {
        let mut links = std::mem::take(&mut self.scratch.links);
        let read = self.push_link(&mut links);
        self.scratch.links = links;
        read
    }

    fn push_link(&mut self, links: &mut String) -> Result<(), Fault> {
        let (mut trace_id, mut span_id, mut state) = (Id::<16>::Absent, Id::<8>::Absent, Cow::Borrowed(""));
        let (mut dropped, mut flags, mut attributes) = (0, 0, None);
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "traceId" | "trace_id" => trace_id = self.id()?,
                "spanId" | "span_id" => span_id = self.id()?,
                "traceState" | "trace_state" => state = self.text()?,
                "attributes" => {
                    attributes = Some(self.reader.offset());
                    self.reader.skip()?;
                }
                "droppedAttributesCount" | "dropped_attributes_count" => dropped = self.uint32()?,
                "flags" => flags = self.uint32()?,
                _ => self.reader.skip()?,
            }
        }
        next_in_list(links);
        let mut group = Group::object(links);
        group.id("trace_id", trace_id, &mut self.sink.report);
        group.id("span_id", span_id, &mut self.sink.report);
        group.text("trace_state", &state);
        self.attributes_at(attributes, &mut group)?;
        if flags != 0 {
            json::push_int(group.member("flags"), flags);
        }
        if dropped != 0 {
            json::push_int(group.member("dropped_attributes"), dropped);
        }
        group.close();
        Ok(())
    }

    /// Reads attributes that were passed over, then returns to where the reader was.
    pub(super) fn attributes_at(&mut self, at: Option<usize>, group: &mut Group<'_>) -> Result<(), Fault> {
        let Some(at) = at else { return Ok(()) };
        let end = self.reader.offset();
        self.reader.seek(at);
        self.push_attributes(group)?;
        self.reader.seek(end);
        Ok(())
    }
}

/// `SpanKind` of its name.
fn kind(name: &str) -> i64 {
    match name.strip_prefix("SPAN_KIND_").unwrap_or(name) {
        "INTERNAL" => 1,
        "SERVER" => 2,
        "CLIENT" => 3,
        "PRODUCER" => 4,
        "CONSUMER" => 5,
        _ => 0,
    }
}

/// `Status.StatusCode` of its name.
fn status_code(name: &str) -> i64 {
    match name.strip_prefix("STATUS_CODE_").unwrap_or(name) {
        "OK" => 1,
        "ERROR" => 2,
        _ => 0,
    }
}

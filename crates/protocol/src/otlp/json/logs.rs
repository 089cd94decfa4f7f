//! `LogRecord` of logs.proto in JSON.

use super::Decoder;
use crate::record::{Fault, RawLog};

impl Decoder<'_, '_> {
    /// Adds one log record.
    pub(super) fn log(&mut self) -> Result<(), Fault> {
        let mut raw = RawLog::default();
        self.scratch.body.clear();
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "timeUnixNano" | "time_unix_nano" => raw.time = self.uint64()?,
                "observedTimeUnixNano" | "observed_time_unix_nano" => raw.observed = self.uint64()?,
                "severityNumber" | "severity_number" => raw.severity_number = self.enumeration(severity)?,
                "severityText" | "severity_text" => raw.severity_text = self.text()?,
                "body" => {
                    let mut scratch = std::mem::take(&mut self.scratch.body);
                    let read = self.any_value(&mut scratch);
                    self.scratch.body = scratch;
                    raw.body = read?;
                }
                "attributes" => self.each(Self::attribute)?,
                "droppedAttributesCount" | "dropped_attributes_count" => raw.dropped = self.uint32()?,
                "flags" => raw.flags = self.uint32()?,
                "traceId" | "trace_id" => raw.trace_id = self.id()?,
                "spanId" | "span_id" => raw.span_id = self.id()?,
                "eventName" | "event_name" => raw.event_name = self.text()?,
                _ => self.reader.skip()?,
            }
        }
        self.sink.push_log(&self.origin, &raw, &self.scratch.body)
    }
}

/// `SeverityNumber` of a name such as `SEVERITY_NUMBER_WARN2`.
fn severity(name: &str) -> i64 {
    let name = name.strip_prefix("SEVERITY_NUMBER_").unwrap_or(name);
    for (base, word) in [(1, "TRACE"), (5, "DEBUG"), (9, "INFO"), (13, "WARN"), (17, "ERROR"), (21, "FATAL")] {
        match name.strip_prefix(word) {
            Some("") => return base,
            Some("2") => return base + 1,
            Some("3") => return base + 2,
            Some("4") => return base + 3,
            _ => {}
        }
    }
    0
}

//! The JSON parts of span and metric rows: events, links, exemplars, buckets, quantiles.
//!
//! Their shape is documented at `clewline_model::signal::{span, metric}::COLUMNS`; absent members are left out. Both
//! decoders write through here, so that the encoding of a request cannot change what is stored.

use std::fmt::Write;

use clewline_model::json;
use clewline_model::text::push_hex;

use crate::record::Id;
use crate::report::Rejections;

/// Writes the members of one JSON object or the elements of one array.
pub(super) struct Group<'o> {
    out: &'o mut String,
    first: bool,
    close: char,
}

impl<'o> Group<'o> {
    pub(super) fn object(out: &'o mut String) -> Group<'o> {
        out.push('{');
        Group { out, first: true, close: '}' }
    }

    pub(super) fn array(out: &'o mut String) -> Group<'o> {
        out.push('[');
        Group { out, first: true, close: ']' }
    }

    /// Starts a member; its value is to be written to the result.
    pub(super) fn member(&mut self, name: &str) -> &mut String {
        self.element();
        json::push_string(self.out, name);
        self.out.push(':');
        self.out
    }

    /// Gives the value that was written as an element at `at` its name.
    pub(super) fn name_value_at(&mut self, at: usize, name: &str) {
        let mut member = String::new();
        json::push_string(&mut member, name);
        member.push(':');
        self.out.insert_str(at, &member);
    }

    /// Starts an element of an array.
    pub(super) fn element(&mut self) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        self.out
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            json::push_string(self.member(name), value);
        }
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        if value != 0 {
            push_u64(self.member(name), value);
        }
    }

    pub(super) fn id<const N: usize>(&mut self, name: &str, id: Id<N>, report: &mut Rejections) {
        match id {
            Id::Absent => {}
            Id::Bad => report.warnings.ids_dropped += 1,
            Id::Given(bytes) => {
                let out = self.member(name);
                out.push('"');
                push_hex(out, &bytes);
                out.push('"');
            }
        }
    }

    pub(super) fn close(self) {
        self.out.push(self.close);
    }
}

/// Appends an unsigned number.
pub(super) fn push_u64(out: &mut String, value: u64) {
    let _ = write!(out, "{value}");
}

/// Appends `value` to a list under construction: elements with commas between, no brackets.
pub(super) fn push_count(list: &mut String, value: u64) {
    if !list.is_empty() {
        list.push(',');
    }
    push_u64(list, value);
}

/// Appends `value` to a list under construction.
pub(super) fn push_bound(list: &mut String, value: f64) {
    if !list.is_empty() {
        list.push(',');
    }
    json::push_double(list, value);
}

/// The `buckets` of a histogram from its lists; nothing when both are empty.
pub(super) fn push_histogram(out: &mut String, bounds: &str, counts: &str) {
    if !bounds.is_empty() || !counts.is_empty() {
        let _ = write!(out, "{{\"bounds\":[{bounds}],\"counts\":[{counts}]}}");
    }
}

/// One side of an exponential histogram.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) given: bool,
    pub(super) offset: i64,
    pub(super) counts: String,
}

impl Side {
    pub(super) fn clear(&mut self) {
        self.given = false;
        self.offset = 0;
        self.counts.clear();
    }

    fn push(&self, name: &str, group: &mut Group<'_>) {
        if self.given {
            let _ = write!(group.member(name), "{{\"offset\":{},\"counts\":[{}]}}", self.offset, self.counts);
        }
    }
}

/// The parts of an exponential histogram.
#[derive(Debug, Default)]
pub(super) struct Exponential {
    pub(super) scale: i64,
    pub(super) zero_count: u64,
    pub(super) zero_threshold: f64,
    pub(super) positive: Side,
    pub(super) negative: Side,
}

impl Exponential {
    pub(super) fn clear(&mut self) {
        (self.scale, self.zero_count, self.zero_threshold) = (0, 0, 0.0);
        self.positive.clear();
        self.negative.clear();
    }

    /// The `buckets` of an exponential histogram.
    pub(super) fn push(&self, out: &mut String) {
        let mut group = Group::object(out);
        json::push_int(group.member("scale"), self.scale);
        push_u64(group.member("zero_count"), self.zero_count);
        if self.zero_threshold != 0.0 {
            json::push_double(group.member("zero_threshold"), self.zero_threshold);
        }
        self.positive.push("positive", &mut group);
        self.negative.push("negative", &mut group);
        group.close();
    }
}

/// Scalars of an exemplar.
#[derive(Debug, Default)]
pub(super) struct Exemplar {
    pub(super) time: u64,
    pub(super) double: Option<f64>,
    pub(super) int: Option<i64>,
    pub(super) trace_id: Id<16>,
    pub(super) span_id: Id<8>,
}

impl Exemplar {
    /// Everything but the attributes.
    pub(super) fn push(&self, group: &mut Group<'_>, report: &mut Rejections) {
        group.number("time_ns", self.time);
        match (self.int, self.double) {
            (Some(int), _) => json::push_int(group.member("value"), int),
            (None, Some(double)) => json::push_double(group.member("value"), double),
            (None, None) => {}
        }
        group.id("trace_id", self.trace_id, report);
        group.id("span_id", self.span_id, report);
    }
}

/// Opens one more element of a JSON array that is built over several calls: `[` or `,`. [`end_list`] closes it.
pub(super) fn next_in_list(list: &mut String) {
    list.push(if list.is_empty() { '[' } else { ',' });
}

/// Closes what [`next_in_list`] opened.
pub(super) fn end_list(list: &mut String) {
    if !list.is_empty() {
        list.push(']');
    }
}

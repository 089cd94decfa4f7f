//! `Metric` of metrics.proto: five kinds, one row a data point.

use clewline_model::json;
use clewline_model::signal::Signal;

use super::{Decoder, key_value, push_attributes, text};
use crate::limits::METADATA_BYTES_MAX;
use crate::otlp::parts::{Exemplar, Group, Side, end_list, next_in_list, push_bound, push_count, push_histogram};
use crate::otlp::wire::{Field, Message, int32, sint32, uint32};
use crate::otlp::{METADATA_PREFIX, Scratch};
use crate::record::{Fault, Id, RawMetric, RawPoint};
use crate::report::{DecodeError, Rejections};

impl Decoder<'_> {
    /// Adds the data points of one metric.
    pub(super) fn metric(&mut self, message: Message<'_>) -> Result<(), DecodeError> {
        debug_assert_eq!(self.sink.batch.signal, Signal::Metrics);
        let mut metric = RawMetric::default();
        let mut data = None;
        let mut metadata_bytes = 0usize;
        let mut fields = message;
        while let Some((number, field)) = fields.next()? {
            match (number, field) {
                (1, Field::Bytes(name)) => metric.name = text(name, &mut self.sink.report),
                (2, Field::Bytes(description)) => metric.description = text(description, &mut self.sink.report),
                (3, Field::Bytes(unit)) => metric.unit = text(unit, &mut self.sink.report),
                (5 | 7 | 9..=11, Field::Bytes(points)) => data = Some((number, points)),
                (12, Field::Bytes(pair)) => metadata_bytes += pair.bytes().len() + 1,
                (1..=3 | 5 | 7 | 9..=12, _) => return Err(fields.mismatch()),
                _ => {}
            }
        }
        let Some((kind, points)) = data else { return Ok(()) };
        let keeps_metadata = (1..=METADATA_BYTES_MAX).contains(&metadata_bytes);
        self.sink.report.warnings.attributes_dropped += u64::from(metadata_bytes > METADATA_BYTES_MAX);
        metric.kind = match kind {
            5 => "gauge",
            7 => "sum",
            9 => "histogram",
            10 => "exponential_histogram",
            _ => "summary",
        };
        let mut fields = points;
        while let Some((number, field)) = fields.next()? {
            match (number, field) {
                (2, Field::Varint(value)) => metric.temporality = int32(value),
                (3, Field::Varint(value)) if kind == 7 => metric.monotonic = value != 0,
                (1, Field::Bytes(_)) => {}
                (1, _) => return Err(fields.mismatch()),
                _ => {}
            }
        }
        let mut fields = points;
        self.place.point = 0;
        while let Some((number, field)) = fields.next()? {
            if let (1, Field::Bytes(point)) = (number, field) {
                let result = self.data_point(kind, point, keeps_metadata.then_some(message), &metric);
                match result {
                    Ok(()) => {}
                    Err(Fault::Request(error)) => return Err(error),
                    Err(Fault::Record(reason)) => {
                        let place = &self.place;
                        self.sink.reject(|| place.to_string(), reason);
                    }
                }
                self.place.point += 1;
            }
        }
        Ok(())
    }

    fn data_point(
        &mut self,
        kind: u32,
        message: Message<'_>,
        metadata: Option<Message<'_>>,
        metric: &RawMetric<'_>,
    ) -> Result<(), Fault> {
        let mut point = std::mem::take(&mut self.scratch.point);
        point.clear();
        let read = match kind {
            9 => self.histogram_point(message, &mut point),
            10 => self.exponential_point(message, &mut point),
            11 => self.summary_point(message, &mut point),
            _ => self.number_point(message, &mut point),
        };
        end_list(&mut point.exemplars);
        end_list(&mut point.quantiles);
        let metadata = read.and_then(|()| metadata.map_or(Ok(()), |message| self.metadata(message)));
        let pushed = metadata.and_then(|()| self.sink.push_point(&self.origin, metric, &point));
        self.scratch.point = point;
        pushed
    }

    /// The metadata of a metric becomes attributes of its points.
    fn metadata(&mut self, mut metric: Message<'_>) -> Result<(), Fault> {
        while let Some((number, field)) = metric.next()? {
            if let (12, Field::Bytes(pair)) = (number, field) {
                let Scratch { value: scratch, name, .. } = &mut self.scratch;
                let (key, value) = key_value(pair, scratch, &mut self.sink.report)?;
                name.clear();
                name.push_str(METADATA_PREFIX);
                name.push_str(&key);
                self.sink.batch.attribute(name, value.value(scratch));
            }
        }
        Ok(())
    }

    fn number_point(&mut self, mut message: Message<'_>, point: &mut RawPoint) -> Result<(), Fault> {
        while let Some((number, field)) = message.next()? {
            match (number, field) {
                (2, Field::Fixed64(time)) => point.start = time,
                (3, Field::Fixed64(time)) => point.time = time,
                (4, Field::Fixed64(bits)) => {
                    (point.value, point.value_int) = (Some(f64::from_bits(bits)), None);
                }
                (5, Field::Bytes(exemplar)) => push_exemplar(exemplar, &mut point.exemplars, &mut self.sink.report)?,
                (6, Field::Fixed64(bits)) => {
                    let int = bits.cast_signed();
                    (point.value, point.value_int) = (Some(int as f64), Some(int));
                }
                (7, Field::Bytes(attribute)) => self.attribute(attribute)?,
                (8, Field::Varint(flags)) => point.flags = uint32(flags),
                (2..=8, _) => return Err(message.mismatch().into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn histogram_point(&mut self, mut message: Message<'_>, point: &mut RawPoint) -> Result<(), Fault> {
        self.scratch.bounds.clear();
        self.scratch.counts.clear();
        while let Some((number, field)) = message.next()? {
            match (number, field) {
                (2, Field::Fixed64(time)) => point.start = time,
                (3, Field::Fixed64(time)) => point.time = time,
                (4, Field::Fixed64(count)) => point.count = Some(count),
                (5, Field::Fixed64(bits)) => point.sum = Some(f64::from_bits(bits)),
                (6, field) => message.fixed64s(field, |count| push_count(&mut self.scratch.counts, count))?,
                (7, field) => {
                    message.fixed64s(field, |bits| push_bound(&mut self.scratch.bounds, f64::from_bits(bits)))?;
                }
                (8, Field::Bytes(exemplar)) => push_exemplar(exemplar, &mut point.exemplars, &mut self.sink.report)?,
                (9, Field::Bytes(attribute)) => self.attribute(attribute)?,
                (10, Field::Varint(flags)) => point.flags = uint32(flags),
                (11, Field::Fixed64(bits)) => point.min = Some(f64::from_bits(bits)),
                (12, Field::Fixed64(bits)) => point.max = Some(f64::from_bits(bits)),
                (2..=12, _) => return Err(message.mismatch().into()),
                _ => {}
            }
        }
        point.count = Some(point.count.unwrap_or(0));
        push_histogram(&mut point.buckets, &self.scratch.bounds, &self.scratch.counts);
        Ok(())
    }

    fn exponential_point(&mut self, mut message: Message<'_>, point: &mut RawPoint) -> Result<(), Fault> {
        self.scratch.exponential.clear();
        while let Some((number, field)) = message.next()? {
            let parts = &mut self.scratch.exponential;
            match (number, field) {
                (1, Field::Bytes(attribute)) => self.attribute(attribute)?,
                (2, Field::Fixed64(time)) => point.start = time,
                (3, Field::Fixed64(time)) => point.time = time,
                (4, Field::Fixed64(count)) => point.count = Some(count),
                (5, Field::Fixed64(bits)) => point.sum = Some(f64::from_bits(bits)),
                (6, Field::Varint(scale)) => parts.scale = sint32(scale),
                (7, Field::Fixed64(count)) => parts.zero_count = count,
                (8, Field::Bytes(side)) => read_side(side, &mut parts.positive)?,
                (9, Field::Bytes(side)) => read_side(side, &mut parts.negative)?,
                (10, Field::Varint(flags)) => point.flags = uint32(flags),
                (11, Field::Bytes(exemplar)) => push_exemplar(exemplar, &mut point.exemplars, &mut self.sink.report)?,
                (12, Field::Fixed64(bits)) => point.min = Some(f64::from_bits(bits)),
                (13, Field::Fixed64(bits)) => point.max = Some(f64::from_bits(bits)),
                (14, Field::Fixed64(bits)) => parts.zero_threshold = f64::from_bits(bits),
                (1..=14, _) => return Err(message.mismatch().into()),
                _ => {}
            }
        }
        point.count = Some(point.count.unwrap_or(0));
        self.scratch.exponential.push(&mut point.buckets);
        Ok(())
    }

    fn summary_point(&mut self, mut message: Message<'_>, point: &mut RawPoint) -> Result<(), Fault> {
        while let Some((number, field)) = message.next()? {
            match (number, field) {
                (2, Field::Fixed64(time)) => point.start = time,
                (3, Field::Fixed64(time)) => point.time = time,
                (4, Field::Fixed64(count)) => point.count = Some(count),
                (5, Field::Fixed64(bits)) => point.sum = Some(f64::from_bits(bits)),
                (6, Field::Bytes(quantile)) => push_quantile(quantile, &mut point.quantiles)?,
                (7, Field::Bytes(attribute)) => self.attribute(attribute)?,
                (8, Field::Varint(flags)) => point.flags = uint32(flags),
                (2..=8, _) => return Err(message.mismatch().into()),
                _ => {}
            }
        }
        // Neither is optional in a summary: not on the wire means zero.
        point.count = Some(point.count.unwrap_or(0));
        point.sum = Some(point.sum.unwrap_or(0.0));
        Ok(())
    }
}

fn read_side(mut message: Message<'_>, side: &mut Side) -> Result<(), DecodeError> {
    side.given = true;
    while let Some((number, field)) = message.next()? {
        match (number, field) {
            (1, Field::Varint(offset)) => side.offset = sint32(offset),
            (2, field) => message.varints(field, |count| push_count(&mut side.counts, count))?,
            (1, _) => return Err(message.mismatch()),
            _ => {}
        }
    }
    Ok(())
}

fn push_quantile(mut message: Message<'_>, quantiles: &mut String) -> Result<(), DecodeError> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some((number, field)) = message.next()? {
        match (number, field) {
            (1, Field::Fixed64(bits)) => quantile = f64::from_bits(bits),
            (2, Field::Fixed64(bits)) => value = f64::from_bits(bits),
            (1 | 2, _) => return Err(message.mismatch()),
            _ => {}
        }
    }
    next_in_list(quantiles);
    let mut group = Group::object(quantiles);
    json::push_double(group.member("quantile"), quantile);
    json::push_double(group.member("value"), value);
    group.close();
    Ok(())
}

fn push_exemplar(message: Message<'_>, exemplars: &mut String, report: &mut Rejections) -> Result<(), Fault> {
    let mut exemplar = Exemplar::default();
    let mut fields = message;
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (2, Field::Fixed64(time)) => exemplar.time = time,
            (3, Field::Fixed64(bits)) => (exemplar.double, exemplar.int) = (Some(f64::from_bits(bits)), None),
            (4, Field::Bytes(id)) => exemplar.span_id = Id::from_bytes(id.bytes()),
            (5, Field::Bytes(id)) => exemplar.trace_id = Id::from_bytes(id.bytes()),
            (6, Field::Fixed64(bits)) => (exemplar.double, exemplar.int) = (None, Some(bits.cast_signed())),
            (2..=6, _) => return Err(fields.mismatch().into()),
            _ => {}
        }
    }
    next_in_list(exemplars);
    let mut group = Group::object(exemplars);
    exemplar.push(&mut group, report);
    push_attributes(message, 7, &mut group, report)?;
    group.close();
    Ok(())
}

//! `Metric` of metrics.proto in JSON: five kinds, one row a data point.

use clewline_model::json;

use super::Decoder;
use crate::limits::METADATA_BYTES_MAX;
use crate::otlp::METADATA_PREFIX;
use crate::otlp::parts::{Exemplar, Group, Side, end_list, next_in_list, push_bound, push_count, push_histogram};
use crate::record::{Fault, RawMetric, RawPoint};

impl<'a> Decoder<'a, '_> {
    /// Adds the data points of one metric.
    pub(super) fn metric(&mut self) -> Result<(), Fault> {
        let mut metric = RawMetric::default();
        let (mut data_at, mut metadata_at) = (None, None);
        self.place.point = 0;
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            metric.kind = match &*key {
                "name" => {
                    metric.name = self.text()?;
                    continue;
                }
                "description" => {
                    metric.description = self.text()?;
                    continue;
                }
                "unit" => {
                    metric.unit = self.text()?;
                    continue;
                }
                "metadata" => {
                    let at = self.reader.offset();
                    self.reader.skip()?;
                    let kept = self.reader.offset() - at <= METADATA_BYTES_MAX;
                    metadata_at = kept.then_some(at);
                    self.sink.report.warnings.attributes_dropped += u64::from(!kept);
                    continue;
                }
                "gauge" => "gauge",
                "sum" => "sum",
                "histogram" => "histogram",
                "exponentialHistogram" | "exponential_histogram" => "exponential_histogram",
                "summary" => "summary",
                _ => {
                    self.reader.skip()?;
                    continue;
                }
            };
            data_at = Some(self.reader.offset());
            self.reader.skip()?;
        }
        let end = self.reader.offset();
        if let Some(at) = data_at {
            self.reader.seek(at);
            self.points(&mut metric, metadata_at)?;
        }
        self.reader.seek(end);
        Ok(())
    }

    /// `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram` or `Summary`.
    fn points(&mut self, metric: &mut RawMetric<'a>, metadata_at: Option<usize>) -> Result<(), Fault> {
        if self.absent()? {
            return Ok(());
        }
        let mut points_at = None;
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "dataPoints" | "data_points" => {
                    points_at = Some(self.reader.offset());
                    self.reader.skip()?;
                }
                "aggregationTemporality" | "aggregation_temporality" => {
                    metric.temporality = self.enumeration(temporality)?;
                }
                "isMonotonic" | "is_monotonic" => metric.monotonic = self.boolean()?,
                _ => self.reader.skip()?,
            }
        }
        metric.monotonic &= metric.kind == "sum";
        let Some(at) = points_at else { return Ok(()) };
        self.reader.seek(at);
        self.each(|decoder| {
            decoder.or_reject(|decoder| decoder.data_point(metric, metadata_at))?;
            decoder.place.point += 1;
            Ok(())
        })
    }

    fn data_point(&mut self, metric: &RawMetric<'a>, metadata_at: Option<usize>) -> Result<(), Fault> {
        let mut point = std::mem::take(&mut self.scratch.point);
        let read = self.read_point(metric.kind, &mut point);
        let metadata = read.and_then(|()| metadata_at.map_or(Ok(()), |at| self.metadata(at)));
        let pushed = metadata.and_then(|()| self.sink.push_point(&self.origin, metric, &point));
        self.scratch.point = point;
        pushed
    }

    /// The metadata of a metric becomes attributes of its points.
    fn metadata(&mut self, at: usize) -> Result<(), Fault> {
        let end = self.reader.offset();
        self.reader.seek(at);
        self.each(|decoder| {
            let (key, value) = decoder.key_value()?;
            decoder.scratch.name.clear();
            decoder.scratch.name.push_str(METADATA_PREFIX);
            decoder.scratch.name.push_str(&key);
            decoder.sink.batch.attribute(&decoder.scratch.name, value.value(&decoder.scratch.value));
            Ok(())
        })?;
        self.reader.seek(end);
        Ok(())
    }

    /// A data point of any kind: their members do not contradict each other.
    fn read_point(&mut self, kind: &str, point: &mut RawPoint) -> Result<(), Fault> {
        point.clear();
        self.scratch.bounds.clear();
        self.scratch.counts.clear();
        self.scratch.exponential.clear();
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "startTimeUnixNano" | "start_time_unix_nano" => point.start = self.uint64()?,
                "timeUnixNano" | "time_unix_nano" => point.time = self.uint64()?,
                "flags" => point.flags = self.uint32()?,
                "attributes" => self.each(Self::attribute)?,
                "exemplars" => self.each(|decoder| decoder.push_exemplar(&mut point.exemplars))?,
                "asDouble" | "as_double" => (point.value, point.value_int) = (Some(self.double()?), None),
                "asInt" | "as_int" => {
                    let int = self.int64()?;
                    (point.value, point.value_int) = (Some(int as f64), Some(int));
                }
                "count" => point.count = Some(self.uint64()?),
                "sum" => point.sum = self.optional_double()?,
                "min" => point.min = self.optional_double()?,
                "max" => point.max = self.optional_double()?,
                _ => self.read_distribution(&key, point)?,
            }
        }
        end_list(&mut point.exemplars);
        end_list(&mut point.quantiles);
        match kind {
            "histogram" => push_histogram(&mut point.buckets, &self.scratch.bounds, &self.scratch.counts),
            "exponential_histogram" => self.scratch.exponential.push(&mut point.buckets),
            "summary" => point.sum = Some(point.sum.unwrap_or(0.0)),
            _ => return Ok(()),
        }
        point.count = Some(point.count.unwrap_or(0));
        Ok(())
    }

    /// Members of histograms and summaries.
    fn read_distribution(&mut self, key: &str, point: &mut RawPoint) -> Result<(), Fault> {
        match key {
            "bucketCounts" | "bucket_counts" => self.each(|decoder| {
                let count = decoder.uint64()?;
                push_count(&mut decoder.scratch.counts, count);
                Ok(())
            })?,
            "explicitBounds" | "explicit_bounds" => self.each(|decoder| {
                let bound = decoder.double()?;
                push_bound(&mut decoder.scratch.bounds, bound);
                Ok(())
            })?,
            "scale" => self.scratch.exponential.scale = self.int32()?,
            "zeroCount" | "zero_count" => self.scratch.exponential.zero_count = self.uint64()?,
            "zeroThreshold" | "zero_threshold" => self.scratch.exponential.zero_threshold = self.double()?,
            "positive" => {
                let mut side = std::mem::take(&mut self.scratch.exponential.positive);
                let read = self.read_side(&mut side);
                self.scratch.exponential.positive = side;
                read?;
            }
            "negative" => {
                let mut side = std::mem::take(&mut self.scratch.exponential.negative);
                let read = self.read_side(&mut side);
                self.scratch.exponential.negative = side;
                read?;
            }
            "quantileValues" | "quantile_values" => {
                self.each(|decoder| decoder.push_quantile(&mut point.quantiles))?;
            }
            _ => self.reader.skip()?,
        }
        Ok(())
    }

    fn optional_double(&mut self) -> Result<Option<f64>, Fault> {
        if self.absent()? { Ok(None) } else { self.double().map(Some) }
    }

    fn read_side(&mut self, side: &mut Side) -> Result<(), Fault> {
        if self.absent()? {
            return Ok(());
        }
        side.given = true;
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "offset" => side.offset = self.int32()?,
                "bucketCounts" | "bucket_counts" => self.each(|decoder| {
                    push_count(&mut side.counts, decoder.uint64()?);
                    Ok(())
                })?,
                _ => self.reader.skip()?,
            }
        }
        Ok(())
    }

    fn push_quantile(&mut self, quantiles: &mut String) -> Result<(), Fault> {
        let (mut quantile, mut value) = (0.0, 0.0);
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "quantile" => quantile = self.double()?,
                "value" => value = self.double()?,
                _ => self.reader.skip()?,
            }
        }
        next_in_list(quantiles);
        let mut group = Group::object(quantiles);
        json::push_double(group.member("quantile"), quantile);
        json::push_double(group.member("value"), value);
        group.close();
        Ok(())
    }

    fn push_exemplar(&mut self, exemplars: &mut String) -> Result<(), Fault> {
        let (mut exemplar, mut attributes) = (Exemplar::default(), None);
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            match &*key {
                "timeUnixNano" | "time_unix_nano" => exemplar.time = self.uint64()?,
                "asDouble" | "as_double" => (exemplar.double, exemplar.int) = (Some(self.double()?), None),
                "asInt" | "as_int" => (exemplar.double, exemplar.int) = (None, Some(self.int64()?)),
                "traceId" | "trace_id" => exemplar.trace_id = self.id()?,
                "spanId" | "span_id" => exemplar.span_id = self.id()?,
                "filteredAttributes" | "filtered_attributes" => {
                    attributes = Some(self.reader.offset());
                    self.reader.skip()?;
                }
                _ => self.reader.skip()?,
            }
        }
        next_in_list(exemplars);
        let mut group = Group::object(exemplars);
        exemplar.push(&mut group, &mut self.sink.report);
        self.attributes_at(attributes, &mut group)?;
        group.close();
        Ok(())
    }
}

/// `AggregationTemporality` of its name.
fn temporality(name: &str) -> i64 {
    match name.strip_prefix("AGGREGATION_TEMPORALITY_").unwrap_or(name) {
        "DELTA" => 1,
        "CUMULATIVE" => 2,
        _ => 0,
    }
}

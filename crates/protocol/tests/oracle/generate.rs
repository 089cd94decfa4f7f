//! Random requests from a seed: small, with every field set now and then, and with the odd broken id or time.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    exponential_histogram_data_point::Buckets, metric, number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// A small random number generator (splitmix64).
pub(crate) struct Random {
    state: u64,
    /// Floats are finite: the JSON oracle cannot write others.
    finite: bool,
}

impl Random {
    pub(crate) fn new(seed: u64, finite: bool) -> Random {
        Random { state: seed, finite }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn list<T>(&mut self, most: u64, mut item: impl FnMut(&mut Random) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| item(self)).collect()
    }

    fn text(&mut self) -> String {
        let words = ["", "a", "GET /cart", "日本", "quote\"back\\slash", "line\nfeed\u{1}", "emoji 😀", "service.name"];
        self.pick(&words).to_owned()
    }

    fn double(&mut self) -> f64 {
        let value = self.pick(&[0.0, 1.0, -2.5, 1e300, 5e-324, 0.1, f64::INFINITY, f64::NAN]);
        let value = if self.finite && !value.is_finite() { 3.25 } else { value };
        if self.below(3) == 0 { self.next() as f64 / 7.0 } else { value }
    }

    fn time(&mut self) -> u64 {
        let random = 1_700_000_000_000_000_000 + self.below(1 << 50);
        self.pick(&[0, random, random, random, i64::MAX as u64, 1 << 63])
    }

    fn id(&mut self, length: usize) -> Vec<u8> {
        match self.below(12) {
            0 => vec![],
            1 => vec![0; length],
            2 => vec![7; length - 1],
            _ => (0..length).map(|_| self.next() as u8).collect(),
        }
    }

    fn any(&mut self, depth: u32) -> Option<AnyValue> {
        let kinds = if depth == 0 { 6 } else { 8 };
        let value = match self.below(kinds) {
            0 => return None,
            1 => None,
            2 => Some(Value::StringValue(self.text())),
            3 => Some(Value::BoolValue(self.below(2) == 0)),
            4 => Some(Value::IntValue(self.next().cast_signed() >> self.below(64))),
            5 if self.below(2) == 0 => Some(Value::BytesValue(self.list(5, |r| r.next() as u8))),
            5 => Some(Value::DoubleValue(self.double())),
            6 => Some(Value::ArrayValue(ArrayValue { values: self.list(3, |r| r.any(depth - 1).unwrap_or_default()) })),
            _ => Some(Value::KvlistValue(KeyValueList { values: self.list(3, |r| r.pair(depth - 1)) })),
        };
        Some(AnyValue { value })
    }

    fn pair(&mut self, depth: u32) -> KeyValue {
        KeyValue { key: self.text(), value: self.any(depth), ..KeyValue::default() }
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        self.list(5, |r| r.pair(3))
    }

    fn count32(&mut self) -> u32 {
        self.pick(&[0, 0, 1, u32::MAX])
    }

    fn resource(&mut self) -> Option<Resource> {
        (self.below(5) > 0).then(|| {
            let mut attributes = self.attributes();
            if self.below(2) == 0 {
                let value = Some(AnyValue { value: Some(Value::StringValue("shop".into())) });
                attributes.push(KeyValue { key: "service.name".into(), value, ..KeyValue::default() });
            }
            Resource { attributes, dropped_attributes_count: self.count32(), entity_refs: vec![] }
        })
    }

    fn scope(&mut self) -> Option<InstrumentationScope> {
        (self.below(4) > 0).then(|| InstrumentationScope {
            name: self.text(),
            version: self.text(),
            attributes: self.attributes(),
            dropped_attributes_count: self.count32(),
        })
    }

    pub(crate) fn logs(&mut self) -> Vec<ResourceLogs> {
        self.list(3, |r| ResourceLogs {
            resource: r.resource(),
            scope_logs: r.list(3, |r| ScopeLogs {
                scope: r.scope(),
                log_records: r.list(4, Random::log),
                schema_url: r.text(),
            }),
            schema_url: r.text(),
        })
    }

    fn log(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.time(),
            observed_time_unix_nano: self.time(),
            severity_number: self.below(26) as i32,
            severity_text: self.pick(&["", "WARN", "Information", "custom"]).to_owned(),
            body: self.any(3),
            attributes: self.attributes(),
            dropped_attributes_count: self.count32(),
            flags: self.count32(),
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    pub(crate) fn spans(&mut self) -> Vec<ResourceSpans> {
        self.list(3, |r| ResourceSpans {
            resource: r.resource(),
            scope_spans: r.list(3, |r| ScopeSpans {
                scope: r.scope(),
                spans: r.list(4, Random::span),
                schema_url: r.text(),
            }),
            schema_url: r.text(),
        })
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: self.count32(),
            name: self.text(),
            kind: self.below(7) as i32,
            start_time_unix_nano: self.time(),
            end_time_unix_nano: self.time(),
            attributes: self.attributes(),
            dropped_attributes_count: self.count32(),
            events: self.list(2, |r| Event {
                time_unix_nano: r.time(),
                name: r.text(),
                attributes: r.attributes(),
                dropped_attributes_count: r.count32(),
            }),
            dropped_events_count: self.count32(),
            links: self.list(2, |r| Link {
                trace_id: r.id(16),
                span_id: r.id(8),
                trace_state: r.text(),
                attributes: r.attributes(),
                dropped_attributes_count: r.count32(),
                flags: r.count32(),
            }),
            dropped_links_count: self.count32(),
            status: (self.below(2) == 0).then(|| Status { message: self.text(), code: self.below(3) as i32 }),
        }
    }

    pub(crate) fn metrics(&mut self) -> Vec<ResourceMetrics> {
        self.list(3, |r| ResourceMetrics {
            resource: r.resource(),
            scope_metrics: r.list(3, |r| ScopeMetrics {
                scope: r.scope(),
                metrics: r.list(4, Random::metric),
                schema_url: r.text(),
            }),
            schema_url: r.text(),
        })
    }

    fn metric(&mut self) -> Metric {
        let temporality = self.below(3) as i32;
        let data = match self.below(6) {
            0 => None,
            1 => Some(metric::Data::Gauge(Gauge { data_points: self.list(3, Random::number) })),
            2 => Some(metric::Data::Sum(Sum {
                data_points: self.list(3, Random::number),
                aggregation_temporality: temporality,
                is_monotonic: self.below(2) == 0,
            })),
            3 => Some(metric::Data::Histogram(Histogram {
                data_points: self.list(3, Random::histogram),
                aggregation_temporality: temporality,
            })),
            4 => Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.list(3, Random::exponential),
                aggregation_temporality: temporality,
            })),
            _ => Some(metric::Data::Summary(Summary { data_points: self.list(3, Random::summary) })),
        };
        Metric {
            name: self.text(),
            description: self.text(),
            unit: self.text(),
            metadata: if self.below(3) == 0 { self.attributes() } else { vec![] },
            data,
        }
    }

    fn exemplars(&mut self) -> Vec<Exemplar> {
        self.list(2, |r| Exemplar {
            filtered_attributes: r.attributes(),
            time_unix_nano: r.time(),
            span_id: r.id(8),
            trace_id: r.id(16),
            value: match r.below(3) {
                0 => None,
                1 => Some(exemplar::Value::AsDouble(r.double())),
                _ => Some(exemplar::Value::AsInt(r.next().cast_signed())),
            },
        })
    }

    fn optional_double(&mut self) -> Option<f64> {
        (self.below(2) == 0).then(|| self.double())
    }

    fn number(&mut self) -> NumberDataPoint {
        NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.time(),
            time_unix_nano: self.time(),
            exemplars: self.exemplars(),
            flags: self.count32(),
            value: match self.below(3) {
                0 => None,
                1 => Some(number_data_point::Value::AsDouble(self.double())),
                _ => Some(number_data_point::Value::AsInt(self.next().cast_signed() >> self.below(64))),
            },
        }
    }

    fn histogram(&mut self) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.time(),
            time_unix_nano: self.time(),
            count: self.pick(&[0, 5, u64::MAX]),
            sum: self.optional_double(),
            bucket_counts: self.list(3, Random::next),
            explicit_bounds: self.list(3, Random::double),
            exemplars: self.exemplars(),
            flags: self.count32(),
            min: self.optional_double(),
            max: self.optional_double(),
        }
    }

    fn buckets(&mut self) -> Option<Buckets> {
        (self.below(3) > 0)
            .then(|| Buckets { offset: self.next() as i32, bucket_counts: self.list(3, |r| r.next() >> r.below(64)) })
    }

    fn exponential(&mut self) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.time(),
            time_unix_nano: self.time(),
            count: self.pick(&[0, 5, 1 << 40]),
            sum: self.optional_double(),
            scale: self.next() as i32,
            zero_count: self.next(),
            positive: self.buckets(),
            negative: self.buckets(),
            flags: self.count32(),
            exemplars: self.exemplars(),
            min: self.optional_double(),
            max: self.optional_double(),
            zero_threshold: self.pick(&[0.0, 0.25]),
        }
    }

    fn summary(&mut self) -> SummaryDataPoint {
        SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.time(),
            time_unix_nano: self.time(),
            count: self.below(9),
            sum: self.double(),
            quantile_values: self.list(3, |r| ValueAtQuantile { quantile: r.double(), value: r.double() }),
            flags: self.count32(),
        }
    }
}

//! The metrics of the shop: cumulative request counters and latency histograms per route, and a CPU gauge.

use super::encode::{Resource, resource_attributes};
use super::request::Trace;
use super::system::SERVICES;
use crate::load::random::Random;
use crate::otlp::{Attribute, Kind, Value, Writer};
use std::collections::BTreeMap;

/// Bounds in seconds, as the HTTP semantic conventions recommend.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[derive(Debug, Default)]
struct Meter {
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    meters: BTreeMap<Resource, BTreeMap<(String, bool), Meter>>,
    busy_ns: BTreeMap<Resource, u64>,
}

impl Meters {
    /// Counts the served operations of a trace.
    pub(crate) fn observe(&mut self, trace: &Trace) {
        for (service, instance, span) in &trace.spans {
            if !matches!(span.kind, Kind::Server | Kind::Consumer) {
                continue;
            }
            let resource = (*service, *instance);
            let seconds = (span.end_ns - span.start_ns) as f64 / 1e9;
            let key = (span.name.clone(), span.error.is_some());
            let meter = self.meters.entry(resource).or_default().entry(key).or_default();
            meter.buckets[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
            meter.sum += seconds;
            *self.busy_ns.entry(resource).or_default() += (span.end_ns - span.start_ns) / 10;
        }
    }

    /// The request body for now, and begins a new period for the gauge.
    pub(crate) fn encode(&mut self, start_ns: u64, now_ns: u64, period_s: f64, random: &mut Random) -> Vec<u8> {
        let mut writer = Writer::default();
        for service in 0..SERVICES.len() {
            for instance in 0..2 {
                let resource = (service, instance);
                let busy = self.busy_ns.remove(&resource).unwrap_or(0) as f64 / 1e9 / period_s.max(0.1);
                let cpu = (0.03 + busy + 0.02 * random.unit()).min(1.0);
                let meters = self.meters.get(&resource);
                writer.resource(&resource_attributes(resource), "shop", |w| {
                    w.metric("process.cpu.utilization", "1", |w| {
                        w.gauge(|w| w.number_point(&[], start_ns, now_ns, &Value::Double(cpu)));
                    });
                    if let Some(meters) = meters {
                        write_routes(w, meters, (start_ns, now_ns));
                    }
                });
            }
        }
        writer.into_bytes()
    }
}

fn write_routes(w: &mut Writer, meters: &BTreeMap<(String, bool), Meter>, times: (u64, u64)) {
    let attributes = |name: &str, failed: bool| -> Vec<Attribute> {
        vec![
            ("operation", Value::Text(name.to_string())),
            ("outcome", Value::Static(if failed { "error" } else { "ok" })),
        ]
    };
    w.metric("shop.requests", "{request}", |w| {
        w.counter(|w| {
            for ((name, failed), meter) in meters {
                let count = Value::Int(meter.buckets.iter().sum::<u64>() as i64);
                w.number_point(&attributes(name, *failed), times.0, times.1, &count);
            }
        });
    });
    w.metric("shop.request.duration", "s", |w| {
        w.histogram(|w| {
            for ((name, failed), meter) in meters {
                w.histogram_point(&attributes(name, *failed), times, meter.sum, &meter.buckets, &BOUNDS);
            }
        });
    });
}

//! Traces of the shop as OTLP requests, one resource per service instance.

use super::request::Trace;
use super::system::SERVICES;
use crate::otlp::{Attribute, Value, Writer};
use std::collections::BTreeMap;

/// Service index and instance number.
pub(crate) type Resource = (usize, u64);

/// Resource attributes of an instance.
pub(crate) fn resource_attributes((service, instance): Resource) -> Vec<Attribute> {
    let (name, language, version) = SERVICES[service];
    vec![
        ("service.name", Value::Static(name)),
        ("service.namespace", Value::Static("shop")),
        ("service.version", Value::Static(version)),
        ("service.instance.id", Value::Text(format!("{name}-{instance}"))),
        ("telemetry.sdk.language", Value::Static(language)),
        ("telemetry.sdk.name", Value::Static("opentelemetry")),
        ("deployment.environment.name", Value::Static("demo")),
        ("host.name", Value::Text(format!("node-{}", (service as u64 + instance * 5) % 4 + 1))),
        ("k8s.pod.name", Value::Text(format!("{name}-6f9c7d{service:x}-{instance}"))),
        ("k8s.namespace.name", Value::Static("shop")),
    ]
}

/// One trace request of all spans.
pub(crate) fn spans(traces: &[Trace]) -> Vec<u8> {
    let mut by_resource: BTreeMap<Resource, Vec<_>> = BTreeMap::new();
    for (service, instance, span) in traces.iter().flat_map(|trace| &trace.spans) {
        by_resource.entry((*service, *instance)).or_default().push(span);
    }
    let mut writer = Writer::default();
    for (resource, spans) in by_resource {
        writer.resource(&resource_attributes(resource), "shop", |w| spans.iter().for_each(|span| w.span(span)));
    }
    writer.into_bytes()
}

/// One log request of all records.
pub(crate) fn logs(traces: &[Trace]) -> Vec<u8> {
    let mut by_resource: BTreeMap<Resource, Vec<_>> = BTreeMap::new();
    for (service, instance, log) in traces.iter().flat_map(|trace| &trace.logs) {
        by_resource.entry((*service, *instance)).or_default().push(log);
    }
    let mut writer = Writer::default();
    for (resource, logs) in by_resource {
        writer.resource(&resource_attributes(resource), "shop", |w| logs.iter().for_each(|log| w.log(log)));
    }
    writer.into_bytes()
}

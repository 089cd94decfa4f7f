// A small program with the OpenTelemetry JavaScript SDK: traces, logs and metrics over OTLP/HTTP, as JSON or protobuf. What it
// exported is also written to the file RECORD, one JSON object a line, in the shape of programs/shop.py.
//
// Usage: RECORD=file OTEL_EXPORTER_OTLP_ENDPOINT=url node shop.mjs json|proto REQUESTS
import { createWriteStream } from "node:fs";
import { context, metrics, SpanKind, SpanStatusCode, trace, ValueType } from "@opentelemetry/api";
import { logs, SeverityNumber } from "@opentelemetry/api-logs";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { AggregationType, DataPointType, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const [protocol, requests] = [process.argv[2], Number(process.argv[3])];
const flavour = { json: "http", proto: "proto" }[protocol];
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${flavour}`);
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${flavour}`);
const { OTLPMetricExporter } = await import(`@opentelemetry/exporter-metrics-otlp-${flavour}`);

const file = createWriteStream(process.env.RECORD);
// BigInt is not JSON: nanoseconds are written as bare digits.
const write = (record, members) => file.write(JSON.stringify({ record, ...members }, (_, v) => (typeof v === "bigint" ? `@${v}@` : v)).replaceAll(/"@(-?\d+)@"/g, "$1") + "\n");
const ns = ([seconds, nanos]) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
const KINDS = ["internal", "server", "client", "producer", "consumer"];
const STATUS = ["unset", "ok", "error"];

/** The exporter, writing down every batch it delivered. */
function tap(exporter, each) {
  const inner = exporter.export.bind(exporter);
  exporter.export = (batch, done) =>
    inner(batch, (result) => {
      if (result.code !== 0) throw result.error ?? new Error("export failed");
      each(batch);
      done(result);
    });
  return exporter;
}

const resource = resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME, "service.version": "2.0.0", "process.pid": process.pid, "host.load": 0.25 });

function writeSpans(spans) {
  for (const span of spans) {
    write("span", {
      trace_id: span.spanContext().traceId, span_id: span.spanContext().spanId, parent_span_id: span.parentSpanContext?.spanId ?? null,
      name: span.name, kind: KINDS[span.kind], start_ns: ns(span.startTime), end_ns: ns(span.endTime), status: STATUS[span.status.code], status_message: span.status.message ?? "",
      attributes: span.attributes, events: span.events.map((e) => ({ name: e.name, time_ns: ns(e.time), attributes: e.attributes ?? {} })),
      links: span.links.map((l) => ({ trace_id: l.context.traceId, span_id: l.context.spanId, attributes: l.attributes ?? {} })), resource: span.resource.attributes, scope: span.instrumentationScope.name,
    });
  }
}

function writeLogs(records) {
  for (const log of records) {
    write("log", {
      time_ns: ns(log.hrTime), severity_number: log.severityNumber ?? 0, severity_text: log.severityText ?? "", body: log.body, trace_id: log.spanContext?.traceId ?? null, span_id: log.spanContext?.spanId ?? null,
      attributes: log.attributes, resource: log.resource.attributes, scope: log.instrumentationScope.name,
    });
  }
}

function writePoints(data) {
  for (const { metrics, scope } of data.scopeMetrics) {
    for (const metric of metrics) {
      for (const point of metric.dataPoints) {
        const shared = { name: metric.descriptor.name, unit: metric.descriptor.unit, time_ns: ns(point.endTime), attributes: point.attributes, resource: data.resource.attributes, scope: scope.name };
        const { value } = point;
        const plain = { kind: metric.dataPointType === DataPointType.GAUGE ? "gauge" : "sum", value, double: metric.descriptor.valueType === ValueType.DOUBLE };
        const summary = () => ({ count: value.count, sum: value.sum, min: value.min, max: value.max });
        if (metric.dataPointType === DataPointType.HISTOGRAM) write("point", { ...shared, kind: "histogram", ...summary(), counts: value.buckets.counts, bounds: value.buckets.boundaries });
        else if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) write("point", { ...shared, kind: "exponential_histogram", ...summary(), scale: value.scale });
        else write("point", { ...shared, ...plain });
      }
    }
  }
}

const tracerProvider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(tap(new OTLPTraceExporter(), writeSpans))] });
tracerProvider.register();
const loggerProvider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: tap(new OTLPLogExporter(), writeLogs) })] });
logs.setGlobalLoggerProvider(loggerProvider);
const meterProvider = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: tap(new OTLPMetricExporter(), writePoints), exportIntervalMillis: 400, exportTimeoutMillis: 400 })],
  views: [{ instrumentName: "shop.size", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
});
metrics.setGlobalMeterProvider(meterProvider);

const tracer = trace.getTracer("shop-js");
const logger = logs.getLogger("shop-js.log");
const meter = metrics.getMeter("shop-js.meter");
const orders = meter.createCounter("shop.orders", { unit: "{order}", valueType: ValueType.INT });
const carts = meter.createUpDownCounter("shop.carts");
const latency = meter.createHistogram("shop.latency", { unit: "ms" });
const size = meter.createHistogram("shop.size");
meter.createObservableGauge("shop.temperature").addCallback((result) => result.observe(21.5, { room: "a" }));

for (let number = 0; number < requests; number++) {
  await tracer.startActiveSpan(`GET /order`, { kind: SpanKind.SERVER, attributes: { "http.request.method": "GET", "url.path": `/order/${number}` } }, async (server) => {
    const link = { context: server.spanContext(), attributes: { why: "test" } };
    const attributes = { text: `order №${number} 订单`, int: number, float: number + 0.5, bool: number % 2 === 0, list: ["a", "b", `c${number}`], ints: [1, 2, 3], floats: [0.5, 1.5], empty: "" };
    tracer.startActiveSpan("place", { kind: SpanKind.PRODUCER, attributes, links: [link] }, (span) => {
      span.addEvent("reserved", { items: number, ok: true });
      logger.emit({ severityNumber: SeverityNumber.INFO, severityText: "INFO", body: `order ${number} placed`, attributes: { "order.number": number, "order.total": number + 0.25, express: number % 2 === 0 } });
      if (number % 5 === 0) {
        span.recordException(new TypeError(`out of stock: ${number}`));
        span.setStatus({ code: SpanStatusCode.ERROR, message: "out of stock" });
        logger.emit({ severityNumber: SeverityNumber.ERROR2, severityText: "ERROR2", eventName: "stock.out", body: { number, items: ["x", 1.5, true], nested: { deep: "ü" } }, context: context.active() });
      } else span.setStatus({ code: SpanStatusCode.OK });
      span.end();
    });
    orders.add(1, { even: number % 2 === 0 });
    carts.add(number % 3 ? -1 : 2, { shelf: number % 3 });
    latency.record(number * 7.5 + 0.5, { route: "/order" });
    size.record(2 ** (number % 10) + 0.1);
    await new Promise((done) => setTimeout(done, 5));
    server.end();
  });
}
logger.emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body: "outside of any span" });
await Promise.all([tracerProvider.shutdown(), loggerProvider.shutdown(), meterProvider.shutdown()]);
await new Promise((done) => file.end(done));

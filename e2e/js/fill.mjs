// Sends the made-up records of the page's mock (ui/mock/data.mjs) to a real server over OTLP/JSON, so that the page's own
// walk finds there what it looks for.
//
// Usage: node fill.mjs BASE_URL [--follow]     --follow: goes on with fifty log records a second until it is ended
import { BIG_TRACE, BROKEN_TRACE, logRow, makeLogs, makeMetrics, makeSpans, makeTrace, random, SHOP_TRACE } from "../../ui/mock/data.mjs";

const base = process.argv[2];
const HOUR = 3_600_000;
const now = Date.now();
const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const STATUS = { unset: 0, ok: 1, error: 2 };
const BIG = "9007199254740993123";

const ns = (time) => String(BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, -1).padEnd(9, "0")));

function value(v) {
  if (v === "@@BIG@@") return { intValue: BIG };
  if (typeof v === "boolean") return { boolValue: v };
  if (Number.isInteger(v)) return { intValue: String(v) };
  if (typeof v === "number") return { doubleValue: v };
  return { stringValue: String(v) };
}
const attributes = (object = {}) => Object.entries(object).map(([key, v]) => ({ key, value: value(v) }));

/** Groups rows by their resource, as a producer would. */
function grouped(rows, inner) {
  const groups = new Map();
  for (const row of rows) {
    const resource = { "service.name": row.service, ...row.resource };
    const key = JSON.stringify(resource) + (row.scope_name ?? "");
    if (!groups.has(key)) groups.set(key, { resource: { attributes: attributes(resource) }, scope: { name: row.scope_name ?? "" }, items: [] });
    groups.get(key).items.push(inner(row));
  }
  return [...groups.values()];
}

async function post(path, body) {
  const response = await fetch(base + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok || Number(answer.partialSuccess?.rejectedSpans ?? answer.partialSuccess?.rejectedLogRecords ?? 0)) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
}

function logRecord(row) {
  return {
    timeUnixNano: ns(row.time), severityNumber: row.severity_number ?? { fatal: 21 }[row.level] ?? 0, severityText: row.severity_text ?? "", body: { stringValue: row.body },
    traceId: row.trace_id ?? "", spanId: row.span_id ?? "", attributes: attributes(row.attributes),
  };
}

function spanRecord(row) {
  const start = BigInt(ns(row.time)) + BigInt((row.start_offset_ns ?? 0) % 1_000_000);
  return {
    traceId: row.trace_id, spanId: row.span_id, parentSpanId: row.parent_span_id ?? "", name: row.name, kind: KINDS[row.kind], startTimeUnixNano: String(start), endTimeUnixNano: String(start + BigInt(row.duration_ns)),
    attributes: attributes(row.attributes), status: { code: STATUS[row.status], message: row.status_message ?? "" },
    events: (row.events ?? []).map((e) => ({ name: e.name, timeUnixNano: String(start + BigInt(e.offset_ns ?? 0)), attributes: attributes(e.attributes) })),
    links: (row.links ?? []).map((l) => ({ traceId: l.trace_id, spanId: l.span_id, attributes: attributes(l.attributes) })),
  };
}

function metric(row) {
  const time = { timeUnixNano: ns(row.time), startTimeUnixNano: ns(row.time), attributes: attributes(row.attributes) };
  const shared = { name: row.name, unit: row.unit };
  if (row.kind === "gauge") return { ...shared, gauge: { dataPoints: [{ ...time, asDouble: row.value }] } };
  if (row.kind === "sum") return { ...shared, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ ...time, asInt: String(row.value_int) }] } };
  const counts = Object.values(row.buckets);
  return { ...shared, histogram: { aggregationTemporality: 1, dataPoints: [{ ...time, count: String(counts.reduce((a, b) => a + b)), sum: row.sum, min: row.min, max: row.max, explicitBounds: Object.keys(row.buckets).map(Number).slice(0, -1), bucketCounts: counts.map(String) }] } };
}

const chunks = (rows, size = 2_000) => Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
const sendLogs = async (rows) => {
  for (const part of chunks(rows)) await post("/v1/logs", { resourceLogs: grouped(part, logRecord).map(({ resource, scope, items }) => ({ resource, scopeLogs: [{ scope, logRecords: items }] })) });
};
const sendSpans = async (rows) => {
  for (const part of chunks(rows)) await post("/v1/traces", { resourceSpans: grouped(part, spanRecord).map(({ resource, scope, items }) => ({ resource, scopeSpans: [{ scope, spans: items }] })) });
};

// Loose spans keep out of the traces that are shown whole.
const r = random(99);
const hex = () => Array.from({ length: 32 }, () => r(16).toString(16)).join("");
await sendLogs(makeLogs(now, 24_000, 3 * HOUR));
await sendSpans(makeSpans(now, 9_000, 2 * HOUR).map((row) => (row.trace_id === SHOP_TRACE ? { ...row, trace_id: hex() } : row)));
for (const part of chunks(makeMetrics(now, 600))) await post("/v1/metrics", { resourceMetrics: grouped(part, metric).map(({ resource, items }) => ({ resource, scopeMetrics: [{ metrics: items }] })) });
for (const [id, size] of [[SHOP_TRACE, 64], [BROKEN_TRACE, 30], [BIG_TRACE, 10_000]]) {
  const trace = makeTrace(id, size, now);
  await sendSpans(trace.spans.map((span) => ({ ...span, trace_id: id })));
  await sendLogs(trace.logs);
}
console.log("filled");
if (process.argv.includes("--follow")) {
  const live = random(5);
  for (;;) {
    await sendLogs(Array.from({ length: 10 }, (_, i) => logRow(live, Date.now() - i)));
    await new Promise((done) => setTimeout(done, 200));
  }
}

// Made-up telemetry for the mock server: the same on every run but for the present time. A small shop, with a few hostile
// records that try to break the page.
const SERVICES = ["frontend", "checkout", "cart", "catalog", "payment", "shipping", "recommendation", "email"];
const NODES = ["node-1", "node-2", "node-3"];
const ROUTES = ["GET /", "GET /product/{id}", "POST /cart", "POST /checkout", "GET /recommendations"];
const LINES = [
  ["info", "frontend", (r) => `GET /product/${r(9000)} 200 in ${1 + r(90)} ms`],
  ["info", "checkout", (r) => `order ${hex(r, 8)} placed, ${1 + r(5)} items, total ${r(400)}.${10 + r(89)} EUR`],
  ["debug", "cart", (r) => `cache ${r(2) ? "hit" : "miss"} for cart:${hex(r, 6)}`],
  ["info", "catalog", (r) => `loaded ${r(500)} products from replica ${r(3)}`],
  ["warn", "payment", (r) => `retry ${1 + r(3)} of 3: card processor answered after ${400 + r(900)} ms`],
  ["error", "payment", (r) => `charge failed: connection reset by peer (10.0.${r(255)}.${r(255)}:8443)`],
  ["info", "shipping", (r) => `label printed for parcel ${hex(r, 10)}`],
  ["trace", "recommendation", (r) => `model score ${(r(1000) / 1000).toFixed(3)} for user ${r(4000)}`],
  ["info", "email", (r) => `sent "order confirmation" to user ${r(4000)}`],
  ["error", "checkout", (r) => `timeout after 2000 ms waiting for payment, order ${hex(r, 8)}`],
];
const WEIGHTS = [34, 12, 16, 8, 5, 2, 7, 5, 6, 1];
const HOSTILE = [
  "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>",
  "\u001b[31mred\u001b[0m and \u0000 NUL and \u0007 bell\r\nsecond line",
  "user\u202egnp.exe\u202c looks harmless; zero\u200bwidth; \ufeffbom; lone \ud800 surrogate",
  '"><svg onload=window.hacked=1>{{7*7}}${7*7}javascript:window.hacked=1',
  "long " + "0123456789abcdef".repeat(4000),
];

export function random(seed) {
  let s = seed >>> 0;
  return (n) => {
    s = (Math.imul(s ^ (s >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    let x = s;
    x ^= x >>> 16;
    x = Math.imul(x, 0x45d9f3b) >>> 0;
    x ^= x >>> 16;
    return (x >>> 0) % n;
  };
}

function hex(r, n) {
  let out = "";
  for (let i = 0; i < n; i++) out += r(16).toString(16);
  return out;
}

export const rfc = (ms, ns = 0) => `${new Date(ms).toISOString().slice(0, 23)}${String(ns).padStart(6, "0")}Z`;

export const BIG_TRACE = "b1660000000000000000000000010000";
export const SHOP_TRACE = "5409000000000000000000000000cafe";
export const BROKEN_TRACE = "0bad0000000000000000000000000001";

function pick(r) {
  let n = r(WEIGHTS.reduce((a, b) => a + b));
  return LINES[WEIGHTS.findIndex((w) => (n -= w) < 0)];
}

export function logRow(r, ms) {
  const [level, service, body] = pick(r);
  const node = NODES[r(3)];
  const traced = r(3) === 0;
  return {
    time: rfc(ms, r(1_000_000)), service, level, body: body(r), node,
    ...(traced ? { trace_id: r(4) === 0 ? SHOP_TRACE : hex(r, 32), span_id: hex(r, 16) } : {}),
    severity_number: { trace: 1, debug: 5, info: 9, warn: 13, error: 17 }[level], severity_text: level.toUpperCase(), scope_name: `shop.${service}`, template_id: r(40),
    attributes: { "http.method": r(2) ? "GET" : "POST", "http.status_code": level === "error" ? 500 + r(4) : 200, "user.id": String(r(4000)), "thread.id": r(32), "order.big": "@@BIG@@" },
    resource: { "service.name": service, "service.version": `1.${r(4)}.0`, "host.name": node, "deployment.environment": "demo", "k8s.pod.name": `${service}-7d9f-${hex(r, 5)}` },
  };
}

export function makeLogs(nowMs, count, spanMs) {
  const r = random(7);
  const rows = [];
  for (let i = 0; i < count; i++) {
    const share = i / count;
    const wave = share + 0.03 * Math.sin(share * 40);
    rows.push(logRow(r, nowMs - Math.floor(Math.max(0, Math.min(1, wave)) * spanMs) - 50));
  }
  HOSTILE.forEach((body, i) => rows.push({ time: rfc(nowMs - 1000 - i * 900), service: i === 2 ? "rtl\u202ecivres" : "hostile", level: i === 0 ? "fatal" : undefined, body, node: "node-x", attributes: { "odd\u0000name": body.slice(0, 60), "very.long": i === 4 ? "x".repeat(20000) : "-" }, resource: {} }));
  return rows.sort((a, b) => (a.time < b.time ? 1 : -1));
}

export function makeSpans(nowMs, count, spanMs) {
  const r = random(11);
  const rows = [];
  for (let i = 0; i < count; i++) {
    const service = SERVICES[r(8)];
    const bad = r(40) === 0;
    const name = service === "frontend" ? ROUTES[r(5)] : `${service}/${["Get", "List", "Put", "Charge"][r(4)]}`;
    rows.push({
      time: rfc(nowMs - Math.floor((i / count) * spanMs) - 80, r(1_000_000)), duration_ns: Math.floor(200_000 * Math.exp(r(1000) / 160)) + r(1000), service, name,
      kind: service === "frontend" ? "server" : r(3) ? "internal" : "client", status: bad ? "error" : r(3) ? "unset" : "ok", ...(bad ? { status_message: "connection reset by peer" } : {}),
      trace_id: i % 5 === 0 ? SHOP_TRACE : hex(r, 32), span_id: hex(r, 16), parent_span_id: hex(r, 16),
      attributes: { "http.method": "GET", "http.status_code": bad ? 503 : 200, "http.route": ROUTES[r(5)] }, resource: { "service.name": service, "host.name": NODES[r(3)] },
      events: bad ? [{ time: rfc(nowMs), name: "exception", attributes: { "exception.type": "IOError", "exception.message": "connection reset by peer" } }] : [],
    });
  }
  return rows;
}

export function makeMetrics(nowMs, count) {
  const r = random(13);
  const rows = [];
  for (let i = 0; i < count; i++) {
    const service = SERVICES[r(8)];
    const kind = ["gauge", "sum", "histogram"][i % 3];
    rows.push({
      time: rfc(nowMs - i * 5000), service, name: { gauge: "process.memory.usage", sum: "http.server.requests", histogram: "http.server.duration" }[kind], unit: { gauge: "By", sum: "1", histogram: "ms" }[kind], kind,
      ...(kind === "histogram" ? { count: 10 + r(90), sum: r(9000), min: 1, max: 900, buckets: { 10: r(9), 100: r(50), 1000: r(9) } } : kind === "sum" ? { value_int: r(100000), monotonic: true, temporality: "cumulative" } : { value: 50e6 + r(1e7) }),
      attributes: { "http.method": "GET" }, resource: { "service.name": service },
    });
  }
  return rows;
}

/** A trace in pre-order. `size` spans; siblings run one after the other with some overlap. */
export function makeTrace(id, size, nowMs) {
  const r = random(size + 3);
  const spans = [];
  const startMs = nowMs - 60_000;
  const make = (parent, depth, offset, duration, service, budget) => {
    if (spans.length >= size || budget < 1) return;
    const bad = depth > 1 && r(60) === 0;
    const span = {
      span_id: (0x1000 + spans.length).toString(16).padStart(16, "0"), ...(parent ? { parent_span_id: parent } : {}), depth, service,
      name: depth === 0 ? "POST /checkout" : r(3) === 0 ? `SELECT * FROM ${service}_items WHERE id = $1` : `${service}.${["get", "list", "reserve", "charge", "render"][r(5)]}`,
      kind: depth === 0 ? "server" : r(2) ? "client" : "internal", status: bad ? "error" : "unset", ...(bad ? { status_message: "deadline exceeded" } : {}),
      time: rfc(startMs + Math.floor(offset / 1e6)), start_offset_ns: offset, duration_ns: duration, self_time_ns: duration,
      attributes: { "http.method": "POST", "rpc.system": "grpc", "db.rows": r(100), "user.id": String(r(4000)) }, resource: { "service.name": service, "host.name": NODES[r(3)] }, scope_name: `shop.${service}`,
      events: bad ? [{ offset_ns: Math.floor(duration * 0.9), name: "exception", attributes: { "exception.message": "deadline exceeded", "exception.type": "DeadlineExceeded" } }] : [],
      links: depth === 1 && r(9) === 0 ? [{ trace_id: BIG_TRACE, span_id: "0000000000001000", attributes: { why: "retry" } }] : [],
    };
    spans.push(span);
    if (duration < 20_000 || depth > 14) return;
    const children = Math.min(budget - 1, depth === 0 ? (size > 1000 ? Math.ceil(size / 40) : 7) : 1 + r(4));
    const each = Math.floor((budget - 1) / Math.max(1, children));
    let at = offset + Math.floor(duration * 0.03);
    let own = duration;
    for (let c = 0; c < children && spans.length < size; c++) {
      const room = offset + duration - at;
      const length = Math.floor(Math.min(room * 0.95, (duration / (children + 0.5)) * (0.5 + r(60) / 100)));
      if (length < 1000) break;
      make(span.span_id, depth + 1, at, length, r(3) ? SERVICES[1 + r(7)] : service, each);
      own -= length;
      at += Math.floor(length * (r(4) ? 1.03 : 0.6));
    }
    span.self_time_ns = Math.max(0, own);
  };
  const total = size > 1000 ? 8_400_000_000 : 842_317_000;
  make(null, 0, 0, total, "frontend", size);
  while (spans.length < size && size > 1000) make(spans[0].span_id, 1, Math.floor((spans.length / size) * total * 0.98), 3_000_000 + r(9_000_000), SERVICES[1 + r(7)], 1);
  const problems = [];
  if (id === BROKEN_TRACE) {
    problems.push("2 spans name a parent that was not received", "the clock of node-2 is about 12 ms ahead");
    for (const span of spans.slice(3, 5)) Object.assign(span, { missing_parent: true, depth: 0, parent_span_id: "dead00000000beef" });
  }
  const services = new Map();
  for (const s of spans) {
    const entry = services.get(s.service) ?? { service: s.service, spans: 0, self_time_ns: 0 };
    entry.spans++;
    entry.self_time_ns += s.self_time_ns;
    services.set(s.service, entry);
  }
  const logs = spans.filter((_, i) => i % Math.ceil(size / 24) === 0).map((s) => ({ ...logRow(r, startMs), time: rfc(startMs + Math.floor((s.start_offset_ns + s.duration_ns * 0.4) / 1e6), 500_000), trace_id: id, span_id: s.span_id, service: s.service }));
  return { trace_id: id, start: rfc(startMs), duration_ns: total, span_count: spans.length, error_count: spans.filter((s) => s.status === "error").length, services: [...services.values()], problems, spans, logs: logs.sort((a, b) => (a.time < b.time ? -1 : 1)) };
}

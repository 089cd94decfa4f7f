// A stand-in for the Clewline server, for working on the page and for its end-to-end tests: the contract of the HTTP API
// over made-up data, the built page from dist/, and the same security headers.
// Usage: node mock/server.mjs [--port 4300] [--empty]. Node only, no dependencies.
// POST /mock/mode?down=1&busy=1&empty=1 switches failures on for the tests.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { BIG_TRACE, BROKEN_TRACE, logRow, makeLogs, makeMetrics, makeSpans, makeTrace, random, rfc, SHOP_TRACE } from "./data.mjs";
import { BadQuery, get, parse } from "./query.mjs";

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const BIG_INTEGER = "9007199254740993123";

/** RFC 3339 → ms with the digits below the millisecond kept as a fraction (good to about 0.25 µs). */
function instant(text) {
  const below = /\.\d{3}(\d{1,6})/.exec(text)?.[1] ?? "0";
  return Date.parse(text) + Number(`0.${below}`);
}

export function start({ port = 0, empty = false, spans = 10_000 } = {}) {
  const bornMs = Date.now();
  const HOUR = 3_600_000;
  const data = { logs: makeLogs(bornMs, 24_000, 3 * HOUR), spans: makeSpans(bornMs, 9_000, 2 * HOUR), metrics: makeMetrics(bornMs, 600) };
  const mode = { empty, busy: false, first: 0 };

  const bound = (text) => {
    if (!text || text === "now") return text ? Date.now() : null;
    const m = /^(?:now-)?(\d+)([smhd])$/.exec(text);
    if (m) return Date.now() - +m[1] * { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[m[2]];
    return instant(text);
  };
  const select = (p) => {
    const signal = p.get("signal") ?? "logs";
    const { test, stages } = parse(p.get("q") ?? "");
    const [from, to] = [bound(p.get("start")), bound(p.get("end"))];
    const rows = mode.empty ? [] : data[signal].filter((row) => {
      const at = instant(row.time);
      return (from === null || at >= from) && (to === null || at < to) && test(row);
    });
    return { signal, rows, stages, from, to };
  };

  const send = (response, body, status = 200, headers = {}) => {
    const text = JSON.stringify(body).replaceAll('"@@BIG@@"', BIG_INTEGER);
    response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json", "cache-control": "no-store", ...headers });
    response.end(text);
  };

  const routes = {
    "/api/v1/search": (p, response) => {
      const { rows, stages } = select(p);
      const limit = +(p.get("limit") ?? 100);
      const offset = +(p.get("cursor") ?? 0);
      const piped = stages.reduce((list, stage) => stage(list), rows);
      const page = stages.length ? piped : rows.slice(offset, offset + limit);
      const cursor = !stages.length && offset + limit < rows.length ? String(offset + limit) : null;
      send(response, { rows: page, cursor, stats: { rows: page.length, rows_scanned: data.logs.length, segments: 7, took_ms: 3.42, complete: true } }, 200, cursor ? { "x-clewline-cursor": cursor } : {});
    },
    "/api/v1/hits": (p, response) => {
      const { rows, from, to } = select(p);
      const by = p.get("by");
      const times = rows.map((r) => Date.parse(r.time));
      const startMs = from ?? Math.min(Date.now() - 1000, ...times.slice(-1));
      const endMs = to ?? Date.now();
      const steps = [1, 10, 100, 1e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 864e5];
      const step = steps.find((s) => (endMs - startMs) / s <= 80) ?? 864e5;
      const first = Math.floor(startMs / step) * step;
      const buckets = Math.max(1, Math.ceil((endMs - first) / step));
      const groups = new Map();
      rows.forEach((row, i) => {
        const value = by ? String(get(row, by) ?? "") : "";
        const group = groups.get(value) ?? { value, total: 0, counts: new Array(buckets).fill(0) };
        group.total++;
        group.counts[Math.min(buckets - 1, Math.floor((times[i] - first) / step))]++;
        groups.set(value, group);
      });
      send(response, { start: rfc(first), step_ns: step * 1e6, buckets, total: rows.length, groups: [...groups.values()] });
    },
    "/api/v1/fields": (p, response) => {
      const prefix = (p.get("prefix") ?? "").toLowerCase();
      const seen = new Map();
      for (const row of data[p.get("signal") ?? "logs"].slice(0, 200)) {
        for (const key of Object.keys(row)) if (!["attributes", "resource", "events", "links"].includes(key)) seen.set(key, { name: key, scope: "record", types: [typeof row[key]] });
        for (const scope of ["attributes", "resource"]) for (const key of Object.keys(row[scope] ?? {})) seen.set(key, { name: key, scope: scope.replace("attributes", "attribute"), types: [typeof row[scope][key]] });
      }
      send(response, { fields: [...seen.values()].filter((f) => f.name.toLowerCase().startsWith(prefix)) });
    },
    "/api/v1/services": (p, response) => {
      const out = {};
      const entry = (name) => (out[name] ??= { service: name, spans: 0, errors: 0, rate_per_second: 0, error_share: 0, p50_ms: null, p95_ms: null, p99_ms: null, logs: 0, log_errors: 0, durations: [], sparkline: { step_ns: 12e10, spans: new Array(30).fill(0), errors: new Array(30).fill(0) } });
      p.set("signal", "spans");
      const { rows, from, to } = select(p);
      const [start, end] = [from ?? bornMs - 2 * HOUR, to ?? Date.now()];
      for (const row of rows) {
        const e = entry(row.service);
        const slot = Math.max(0, Math.min(29, Math.floor(((Date.parse(row.time) - start) / (end - start)) * 30)));
        e.spans++;
        e.sparkline.spans[slot]++;
        if (row.status === "error") e.errors++, e.sparkline.errors[slot]++;
        e.durations.push(row.duration_ns / 1e6);
      }
      p.set("signal", "logs");
      for (const row of select(p).rows) if (row.service) entry(row.service).logs++, (entry(row.service).log_errors += row.level === "error");
      for (const e of Object.values(out)) {
        const d = e.durations.sort((a, b) => a - b);
        const at = (q) => d[Math.min(d.length - 1, Math.floor(d.length * q))];
        if (d.length) Object.assign(e, { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), rate_per_second: e.spans / ((end - start) / 1000), error_share: e.errors / e.spans });
        delete e.durations;
      }
      send(response, { start: rfc(start), end: rfc(end), services: Object.values(out) });
    },
    "/api/v1/status": (p, response) => {
      const n = mode.empty ? { logs: mode.first, spans: 0, metrics: 0 } : { logs: data.logs.length, spans: data.spans.length, metrics: data.metrics.length };
      const some = mode.empty ? { logs: 0, spans: 0, metrics: 0 } : { logs: 12, spans: 40, metrics: 0 };
      send(response, {
        version: "0.1.0-mock", started: rfc(bornMs - 93_000), ready: true,
        listeners: [["http", 4300, "listen.http"], ["otlp_grpc", 4317, "listen.otlp_grpc"], ["otlp_http", 4318, "listen.otlp_http"], ["raw_tcp", 8080, "listen.raw_tcp"], ["raw_udp", 8080, "listen.raw_udp"]].map(([name, at, setting]) => ({ name, address: `127.0.0.1:${at}`, setting })),
        received: { logs: n.logs + some.logs, spans: n.spans + some.spans, metrics: n.metrics }, stored: n, duplicate: { ...some, logs: some.logs ? 9 : 0 }, rejected: { logs: some.logs ? 3 : 0, spans: 0, metrics: 0 },
        last_received: n.logs ? rfc(Date.now() - 2_300) : null, storage: { segments: mode.empty ? 0 : 7, bytes: mode.empty ? 0 : 1_482_204, rows: mode.empty ? { logs: 0, spans: 0, metrics: 0 } : n },
      });
    },
    "/api/v1/storage": (p, response) => {
      const extent = { segments: 5, rows: 90_000, bytes: 1_200_000, index_bytes: 40_000, oldest: rfc(bornMs - 86_400_000), newest: rfc(bornMs) };
      const partition = (day, segments) => ({ ...extent, segments, day, levels: [segments - 1, 0, 1, 0, 0, 0, 0] });
      const table = (tenant, signal) => ({ ...extent, tenant, signal, memory_rows: 12, memory_bytes: 4_000, pending: 1, retention: { age_s: signal === "logs" ? 2_592_000 : null, bytes_max: tenant === "default" ? null : 5 << 30 }, partitions: [partition("future", 1), partition("2026-11-24", 3), partition("2026-11-23", 1)], partitions_left_out: 0 });
      const job = (id, state, error) => ({ id, tenant: "default", signal: "logs", query: "user.id:=42 \u202e", state, matched: 12, deleted: state === "done" ? 12 : 4, segments_left: state === "done" ? 0 : 3, error });
      send(response, {
        compaction: { state: mode.paused ? "paused" : "running", pending: 2, done: 17, failed: 0 }, written: { flushed_bytes: 2_000_000, merged_bytes: 1_500_000, erased_bytes: 20_000, amplification: 1.76 },
        deleted: { segments_expired: 3, records_expired: 4_000, records_deleted: 16 }, retention_suspended: false, tables_left_out: 0,
        tables: mode.empty ? [] : [table("default", "logs"), table("default", "spans"), table("acme", "logs")], delete_jobs: mode.empty ? [] : [job(3, "running", null), job(2, "failing", "a segment cannot be read"), job(1, "done", null)],
      });
    },
    "/api/v1/storage/compaction": (p, response) => {
      mode.paused = !mode.paused;
      send(response, { compaction: mode.paused ? "paused" : "running" });
    },
    "/api/v1/bytes": (p, response) => {
      const column = (name, stored, floor) => ({ name, values: 90_000, raw_bytes: stored * 12, encoded_bytes: stored * 6, stored_bytes: stored, floor_bytes: floor, efficiency: floor === null ? null : floor / stored, sample_bytes: floor === null ? 0 : 1 << 20 });
      send(response, {
        tenant: "default", wal_bytes: 10_000, signals: [{
          signal: p.get("signal") ?? "logs", segments: 5, segments_left_out: 0, rows: 90_000, raw_bytes: 14_000_000, stored_bytes: 1_200_000, overhead_bytes: 30_000, index_bytes: 40_000, memory_rows: 12, memory_bytes: 4_000,
          columns: [column("body", 700_000, 560_000), column("time", 200_000, 190_000), column("attributes_rest", 90_000, null)], columns_left_out: 0,
          attributes: [{ name: "http.route", column: true, raw_bytes: 800_000, stored_bytes: 20_000 }, { name: "resource.host.name", column: false, raw_bytes: 9_000, stored_bytes: 500 }],
          templates: [{ template_id: "00000000000000ab", text: "GET <*> took <*> ms", rows: 40_000, body_bytes: 4_000_000, share: 0.4 }], template_rows: 90_000,
        }],
      });
    },
    "/api/v1/tail": (p, response, request) => {
      const { test } = parse(p.get("q") ?? "");
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      const r = random(Date.now() & 0xffff);
      let id = 0;
      const rate = +(process.env.MOCK_TAIL_RATE ?? 40);
      const timer = setInterval(() => {
        for (let i = 0; i < rate / 10; i++) {
          const row = logRow(r, Date.now());
          if (test(row)) response.write(`event: record\nid: ${++id}\ndata: ${JSON.stringify(row).replaceAll('"@@BIG@@"', BIG_INTEGER)}\n\n`);
        }
        if (r(30) === 0) response.write(`event: dropped\ndata: {"count":${1 + r(9)}}\n\n`);
        response.write(": beat\n\n");
      }, 100);
      request.on("close", () => clearInterval(timer));
    },
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://mock");
    const p = url.searchParams;
    response.setHeader("content-security-policy", CSP);
    response.setHeader("x-content-type-options", "nosniff");
    try {
      if (url.pathname === "/mock/mode") {
        for (const [key, value] of p) mode[key] = key === "first" ? +value : value === "1";
        return send(response, mode);
      }
      if (url.pathname.startsWith("/api/") && mode.busy && url.pathname !== "/api/v1/status") {
        return send(response, { code: "overloaded", message: "Too many questions are being answered.", hint: "Wait a moment.", request_id: "r-429" }, 429, { "retry-after": "2" });
      }
      const values = /^\/api\/v1\/fields\/(.+)\/values$/.exec(url.pathname);
      if (values) {
        const counts = new Map();
        const field = decodeURIComponent(values[1]);
        for (const row of select(p).rows) {
          const value = get(row, field);
          if (value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
        }
        const list = [...counts].map(([value, count]) => ({ value, count })).filter((v) => v.value.startsWith(p.get("prefix") ?? "")).sort((a, b) => b.count - a.count);
        return send(response, { field, values: list.slice(0, +(p.get("limit") ?? 20)), complete: true });
      }
      const trace = /^\/api\/v1\/traces\/(\w+)$/.exec(url.pathname);
      if (trace) {
        const sizes = { [BIG_TRACE]: spans, [SHOP_TRACE]: 64, [BROKEN_TRACE]: 30 };
        const size = sizes[trace[1]] ?? (data.spans.some((s) => s.trace_id === trace[1]) ? 24 : 0);
        return size ? send(response, makeTrace(trace[1], size, bornMs)) : send(response, { code: "not_found", message: `No span of trace ${trace[1]} is stored.`, hint: "Traces appear a moment after their first span; check the id.", request_id: "r-404" }, 404);
      }
      const route = routes[url.pathname];
      if (route) return route(p, response, request);
      if (url.pathname.startsWith("/api/")) return send(response, { code: "not_found", message: "No such address." }, 404);
      const path = join(DIST, normalize(url.pathname));
      const file = path.startsWith(DIST) && existsSync(path) && statSync(path).isFile() ? path : join(DIST, "index.html");
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "cache-control": url.pathname.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache" });
      createReadStream(file).pipe(response);
    } catch (error) {
      if (!(error instanceof BadQuery)) throw error;
      send(response, { code: "bad_query", message: error.message, hint: error.hint, position: { offset: error.offset, column: error.offset + 1 }, request_id: "r-400" }, 400);
    }
  });
  return new Promise((done) => server.listen(port, "127.0.0.1", () => done({ url: `http://127.0.0.1:${server.address().port}`, mode, server, close: () => { server.closeAllConnections(); server.close(); } })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name) => process.argv[process.argv.indexOf(name) + 1];
  const { url } = await start({ port: process.argv.includes("--port") ? +option("--port") : 4300, empty: process.argv.includes("--empty") });
  console.log(`mock server at ${url}`);
}

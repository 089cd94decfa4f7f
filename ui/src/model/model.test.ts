import assert from "node:assert/strict";
import { test } from "node:test";
import { sseReader } from "../api/tail.ts";
import type { Trace, TraceSpan } from "../api/types.ts";
import { toCurl, toSql } from "./equivalents.ts";
import { barsOf, rangeAt, ticks } from "./histogram.ts";
import { addTerm, contextAt, hasTerm, quote, removeTerm, splitPipes } from "./query-text.ts";
import { collapsedFrom, isSound, layoutOf, reveal, rowOf, visibleRows } from "./trace.ts";
import { HEIGHT_MAX_PX, scrollTo, windowOf } from "./virtual.ts";

test("editing the query text", () => {
  assert.equal(addTerm("", "level", "error"), "level:=error");
  assert.equal(addTerm("timeout", "level", "error"), "timeout level:=error");
  assert.equal(addTerm("timeout | stats count()", "level", "error"), "timeout level:=error | stats count()");
  assert.equal(addTerm("a OR b", "level", "error"), "(a OR b) level:=error");
  assert.equal(addTerm("*", "http.method", "GET", true), "-http.method:=GET");
  assert.equal(addTerm("level:=error x", "level", "error", true), "x -level:=error", "the opposite replaces");
  assert.equal(addTerm("level:=error", "level", "error"), "level:=error", "twice is once");
  assert.equal(removeTerm("x level:=error y", "level", "error"), "x y");
  assert.ok(hasTerm("x level:=error", "level", "error"));
  assert.ok(!hasTerm("x level:=errors", "level", "error"));
  assert.equal(addTerm("", "we ird", 'a "b" | c'), '"we ird":="a \\"b\\" | c"');
  assert.equal(addTerm("", "user", ""), 'user:""');
  assert.equal(quote("or"), '"or"');
  assert.deepEqual(splitPipes('"a | b" x | limit 1'), { filter: '"a | b" x', pipes: "| limit 1" });
});

test("what stands at the caret", () => {
  const at = (text: string) => {
    const caret = text.indexOf("^");
    return contextAt(text.replace("^", ""), caret);
  };
  assert.deepEqual(at("lev^"), { kind: "field", prefix: "lev", from: 0, to: 3 });
  assert.deepEqual(at("level:^"), { kind: "value", field: "level", prefix: "", from: 6, to: 6, quoted: false });
  assert.deepEqual(at("x level:=err^ y"), { kind: "value", field: "level", prefix: "err", from: 9, to: 12, quoted: false });
  assert.deepEqual(at("x | st^"), { kind: "pipe", prefix: "st", from: 4, to: 6 });
  assert.equal(at("x | stats cou^").kind, "none");
  assert.equal(at('"a phrase^"').kind, "none");
});

test("SQL for plain conjunctions, curl always", () => {
  const question = { signal: "logs" as const, q: 'timeout service:=cart -level:info "it\'s"', start: "2026-11-24T00:00:00Z" };
  assert.equal(toSql(question, 100), [
    "SELECT * FROM logs", "WHERE time >= TIMESTAMP '2026-11-24T00:00:00Z'", "  AND body ILIKE '%timeout%'", "  AND service = 'cart'", "  AND NOT (level = 'info')", "  AND body ILIKE '%it''s%'", "ORDER BY time DESC", "LIMIT 100",
  ].join("\n"));
  for (const q of ["a OR b", "(a)", "a | limit 1"]) assert.equal(toSql({ signal: "logs", q }, 10), null, q);
  assert.ok(toCurl("http://h:1", { signal: "logs", q: "it's" }, 5).includes(`'q=it'\\''s'`));
});

test("virtual list", () => {
  const view = windowOf(1000, 24, 2400, 480);
  assert.ok(view.first <= 100 && view.last >= 120 && view.last - view.first < 40);
  assert.equal(windowOf(0, 24, 0, 480).last, 0);
  const huge = windowOf(5_000_000, 24, HEIGHT_MAX_PX - 480, 480);
  assert.equal(huge.heightPx, HEIGHT_MAX_PX);
  assert.equal(huge.last, 5_000_000, "the end of a scaled list can be reached");
  assert.equal(scrollTo(5, 1000, 24, 0, 480), 0);
  assert.equal(scrollTo(50, 1000, 24, 0, 480), 51 * 24 - 480);
});

test("histogram bars", () => {
  const bars = barsOf({ start: "2026-11-24T00:00:00Z", step_ns: 60e9, buckets: 3, total: 9, groups: [{ value: "info", total: 6, counts: [1, 2, 3] }, { value: "error", total: 3, counts: [3, 0, 0] }] }, ["error", "info"]);
  assert.deepEqual(bars.values, ["error", "info"]);
  assert.equal(bars.peak, 4);
  const all = rangeAt(bars, 0, 1);
  assert.equal(all.endNs - all.startNs, 180_000_000_000n);
  assert.equal(rangeAt(bars, 0.5, 0.5).startNs, bars.startNs + bars.stepNs, "a click is one bar");
  const at = ticks(0n, 3_600_000_000_000n, 6, 0);
  assert.ok(at.length >= 3 && at.length <= 7 && at.every((t) => t.atMs % t.stepMs === 0));
});

function traceOf(depths: number[]): Trace {
  const spans = depths.map((depth, i): TraceSpan => ({ span_id: String(i), depth, service: `s${i % 3}`, name: `n${i}`, status: i === 4 ? "error" : "ok", time: "2026-11-24T00:00:00Z", start_offset_ns: i, duration_ns: 10 }));
  return { trace_id: "t", start: "2026-11-24T00:00:00Z", duration_ns: 100, span_count: spans.length, error_count: 1, services: [], spans, logs: [{ span_id: "2", body: "x" }, { body: "y" }] };
}

test("trace layout", () => {
  const layout = layoutOf(traceOf([0, 1, 2, 2, 3, 1, 0]));
  assert.ok(isSound(layout));
  assert.deepEqual([...layout.end], [6, 5, 3, 5, 5, 6, 7]);
  assert.deepEqual([...layout.parent], [-1, 0, 1, 1, 3, 0, -1]);
  assert.equal(layout.errorsBelow[0], 1);
  assert.deepEqual([...visibleRows(layout, new Set([1]))], [0, 1, 5, 6]);
  assert.deepEqual([...collapsedFrom(layout, 1)], [1, 3]);
  assert.deepEqual([...reveal(layout, new Set([0, 1, 3]), 4)], []);
  assert.equal(rowOf(visibleRows(layout, new Set([1])), 4), 1);
  assert.equal(layout.logsOf.get(2)?.length, 1);
  assert.equal(layout.logsOf.get(-1)?.length, 1);
});

test("a trace with absurd depths still lays out", () => {
  const layout = layoutOf(traceOf([3, 9, 0, 7, 7]));
  assert.ok(isSound(layout));
  assert.equal(layoutOf(traceOf([])).size, 0);
});

test("100,000 spans lay out in one pass", () => {
  const depths = Array.from({ length: 100_000 }, (_, i) => (i === 0 ? 0 : 1 + (i % 12)));
  const started = performance.now();
  const layout = layoutOf(traceOf(depths));
  visibleRows(layout, new Set());
  assert.ok(isSound(layout));
  assert.ok(performance.now() - started < 1_500, `${performance.now() - started} ms`);
});

test("event stream, cut anywhere", () => {
  const stream = ': beat\n\nevent: record\nid: 7\ndata: {"a":1}\n\nevent: dropped\r\ndata: {"count":2}\r\n\r\n';
  const whole = sseReader()(stream);
  assert.deepEqual(whole.map((e) => [e.event, e.id, e.data]), [["record", "7", '{"a":1}'], ["dropped", "7", '{"count":2}']]);
  for (let at = 0; at <= stream.length; at++) {
    const read = sseReader();
    assert.equal([...read(stream.slice(0, at)), ...read(stream.slice(at))].length, 2, `cut at ${at}`);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { count, duration } from "./format.ts";
import { parseJson, writeJson } from "./json.ts";
import { parseRange, presetOf, resolveRange } from "./range.ts";
import { cut, isPlain, pieces } from "./text.ts";
import { dateTime, formatRfc, parseSpan, parseTime } from "./time.ts";

test("RFC 3339 round trip keeps nanoseconds", () => {
  for (const text of ["2026-11-24T02:00:00.123456789Z", "1970-01-01T00:00:00Z", "2026-11-24T02:00:00.5Z", "1969-12-31T23:59:59.999999999Z"]) {
    const ns = parseTime(text);
    assert.notEqual(ns, null, text);
    assert.equal(parseTime(formatRfc(ns as bigint)), ns, text);
  }
  assert.equal(formatRfc(1n), "1970-01-01T00:00:00.000000001Z");
  assert.equal(parseTime("2026-11-24T03:00:00+01:00"), parseTime("2026-11-24T02:00:00Z"));
  assert.equal(parseTime("2026-13-99"), null);
});

test("durations", () => {
  assert.equal(parseSpan("1h30m"), 5_400_000_000_000n);
  assert.equal(parseSpan("1.5h"), 5_400_000_000_000n);
  assert.equal(parseSpan("soon"), null);
  const table: [number, string][] = [[0, "0 ns"], [999, "999 ns"], [1500, "1.5 µs"], [842_317_000, "842 ms"], [1e9, "1 s"], [300e9, "5 min"], [90e9, "1 min 30 s"], [3600e9, "1 h"], [100e6, "100 ms"], [10e6, "10 ms"]];
  for (const [ns, text] of table) assert.equal(duration(ns), text);
  assert.equal(count(1234567), "1,234,567");
});

const NOW = parseTime("2026-11-24T12:30:00Z") as bigint;

test("natural time", () => {
  const table: [string, string | null, string?][] = [
    ["last 2h", "now-2h", "now"], ["2 hours", "now-2h", "now"], ["past 15 minutes", "now-15m", "now"], ["最近2小时", "now-2h", "now"], ["过去 15 分钟", "now-15m", "now"],
    ["last hour", "now-1h", "now"], ["all", "all", "now"], ["全部", "all", "now"],
    ["today", "2026-11-24T00:00:00Z", "now"], ["yesterday", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"], ["昨天", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"],
    ["yesterday 14:00..15:00", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"], ["昨天 14:00 到 15:00", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"],
    ["2026-11-20", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"], ["2026-11-20 10:00 .. 2026-11-20 11:30", "2026-11-20T10:00:00Z", "2026-11-20T11:30:00Z"],
    ["10:00..11:00", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"], ["11:00..10:00", null], ["someday", null],
  ];
  for (const [text, start, end] of table) {
    const range = parseRange(text, NOW, true);
    assert.deepEqual(range && [range.start, range.end], start === null ? null : [start, end], text);
  }
});

test("ranges resolve against one now", () => {
  assert.deepEqual(resolveRange({ start: "now-15m", end: "now" }, NOW), { start: NOW - 900_000_000_000n, end: NOW });
  assert.deepEqual(resolveRange({ start: "all", end: "now" }, NOW), { start: null, end: null });
  assert.equal(presetOf({ start: "now-15m", end: "now" }), "15m");
  assert.equal(presetOf({ start: "2026-11-24T00:00:00Z", end: "now" }), null);
  assert.equal(dateTime(NOW, false, 0), "2026-11-24 13:30:00", "the tests run in Berlin");
});

test("invisible characters become chips", () => {
  const chips = (text: string, oneLine = false) => pieces(text, oneLine).map((p) => (typeof p === "string" ? p : `[${p.chip}]`)).join("");
  assert.equal(chips("\u001b[31mred\u001b[0m"), "[ESC[31m]red[ESC[0m]");
  assert.equal(chips("a\u0000b"), "a[NUL]b");
  assert.equal(chips("user\u202egnp.exe"), "user[\\u{202E}]gnp.exe");
  assert.equal(chips("a\nb", true), "a[↵]b");
  assert.equal(chips("a\nb"), "a\nb");
  assert.equal(chips("\ud800"), "[\\u{D800}]");
  assert.ok(isPlain("grüß 世界 👩‍🚒 مرحبا"));
  assert.ok(!isPlain("a\u200bb"));
  assert.equal(cut("a😀", 2), "a");
});

test("JSON keeps every digit", () => {
  const text = '{"id":9007199254740993123,"s":"12345678901234567890, :1234567890123456789","q":"\\"","a":[1,-9223372036854775808,{"x":18446744073709551615}],"f":1.5,"e":1234567890123456789e3}';
  const value = parseJson(text) as Record<string, unknown>;
  assert.equal(value["id"], 9007199254740993123n);
  assert.equal(value["s"], "12345678901234567890, :1234567890123456789");
  assert.deepEqual(value["a"], [1, -9223372036854775808n, { x: 18446744073709551615n }]);
  assert.equal(value["f"], 1.5);
  assert.equal(value["e"], 1234567890123456789e3);
  assert.equal(writeJson({ a: [1, 9007199254740993123n], b: "x" }, 0), '{"a":[1,9007199254740993123],"b":"x"}');
});

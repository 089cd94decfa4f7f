// A time range as two short texts ("now-15m", "now", RFC 3339, "all"), the form in which it stands in the address bar.
// Natural input in English and Chinese is turned into such a pair. Pure: the clock comes in as an argument.
import { dateTime, formatRfc, type Ns, parseSpan, parseTime } from "./time.ts";

export interface Range {
  /** "all" = no lower bound. */
  start: string;
  end: string;
}

export interface Resolved {
  /** null = no bound. */
  start: Ns | null;
  end: Ns | null;
}

export const DEFAULT_RANGE: Range = { start: "now-1h", end: "now" };
export const PRESETS = ["5m", "15m", "1h", "6h", "24h", "7d"] as const;
const DAY_NS = 86_400_000_000_000n;

/** A bound as text → a point in time. */
export function resolveBound(text: string, nowNs: Ns): Ns | null {
  if (text === "now") return nowNs;
  if (text === "all" || text === "") return null;
  const relative = /^(?:now\s*-\s*)?([\d.]+[a-zµ].*)$/i.exec(text.trim());
  const span = relative ? parseSpan(relative[1] as string) : null;
  if (span !== null) return nowNs - span;
  if (/^\d+$/.test(text)) {
    const digits = text.length;
    const scale = digits > 17 ? 1n : digits > 14 ? 1_000n : digits > 11 ? 1_000_000n : 1_000_000_000n;
    return BigInt(text) * scale;
  }
  return parseTime(text);
}

export function resolveRange(range: Range, nowNs: Ns): Resolved {
  return {
    start: resolveBound(range.start, nowNs),
    end: range.start === "all" && range.end === "now" ? null : resolveBound(range.end, nowNs),
  };
}

/** The preset's name ("15m", "all") when the range is one, else null. */
export function presetOf(range: Range): string | null {
  if (range.start === "all") return "all";
  const m = /^now-(\d+[a-z]+)$/.exec(range.start);
  return m && range.end === "now" ? (m[1] as string) : null;
}

const ZH_UNITS: Record<string, string> = { 秒: "s", 分钟: "m", 分: "m", 个小时: "h", 小时: "h", 天: "d", 日: "d", 周: "w", 个星期: "w", 星期: "w" };
const EN_UNITS: Record<string, string> = { second: "s", sec: "s", minute: "m", min: "m", hour: "h", hr: "h", day: "d", week: "w" };

/** Words of both languages → the compact duration form, so that one reader is enough. */
function simplify(text: string): string {
  let out = text.trim().toLowerCase().replace(/：/g, ":");
  out = out.replace(/(\d+(?:\.\d+)?)\s*(个小时|个星期|分钟|小时|星期|秒|分|天|日|周)/g, (_, n, u) => `${n}${ZH_UNITS[u as string]}`);
  out = out.replace(/(\d+(?:\.\d+)?)\s*(second|sec|minute|min|hour|hr|day|week)s?\b/g, (_, n, u) => `${n}${EN_UNITS[u as string]}`);
  return out.replace(/^(最近|过去|近)\s*/, "last ").replace(/^(past|the last|in the last)\s+/, "last ").replace(/昨天/g, "yesterday ").replace(/今天/g, "today ").replace(/全部|所有/g, "all");
}

function startOfDay(nowNs: Ns, utc: boolean): Ns {
  return parseTime(`${dateTime(nowNs, utc, 0).slice(0, 10)} 00:00:00`, utc) as Ns;
}

/** One point: "14:00", "yesterday 14:00", "2026-11-24 10:00", "now", "15m" (ago). `base` is the day a bare clock means. */
function point(text: string, nowNs: Ns, utc: boolean, base: Ns): Ns | null {
  let t = text.trim();
  let from = base;
  const named = /^(yesterday|today)\s*/.exec(t);
  if (named) {
    from = startOfDay(nowNs, utc) - (named[1] === "yesterday" ? DAY_NS : 0n);
    t = t.slice(named[0].length);
    if (!t) return from;
  }
  const hm = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(t);
  if (hm) return from + (BigInt(hm[1] as string) * 3600n + BigInt(hm[2] as string) * 60n + BigInt(hm[3] ?? 0)) * 1_000_000_000n;
  if (/^\d{4}-\d\d-\d\d$/.test(t)) return parseTime(`${t} 00:00:00`, utc);
  return parseTime(t, utc) ?? resolveBound(t, nowNs);
}

/** Natural text → range; null when not understood. */
export function parseRange(text: string, nowNs: Ns, utc: boolean): Range | null {
  const t = simplify(text);
  if (t === "all" || t === "all time") return { start: "all", end: "now" };
  const last = /^(?:last\s+)?((?:[\d.]+\s*[a-zµ]+\s*)+)(?:ago)?$/.exec(t);
  if (last && parseSpan(last[1] as string) !== null) return { start: `now-${(last[1] as string).replace(/\s+/g, "")}`, end: "now" };
  const single = /^last\s+(second|minute|hour|day|week)$/.exec(t);
  if (single) return { start: `now-1${EN_UNITS[single[1] as string]}`, end: "now" };
  const today = startOfDay(nowNs, utc);
  if (t.trim() === "today") return { start: formatRfc(today), end: "now" };
  if (t.trim() === "yesterday") return { start: formatRfc(today - DAY_NS), end: formatRfc(today) };
  if (/^\d{4}-\d\d-\d\d$/.test(t)) {
    const start = point(t, nowNs, utc, today) as Ns;
    return { start: formatRfc(start), end: formatRfc(start + DAY_NS) };
  }
  const parts = t.split(/\s*(?:\.\.|→| to | - |到|至)\s*/);
  if (parts.length > 2) return null;
  const start = point(parts[0] as string, nowNs, utc, today);
  if (start === null) return null;
  if (parts.length === 1) return { start: formatRfc(start), end: "now" };
  if (parts[1] === "now" || parts[1] === "现在") return { start: formatRfc(start), end: "now" };
  const startDay = /^yesterday/.test(parts[0] as string) ? today - DAY_NS : parseTime(`${dateTime(start, utc, 0).slice(0, 10)} 00:00:00`, utc) ?? today;
  const end = point(parts[1] as string, nowNs, utc, startDay);
  return end === null || end <= start ? null : { start: formatRfc(start), end: formatRfc(end) };
}

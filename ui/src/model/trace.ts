// Layout of a trace in typed arrays, so that 100,000 spans cost a few megabytes and one pass.
// Spans come in pre-order (parents before children, children by start). Indexes are positions in that order.
// Invariants (`isSound`): depth rises by at most one; `end[i]` is the first index after the subtree of i.
import type { Row, Trace, TraceSpan } from "../api/types.ts";
import { parseTime } from "../base/time.ts";

export const ERROR = 1;
export const MISSING_PARENT = 2;
export const HAS_EVENTS = 4;
export const HAS_LINKS = 8;

export interface Layout {
  size: number;
  depth: Int32Array;
  /** First index after the subtree. */
  end: Int32Array;
  parent: Int32Array;
  startNs: Float64Array;
  durationNs: Float64Array;
  selfNs: Float64Array;
  service: Uint16Array;
  flags: Uint8Array;
  /** Errors inside the subtree, the span itself not counted. */
  errorsBelow: Int32Array;
  serviceNames: string[];
  totalNs: number;
  /** Log rows by span index; −1 collects those without a span here. */
  logsOf: Map<number, Row[]>;
  indexOf: Map<string, number>;
}

export function layoutOf(trace: Trace): Layout {
  const n = trace.spans.length;
  const out: Layout = {
    size: n,
    depth: new Int32Array(n), end: new Int32Array(n), parent: new Int32Array(n).fill(-1),
    startNs: new Float64Array(n), durationNs: new Float64Array(n), selfNs: new Float64Array(n),
    service: new Uint16Array(n), flags: new Uint8Array(n), errorsBelow: new Int32Array(n),
    serviceNames: [], totalNs: Math.max(1, trace.duration_ns), logsOf: new Map(), indexOf: new Map(),
  };
  const slots = new Map<string, number>();
  const path: number[] = [];
  for (let i = 0; i < n; i++) {
    const span = trace.spans[i] as TraceSpan;
    const depth = Math.min(Math.max(0, span.depth), path.length);
    while (path.length > depth) out.end[path.pop() as number] = i;
    out.parent[i] = path.length ? (path[path.length - 1] as number) : -1;
    path.push(i);
    out.depth[i] = depth;
    out.startNs[i] = span.start_offset_ns;
    out.durationNs[i] = Math.max(0, span.duration_ns);
    out.selfNs[i] = span.self_time_ns ?? 0;
    out.totalNs = Math.max(out.totalNs, span.start_offset_ns + span.duration_ns);
    const name = span.service ?? "";
    let slot = slots.get(name);
    if (slot === undefined) {
      slot = out.serviceNames.push(name) - 1;
      slots.set(name, slot);
    }
    out.service[i] = slot;
    out.flags[i] =
      (span.status === "error" ? ERROR : 0) | (span.missing_parent ? MISSING_PARENT : 0) |
      (span.events?.length ? HAS_EVENTS : 0) | (span.links?.length ? HAS_LINKS : 0);
    out.indexOf.set(span.span_id, i);
  }
  while (path.length) out.end[path.pop() as number] = n;
  for (let i = n - 1; i >= 0; i--) {
    const up = out.parent[i] as number;
    if (up >= 0) out.errorsBelow[up] = (out.errorsBelow[up] as number) + (out.errorsBelow[i] as number) + ((out.flags[i] as number) & ERROR);
  }
  for (const row of trace.logs ?? []) {
    const i = out.indexOf.get(row.span_id ?? "") ?? -1;
    const list = out.logsOf.get(i);
    if (list) list.push(row);
    else out.logsOf.set(i, [row]);
  }
  return out;
}

export function isSound(layout: Layout): boolean {
  for (let i = 0; i < layout.size; i++) {
    const before = i ? (layout.depth[i - 1] as number) : -1;
    if ((layout.depth[i] as number) > before + 1) return false;
    if ((layout.end[i] as number) <= i || (layout.end[i] as number) > layout.size) return false;
  }
  return true;
}

/** Indexes of the rows to show, given the collapsed spans. One pass over what is visible. */
export function visibleRows(layout: Layout, collapsed: ReadonlySet<number>): Int32Array {
  const out = new Int32Array(layout.size);
  let count = 0;
  for (let i = 0; i < layout.size; ) {
    out[count++] = i;
    i = collapsed.has(i) ? (layout.end[i] as number) : i + 1;
  }
  return out.subarray(0, count);
}

export const hasChildren = (layout: Layout, i: number) => (layout.end[i] as number) > i + 1;

/** Every span with children at `depth` or deeper: what "collapse all" and "one level" put into the set. */
export function collapsedFrom(layout: Layout, depth: number): Set<number> {
  const out = new Set<number>();
  for (let i = 0; i < layout.size; i++) if ((layout.depth[i] as number) >= depth && hasChildren(layout, i)) out.add(i);
  return out;
}

/** Opens the ancestors of `i`. Returns the same set when nothing changes. */
export function reveal(layout: Layout, collapsed: Set<number>, i: number): Set<number> {
  let out = collapsed;
  for (let up = layout.parent[i] as number; up >= 0; up = layout.parent[up] as number) {
    if (!out.has(up)) continue;
    if (out === collapsed) out = new Set(collapsed);
    out.delete(up);
  }
  return out;
}

/** Row position of span `i`, or of its nearest visible ancestor. `rows` ascends, so this is a binary search. */
export function rowOf(rows: Int32Array, i: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if ((rows[mid] as number) <= i) low = mid;
    else high = mid - 1;
  }
  return low;
}

/** Spans whose name, service, id, status message or an attribute contains the text, in order. Case does not matter. */
export function find(trace: Trace, text: string, max = 10_000): number[] {
  const needle = text.trim().toLowerCase();
  const out: number[] = [];
  if (!needle) return out;
  const has = (value: unknown) => value !== undefined && String(typeof value === "object" ? JSON.stringify(value) : value).toLowerCase().includes(needle);
  for (let i = 0; i < trace.spans.length && out.length < max; i++) {
    const s = trace.spans[i] as TraceSpan;
    if (has(s.name) || has(s.service) || s.span_id === needle || has(s.status_message)) out.push(i);
    else if (s.attributes && Object.entries(s.attributes).some(([k, v]) => k.toLowerCase().includes(needle) || has(v))) out.push(i);
  }
  return out;
}

/** Offset of a log row from the trace's start. */
export function logOffsetNs(trace: Trace, row: Row): number {
  const at = parseTime(row.time ?? "");
  const start = parseTime(trace.start);
  return at === null || start === null ? 0 : Number(at - start);
}

/** Minimap: for each pixel column the deepest visible activity and whether an error starts there. */
export function minimap(layout: Layout, width: number, lanes: number): { fill: Uint8Array; errors: Uint8Array } {
  const fill = new Uint8Array(width * lanes);
  const errors = new Uint8Array(width);
  for (let i = 0; i < layout.size; i++) {
    const from = Math.max(0, Math.floor(((layout.startNs[i] as number) / layout.totalNs) * width));
    const to = Math.min(width - 1, Math.floor((((layout.startNs[i] as number) + (layout.durationNs[i] as number)) / layout.totalNs) * width));
    const lane = Math.min(lanes - 1, Math.floor((i / layout.size) * lanes));
    const colour = 1 + ((layout.service[i] as number) % 250);
    for (let x = from; x <= to; x++) {
      const at = lane * width + x;
      if (fill[at] === 0) fill[at] = colour;
    }
    if ((layout.flags[i] as number) & ERROR) errors[Math.min(width - 1, from)] = 1;
  }
  return { fill, errors };
}

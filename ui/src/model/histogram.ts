// From the server's buckets to bars. Counting happens in the server; this is geometry only.
import type { Hits } from "../api/types.ts";
import { type Ns, parseTime } from "../base/time.ts";

export interface Bars {
  startNs: Ns;
  stepNs: bigint;
  buckets: number;
  /** Group values in drawing order, bottom first. */
  values: string[];
  totals: number[];
  /** Row-major: counts[group * buckets + bucket]. */
  counts: Float64Array;
  /** Largest stacked total of a bucket. */
  peak: number;
  total: number;
}

/** Most severe at the bottom, where it is easiest to compare. Unknown values follow in the server's order. */
export function barsOf(hits: Hits, order: readonly string[]): Bars {
  const rank = (value: string) => {
    const i = order.indexOf(value);
    return i < 0 ? order.length : i;
  };
  const groups = [...hits.groups].sort((a, b) => rank(a.value) - rank(b.value));
  const buckets = Math.max(1, hits.buckets);
  const counts = new Float64Array(groups.length * buckets);
  const stacked = new Float64Array(buckets);
  groups.forEach((group, g) => {
    for (let b = 0; b < buckets; b++) {
      const n = group.counts[b] ?? 0;
      counts[g * buckets + b] = n;
      stacked[b] = (stacked[b] as number) + n;
    }
  });
  return {
    startNs: parseTime(hits.start) ?? 0n,
    stepNs: BigInt(Math.max(1, Math.round(hits.step_ns))),
    buckets,
    values: groups.map((g) => g.value),
    totals: groups.map((g) => g.total),
    counts,
    peak: stacked.reduce((a, b) => Math.max(a, b), 0),
    total: hits.total,
  };
}

/** The range between two x positions (0..1 of the width), on bucket borders. */
export function rangeAt(bars: Bars, from: number, to: number): { startNs: Ns; endNs: Ns } {
  const clamp = (b: number) => Math.max(0, Math.min(bars.buckets, b));
  const first = clamp(Math.floor(Math.min(from, to) * bars.buckets));
  const last = clamp(Math.max(first + 1, Math.ceil(Math.max(from, to) * bars.buckets)));
  return { startNs: bars.startNs + bars.stepNs * BigInt(first), endNs: bars.startNs + bars.stepNs * BigInt(last) };
}

const TICK_STEPS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];

/** Times at which the axis gets a label: round local (or UTC) times, at most `max`. `offsetMs` is the zone's offset. */
export function ticks(startNs: Ns, endNs: Ns, max: number, offsetMs: number): { atMs: number; stepMs: number }[] {
  const start = Number(startNs / 1_000_000n);
  const end = Number(endNs / 1_000_000n);
  const span = end - start;
  const stepMs = TICK_STEPS_MS.find((s) => span / s <= max) ?? Math.ceil(span / max / 864e5) * 864e5;
  const out: { atMs: number; stepMs: number }[] = [];
  if (stepMs <= 0) return out;
  const first = Math.ceil((start + offsetMs) / stepMs) * stepMs - offsetMs;
  for (let t = first; t < end && out.length <= max; t += stepMs) out.push({ atMs: t, stepMs });
  return out;
}

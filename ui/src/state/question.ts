// The question on the search page, read from the address: q, signal, start, end, and what is selected or live.
import type { Signal } from "../api/types.ts";
import { DEFAULT_RANGE, type Range } from "../base/range.ts";
import { formatRfc, type Ns } from "../base/time.ts";
import { href, param, setParams } from "./route.ts";

export const q = () => param("q") ?? "";
export const signal = (): Signal => {
  const s = param("signal");
  return s === "spans" || s === "metrics" ? s : "logs";
};
export const range = (): Range => {
  const start = param("start");
  return start ? { start, end: param("end") ?? "now" } : DEFAULT_RANGE;
};
export const live = () => param("live") === "1";
export const selected = () => param("sel");

const rangeParams = (r: Range) => ({ start: r.start === DEFAULT_RANGE.start && r.end === "now" ? null : r.start, end: r.end === "now" ? null : r.end });

export const setQ = (text: string) => setParams({ q: text.trim() || null, sel: null });
export const setSignal = (s: Signal) => setParams({ signal: s === "logs" ? null : s, sel: null, view: null });
export const setRange = (r: Range) => setParams({ ...rangeParams(r), sel: null, live: null });
export const setLive = (on: boolean) => setParams({ live: on ? "1" : null, sel: null });
export const select = (key: string | null) => setParams({ sel: key }, true);

/** Address of a search; the range is carried along unless another is given. */
export function searchHref(wanted: { q?: string; signal?: Signal; range?: Range }): string {
  const r = rangeParams(wanted.range ?? range());
  return href("/search", { signal: wanted.signal === "logs" ? null : wanted.signal, q: wanted.q, ...r });
}

/** A range of ± `padNs` around two instants, absolute. */
export function around(startNs: Ns, endNs: Ns, padNs: bigint): Range {
  return { start: formatRfc(startNs - padNs), end: formatRfc(endNs + padNs) };
}

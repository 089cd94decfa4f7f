// Time as bigint nanoseconds since the Unix epoch. No clock is read here except in `now`.
export type Ns = bigint;

const DAY_NS = 86_400_000_000_000n;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9})\d*)?)?\s*([Zz]|[+-]\d\d:?\d\d)?$/;
const UNIT_NS: Record<string, bigint> = {
  ns: 1n, us: 1_000n, µs: 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n,
  d: DAY_NS, w: 7n * DAY_NS,
};

/** Difference between the server's clock and ours in ms; set by the API client, 0 while it is small. */
let skewMs = 0;
export function setSkewMs(ms: number): void {
  skewMs = Math.abs(ms) > 5_000 ? ms : 0;
}

/** Now, by the server's clock when that is known to differ from ours by more than five seconds. */
export function now(): Ns {
  return BigInt(Date.now() + skewMs) * 1_000_000n;
}

/** Reads RFC 3339 (seconds and zone optional). Without a zone the text means local time, or UTC when `utc`. */
export function parseTime(text: string, utc = true): Ns | null {
  const m = RFC3339.exec(text.trim());
  if (!m) return null;
  const part = (i: number) => Number(m[i] ?? 0);
  const zone = m[8];
  let ms: number;
  if (zone || utc) ms = Date.UTC(part(1), part(2) - 1, part(3), part(4), part(5), part(6));
  else ms = new Date(part(1), part(2) - 1, part(3), part(4), part(5), part(6)).getTime();
  if (!Number.isFinite(ms)) return null;
  if (zone && zone.length > 1) {
    const sign = zone[0] === "-" ? -1 : 1;
    const digits = zone.replace(/[+:-]/g, "");
    ms -= sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
  }
  return BigInt(ms) * 1_000_000n + BigInt((m[7] ?? "").padEnd(9, "0"));
}

/** `1h30m`, `15m`, `250ms` → nanoseconds; null when it is not a duration. */
export function parseSpan(text: string): Ns | null {
  const compact = text.replace(/\s+/g, "").toLowerCase();
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w))+$/.test(compact)) return null;
  let total = 0n;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)/g)) {
    total += BigInt(Math.round(Number(amount) * Number(UNIT_NS[unit as string])));
  }
  return total;
}

/** RFC 3339 in UTC; fraction of 0, 3, 6 or 9 digits, whichever keeps the value. */
export function formatRfc(ns: Ns): string {
  const ms = floorDiv(ns, 1_000_000n);
  const fraction = (((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).toString().padStart(9, "0");
  const base = new Date(Number(ms)).toISOString().slice(0, 19);
  const short = fraction.replace(/(000){1,3}$/, "");
  return `${base}${short ? `.${short}` : ""}Z`;
}

const two = (n: number) => (n < 10 ? `0${n}` : `${n}`);

/** `HH:MM:SS.mmm`, for rows of a list. */
export function clock(ns: Ns, utc: boolean, digits = 3): string {
  const d = new Date(Number(floorDiv(ns, 1_000_000n)));
  const hms = utc
    ? `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
    : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return digits ? `${hms}.${fractionOf(ns).slice(0, digits)}` : hms;
}

/** `YYYY-MM-DD`. */
export function day(ns: Ns, utc: boolean): string {
  const d = new Date(Number(floorDiv(ns, 1_000_000n)));
  return utc
    ? d.toISOString().slice(0, 10)
    : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

export function dateTime(ns: Ns, utc: boolean, digits = 3): string {
  return `${day(ns, utc)} ${clock(ns, utc, digits)}`;
}

function fractionOf(ns: Ns): string {
  return (((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).toString().padStart(9, "0");
}

function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? q - 1n : q;
}

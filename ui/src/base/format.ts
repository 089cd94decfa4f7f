// Numbers for people: counts, durations, bytes. Units last, tabular widths left to CSS.
const counts = new Intl.NumberFormat("en-US");

export function count(n: number): string {
  return counts.format(n);
}

/** 1 234 567 → "1.23M", for tight places. */
export function compact(n: number): string {
  const steps: [number, string][] = [[1e9, "G"], [1e6, "M"], [1e4, "k"]];
  for (const [size, unit] of steps) if (Math.abs(n) >= size) return `${trim(n / (unit === "k" ? 1e3 : size))}${unit}`;
  return counts.format(n);
}

/** Three significant digits without trailing zeros. */
function trim(x: number): string {
  const digits = Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2;
  const text = x.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export function duration(ns: number): string {
  const abs = Math.abs(ns);
  if (abs < 1e3) return `${Math.round(ns)} ns`;
  if (abs < 1e6) return `${trim(ns / 1e3)} µs`;
  if (abs < 1e9) return `${trim(ns / 1e6)} ms`;
  if (abs < 60e9) return `${trim(ns / 1e9)} s`;
  const s = Math.round(ns / 1e9);
  if (s < 3600) return pair(s, 60, "min", 1, "s");
  if (s < 86_400) return pair(s, 3600, "h", 60, "min");
  return pair(s, 86_400, "d", 3600, "h");
}

/** "5 min", "1 h 30 min". */
function pair(s: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((s % big) / small);
  return `${Math.floor(s / big)} ${bigUnit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
}

export function bytes(n: number): string {
  if (n < 1e3) return `${n} B`;
  if (n < 1e6) return `${trim(n / 1e3)} kB`;
  if (n < 1e9) return `${trim(n / 1e6)} MB`;
  return `${trim(n / 1e9)} GB`;
}

export function percent(share: number): string {
  if (share === 0) return "0 %";
  const p = share * 100;
  return `${p < 0.1 ? "<0.1" : p < 10 ? p.toFixed(1) : p.toFixed(0)} %`;
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond < 0.01 ? "<0.01" : trim(perSecond);
}

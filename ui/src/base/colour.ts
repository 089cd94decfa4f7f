// Colours that carry meaning. The values live in tokens.css so that both themes keep their contrast; this file names them.

export const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", ""] as const;
export const STATUSES = ["error", "ok", "unset", ""] as const;

/** Number of colours a service can get (tokens.css: --s0 … --s11). */
export const SERVICE_COLOURS = 12;

/** Custom property of a level or span status. */
export function groupColour(value: string): string {
  const known = ["fatal", "error", "warn", "info", "debug", "trace", "ok", "unset"];
  return known.includes(value) ? `--l-${value}` : "--l-none";
}

/** A service keeps its colour on every page: FNV-1a of the name. */
export function serviceSlot(name: string): number {
  return fnv(name) % SERVICE_COLOURS;
}

export function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The current value of a custom property, for canvas. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// JSON in which no integer loses a digit: 64-bit numbers beyond 2^53 become bigint.
// Needs `JSON.parse` source access (Chromium 114, Firefox 135, Safari 18.4); elsewhere such numbers are rounded as always.

const LONG_INTEGER = /[:[,]\s*-?\d{16,}/;

type Source = { source?: string };

export function parseJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  return (JSON.parse as (t: string, r: (k: string, v: unknown, c?: Source) => unknown) => unknown)(text, (_key, value, context) => {
    if (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")) {
      return BigInt(context?.source as string);
    }
    return value;
  });
}

/** The reverse, with bigint written as a bare number. */
export function writeJson(value: unknown, indent = 2): string {
  const marks = new Map<string, string>();
  const text = JSON.stringify(
    value,
    (_key, v: unknown) => {
      if (typeof v !== "bigint") return v;
      const mark = `\u0000int${marks.size}\u0000`;
      marks.set(JSON.stringify(mark), v.toString());
      return mark;
    },
    indent,
  );
  let out = text;
  for (const [mark, digits] of marks) out = out.replace(mark, digits);
  return out;
}

/** A value of an attribute as text: strings as they are, the rest as JSON. */
export function plain(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  if (value === undefined) return "";
  return writeJson(value, 0);
}

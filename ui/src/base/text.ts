// Telemetry is written by strangers. This file makes invisible characters visible, so that no record can hide text, turn
// it round, or move the cursor. Output is a list of pieces which the page puts into text nodes.
//
// Shown as chips: C0/C1 controls (by their ASCII names: NUL, ESC …, which every font has), ANSI sequences as one chip, bidirectional controls, zero-width and
// other format characters, lone surrogates, private use. Emoji joiners (ZWJ, VS16) between emoji are left alone.

export type Piece = string | { chip: string; title: string };

/** Longest value shown before "show all", in UTF-16 units. */
export const VALUE_LENGTH_MAX = 4_000;
/** Longest text put into one row of a list. */
export const ROW_LENGTH_MAX = 600;

const ODD =
  // eslint-disable-next-line no-control-regex
  /\u001b\[[0-9;:?]*[ -/]*[@-~]|[\u0000-\u0008\u000b\u000c\u000d\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ue000-\uf8ff]|[\u{e0000}-\u{e0fff}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

const NAMES: Record<number, string> = {
  0x00ad: "soft hyphen", 0x061c: "Arabic letter mark", 0x200b: "zero width space", 0x200c: "zero width non-joiner",
  0x200e: "left-to-right mark", 0x200f: "right-to-left mark", 0x2028: "line separator", 0x2029: "paragraph separator",
  0x202a: "left-to-right embedding", 0x202b: "right-to-left embedding", 0x202c: "pop directional formatting",
  0x202d: "left-to-right override", 0x202e: "right-to-left override", 0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate", 0x2068: "first strong isolate", 0x2069: "pop directional isolate", 0xfeff: "byte order mark",
};

const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

function chipOf(match: string): Piece {
  const code = match.codePointAt(0) as number;
  const hex = code.toString(16).toUpperCase().padStart(4, "0");
  if (match.length > 1 && code === 0x1b) return { chip: `ESC${match.slice(1)}`, title: "ANSI escape sequence" };
  if (code < 0x20) return { chip: CONTROLS[code] as string, title: `control character U+${hex}` };
  if (code === 0x7f) return { chip: "DEL", title: "control character U+007F" };
  return { chip: `\\u{${hex}}`, title: `U+${hex} ${NAMES[code] ?? "invisible or control character"}` };
}

/** Splits text into plain strings and chips. With `oneLine`, line breaks and tabs become chips as well. */
export function pieces(text: string, oneLine = false): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  const odd = oneLine ? new RegExp(`[\\n\\t]|${ODD.source}`, "gu") : ODD;
  odd.lastIndex = 0;
  for (let m = odd.exec(text); m; m = odd.exec(text)) {
    if (m.index > from) out.push(text.slice(from, m.index));
    from = m.index + m[0].length;
    if (m[0] === "\n") out.push({ chip: "↵", title: "line break" });
    else if (m[0] === "\t") out.push(" ");
    else out.push(chipOf(m[0]));
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}

/** True when the text can be shown as it is. The fast path of every row. */
export function isPlain(text: string, oneLine = false): boolean {
  if (oneLine && /[\n\t]/.test(text)) return false;
  ODD.lastIndex = 0;
  return !ODD.test(text);
}

/** Cuts at `max` without splitting a surrogate pair. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const code = text.charCodeAt(max - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? max - 1 : max);
}

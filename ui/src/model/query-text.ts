// The search language as text: enough of its words to edit a query, suggest at the caret and translate the simple cases.
// The grammar itself lives in the server; nothing here decides whether a query is right.
// Language: words, "phrases", field:value, field:=exact, field:>number, `-` or NOT, AND, OR, ( ), and `| pipes`.

export type TokenKind = "word" | "string" | "field" | "op" | "not" | "paren" | "pipe" | "keyword";

export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
  end: number;
}

const SCAN = /\s+|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`[^`]*`?|[()|]|:(?:=|!=|>=|<=|>|<|~|!~|!)?|[^\s"'`()|:]+/gy;

export function tokens(text: string): Token[] {
  const out: Token[] = [];
  SCAN.lastIndex = 0;
  for (let m = SCAN.exec(text); m; m = SCAN.exec(text)) {
    const piece = m[0];
    if (/^\s/.test(piece)) continue;
    let start = m.index;
    const end = start + piece.length;
    let kind: TokenKind = "word";
    if (/^["'`]/.test(piece)) kind = "string";
    else if (piece === "(" || piece === ")") kind = "paren";
    else if (piece === "|") kind = "pipe";
    else if (piece[0] === ":") kind = "op";
    else if (/^(and|or|not)$/i.test(piece)) kind = "keyword";
    else if (/^[-!]./.test(piece) && (start === 0 || /[\s(]/.test(text[start - 1] as string))) {
      out.push({ kind: "not", text: piece[0] as string, start, end: start + 1 });
      start += 1;
    } else if ((piece === "-" || piece === "!") && /["'`]/.test(text[end] ?? "")) kind = "not";
    out.push({ kind, text: text.slice(start, end), start, end });
    if (kind === "op") {
      const before = out[out.length - 2];
      if (before && before.end === m.index && (before.kind === "word" || before.kind === "string")) before.kind = "field";
    }
  }
  return out;
}

/** The part before the first pipe, and the rest with its pipe. */
export function splitPipes(text: string): { filter: string; pipes: string } {
  const pipe = tokens(text).find((t) => t.kind === "pipe");
  return pipe ? { filter: text.slice(0, pipe.start).trimEnd(), pipes: text.slice(pipe.start) } : { filter: text, pipes: "" };
}

/** A value as the language wants it: bare when it is a simple word, quoted otherwise. */
export function quote(value: string): string {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.\-/]*$/u.test(value) && !/^(and|or|not)$/i.test(value)) return value;
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (c) => c);
}

function fieldName(name: string): string {
  return /^[\p{L}_][\p{L}\p{N}_.\-/]*$/u.test(name) ? name : JSON.stringify(name);
}

/** `field:=value`, the filter of "only this". An empty value is the absence of the field. */
export function term(field: string, value: string, negated = false): string {
  return `${negated ? "-" : ""}${fieldName(field)}:${value === "" ? '""' : `=${quote(value)}`}`;
}

/** Adds a term to the filter part; its opposite and an equal one are taken out first, so clicking twice is harmless. */
export function addTerm(text: string, field: string, value: string, negated = false): string {
  let { filter, pipes } = splitPipes(text);
  filter = without(filter, term(field, value, true));
  filter = without(filter, term(field, value, false));
  const grouped = hasTopLevelOr(filter) ? `(${filter.trim()})` : filter.trim();
  const joined = [grouped === "*" ? "" : grouped, term(field, value, negated)].filter(Boolean).join(" ");
  return pipes ? `${joined} ${pipes}` : joined;
}

/** Removes one term, written exactly as `term` writes it. */
export function removeTerm(text: string, field: string, value: string, negated = false): string {
  const { filter, pipes } = splitPipes(text);
  const rest = without(filter, term(field, value, negated));
  return pipes ? `${rest} ${pipes}`.trim() : rest;
}

export function hasTerm(text: string, field: string, value: string, negated = false): boolean {
  return padded(splitPipes(text).filter).includes(` ${term(field, value, negated)} `);
}

function padded(text: string): string {
  return ` ${text.replace(/\s+/g, " ")} `;
}

function without(filter: string, piece: string): string {
  const at = padded(filter).indexOf(` ${piece} `);
  if (at < 0) return filter;
  const space = padded(filter);
  return (space.slice(0, at) + space.slice(at + piece.length + 1)).trim();
}

function hasTopLevelOr(filter: string): boolean {
  let depth = 0;
  for (const t of tokens(filter)) {
    if (t.text === "(") depth++;
    else if (t.text === ")") depth--;
    else if (depth === 0 && t.kind === "keyword" && /^or$/i.test(t.text)) return true;
  }
  return false;
}

export type CaretContext =
  | { kind: "field"; prefix: string; from: number; to: number }
  | { kind: "value"; field: string; prefix: string; from: number; to: number; quoted: boolean }
  | { kind: "pipe"; prefix: string; from: number; to: number }
  | { kind: "none" };

/** What could be completed at the caret. `from..to` is the text a suggestion replaces. */
export function contextAt(text: string, caret: number): CaretContext {
  const all = tokens(text);
  const i = all.findLastIndex((t) => t.start < caret && caret <= t.end);
  const here = all[i];
  const before = here ? all[i - 1] : all.findLast((t) => t.end <= caret);
  if (!here) {
    if (before?.kind === "pipe") return { kind: "pipe", prefix: "", from: caret, to: caret };
    return all.some((t) => t.kind === "pipe" && t.start < caret) ? { kind: "none" } : { kind: "field", prefix: "", from: caret, to: caret };
  }
  const prefix = text.slice(here.start, caret);
  if (here.kind === "pipe") return { kind: "pipe", prefix: "", from: caret, to: caret };
  if (before?.kind === "pipe" && here.kind === "word") return { kind: "pipe", prefix, from: here.start, to: here.end };
  if (all.some((t) => t.kind === "pipe" && t.start < caret)) return { kind: "none" };
  if (here.kind === "op" && before?.kind === "field") {
    return { kind: "value", field: unquote(before.text), prefix: "", from: here.end, to: here.end, quoted: false };
  }
  if (before?.kind === "op" && before.end === here.start && (here.kind === "word" || here.kind === "string")) {
    const field = all[i - 2];
    if (field?.kind !== "field") return { kind: "none" };
    return { kind: "value", field: unquote(field.text), prefix: unquote(prefix), from: here.start, to: here.end, quoted: here.kind === "string" };
  }
  if (here.kind === "word" || here.kind === "field") return { kind: "field", prefix, from: here.start, to: here.end };
  if (here.kind === "not" || here.kind === "paren") return { kind: "field", prefix: "", from: caret, to: caret };
  return { kind: "none" };
}

export function unquote(text: string): string {
  if (!/^["'`]/.test(text)) return text;
  const mark = text[0] as string;
  const inner = text.length > 1 && text.endsWith(mark) ? text.slice(1, -1) : text.slice(1);
  return inner.replace(/\\(.)/g, "$1");
}

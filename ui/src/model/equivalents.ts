// The same question in other tongues: curl always, SQL for plain conjunctions. Pure text.
import type { Question } from "../api/client.ts";
import { splitPipes, tokens, unquote } from "./query-text.ts";

/** A shell word in single quotes. */
function shell(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function toCurl(origin: string, question: Question, limit: number): string {
  const lines = [`curl -sG ${shell(`${origin}/api/v1/search`)}`];
  const add = (key: string, value: string | undefined) => value && lines.push(`  --data-urlencode ${shell(`${key}=${value}`)}`);
  if (question.signal !== "logs") add("signal", question.signal);
  add("q", question.q);
  add("start", question.start);
  add("end", question.end);
  add("limit", String(limit));
  return lines.join(" \\\n");
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
const ALIASES: Record<string, string> = { _time: "time", _msg: "body", message: "body", msg: "body", "service.name": "service", duration: "duration_ns" };

/** An attribute is a column under its own name. */
function column(field: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(field) ? field : `"${field.replaceAll('"', '""')}"`;
}

function condition(field: string, op: string, value: string, quoted: boolean): string | null {
  const name = column(ALIASES[field] ?? field);
  if (/^(trace_id|span_id|parent_span_id)$/.test(field)) return (op === ":=" || op === ":") && /^([0-9a-f]{16}){1,2}$/i.test(value) ? `${name} = X${literal(value.toLowerCase())}` : null;
  if (op === ":=") return `${name} = ${literal(value)}`;
  if (op === ":!=") return `${name} <> ${literal(value)}`;
  if (op === ":~") return `${name} ~ ${literal(value)}`;
  if (/^:[<>]=?$/.test(op)) return /^-?\d+(\.\d+)?$/.test(value) ? `${name} ${op.slice(1)} ${value}` : null;
  if (op !== ":") return null;
  if (value === "*" && !quoted) return `${name} IS NOT NULL`;
  if (value === "") return `${name} IS NULL`;
  return ["service", "level", "status", "kind"].includes(field) ? `${name} = ${literal(value)}` : `${name} ILIKE ${literal(`%${value}%`)}`;
}

/** SQL for a conjunction of simple terms; null when the question has no such form (OR, groups, pipes). */
export function toSql(question: Question, limit: number): string | null {
  const { filter, pipes } = splitPipes(question.q);
  if (pipes) return null;
  const where: string[] = [];
  if (question.start) where.push(`time >= TIMESTAMP ${literal(question.start)}`);
  if (question.end) where.push(`time < TIMESTAMP ${literal(question.end)}`);
  const list = tokens(filter);
  let negated = false;
  for (let i = 0; i < list.length; i++) {
    const t = list[i] as (typeof list)[number];
    if (t.kind === "paren") return null;
    if (t.kind === "keyword") {
      if (/^or$/i.test(t.text)) return null;
      if (/^not$/i.test(t.text)) negated = !negated;
      continue;
    }
    if (t.kind === "not") {
      negated = !negated;
      continue;
    }
    let sql: string | null;
    if (t.kind === "field") {
      const op = list[i + 1];
      const value = list[i + 2];
      if (value?.kind === "word" && value.text !== "*" && /[*,[\]{}]/.test(value.text)) return null;
      if (!op || !value || value.start !== op.end || (value.kind !== "word" && value.kind !== "string")) return null;
      sql = condition(unquote(t.text), op.text, unquote(value.text), value.kind === "string");
      i += 2;
    } else if (t.kind === "word" || t.kind === "string") {
      if (t.text === "*") continue;
      if (t.kind === "word" && /^[~=<>!]|[*,[\]{}]/.test(t.text)) return null;
      sql = `${question.signal === "logs" ? "body" : "name"} ILIKE ${literal(`%${unquote(t.text)}%`)}`;
    } else return null;
    if (sql === null) return null;
    where.push(negated ? `NOT (${sql})` : sql);
    negated = false;
  }
  const lines = [`SELECT * FROM ${question.signal}`];
  where.forEach((w, i) => lines.push(`${i ? "  AND" : "WHERE"} ${w}`));
  lines.push("ORDER BY time DESC", `LIMIT ${limit}`);
  return lines.join("\n");
}

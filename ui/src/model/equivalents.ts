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
const COLUMNS: Record<string, string[]> = {
  logs: ["time", "service", "level", "body", "node", "trace_id", "span_id", "severity_number", "severity_text", "event_name", "scope_name", "template_id"],
  spans: ["time", "duration_ns", "service", "name", "kind", "status", "status_message", "trace_id", "span_id", "parent_span_id"],
  metrics: ["time", "service", "name", "unit", "kind", "value", "count", "sum"],
};

function column(field: string, signal: string): string {
  if (COLUMNS[signal]?.includes(field)) return field;
  return `attributes[${literal(field)}]`;
}

function condition(field: string, op: string, value: string, quoted: boolean, signal: string): string | null {
  const name = column(field, signal);
  if (op === ":=") return `${name} = ${literal(value)}`;
  if (op === ":!=") return `${name} <> ${literal(value)}`;
  if (op === ":~") return `${name} ~ ${literal(value)}`;
  if (/^:[<>]=?$/.test(op)) return /^-?\d+(\.\d+)?$/.test(value) ? `${name} ${op.slice(1)} ${value}` : null;
  if (op !== ":") return null;
  if (value === "*" && !quoted) return `${name} IS NOT NULL`;
  if (value === "") return `${name} IS NULL`;
  return ["service", "level", "status", "kind", "trace_id", "span_id"].includes(field) ? `${name} = ${literal(value)}` : `${name} ILIKE ${literal(`%${value}%`)}`;
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
      if (!op || !value || value.start !== op.end || (value.kind !== "word" && value.kind !== "string")) return null;
      sql = condition(unquote(t.text), op.text, unquote(value.text), value.kind === "string", question.signal);
      i += 2;
    } else if (t.kind === "word" || t.kind === "string") {
      if (t.text === "*") continue;
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

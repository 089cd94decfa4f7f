// A record as the page names it: a stable key for the address bar, and its members sorted into groups.
import type { Row, Signal } from "../api/types.ts";
import { fnv } from "../base/colour.ts";
import { plain } from "../base/json.ts";

/** Time and a hash of what tells records of one instant apart. Two equal records share a key, and look the same. */
export function keyOf(row: Row): string {
  if (row["seq"] !== undefined) return `${row.time ?? ""}~${row["seq"]}`;
  const rest = [row.trace_id, row.span_id, row.service, row.node, row.name, row.body, plain(row.attributes)].join("\u0001");
  return `${row.time ?? ""}~${fnv(rest).toString(36)}`;
}

export interface Member {
  name: string;
  /** The name a filter uses when it differs: with a prefix where the bare name would mean something else. */
  field?: string;
  value: unknown;
  /** False for members a filter cannot name (events, links). */
  filter: boolean;
}

export interface Group {
  scope: "record" | "attribute" | "resource" | "scope";
  members: Member[];
}

const HIDDEN = new Set(["attributes", "resource", "scope", "events", "links", "body"]);
const NO_FILTER = new Set(["time", "start_time", "seq", "buckets", "quantiles", "exemplars"]);

/** Members in the order of the API; attributes by name. */
export function groupsOf(row: Row): Group[] {
  const record = Object.keys(row).filter((k) => !HIDDEN.has(k) && row[k] !== undefined && row[k] !== null);
  // A bare name means the fixed column first, then the attribute of the record, then of its resource, then of its scope.
  const taken = new Set(record);
  const named = (bag: unknown, prefix: string) => {
    const names = Object.keys((bag as object | undefined) ?? {}).sort();
    const members = names.map((name): Member => ({ name, field: taken.has(name) ? `${prefix}.${name}` : name, value: (bag as Record<string, unknown>)[name], filter: true }));
    for (const name of names) taken.add(name);
    return members;
  };
  const groups: Group[] = [
    { scope: "record", members: record.map((name) => ({ name, value: row[name], filter: !NO_FILTER.has(name) })) },
    { scope: "attribute", members: named(row.attributes, "attributes") },
    { scope: "resource", members: named(row.resource, "resource") },
    { scope: "scope", members: named(row["scope"], "scope") },
  ];
  return groups.filter((g) => g.members.length > 0);
}

/** Columns of a pipe's answer, in order of first appearance over the first rows. */
export function columnsOf(rows: Row[]): string[] {
  const seen = new Set<string>();
  for (const row of rows.slice(0, 200)) for (const key of Object.keys(row)) seen.add(key);
  return [...seen];
}

/** What the histogram is coloured by. */
export function groupField(signal: Signal): string | undefined {
  return signal === "logs" ? "level" : signal === "spans" ? "status" : undefined;
}

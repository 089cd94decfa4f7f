// A record as the page names it: a stable key for the address bar, and its members sorted into groups.
import type { Row, Signal } from "../api/types.ts";
import { fnv } from "../base/colour.ts";
import { plain } from "../base/json.ts";

/** Time and a hash of what tells records of one instant apart. Two equal records share a key, and look the same. */
export function keyOf(row: Row): string {
  const rest = [row.trace_id, row.span_id, row.service, row.node, row.name, row.body, plain(row.attributes)].join("\u0001");
  return `${row.time ?? ""}~${fnv(rest).toString(36)}`;
}

export interface Member {
  name: string;
  value: unknown;
  /** False for members a filter cannot name (events, links). */
  filter: boolean;
}

export interface Group {
  scope: "record" | "attribute" | "resource";
  members: Member[];
}

const HIDDEN = new Set(["attributes", "resource", "events", "links", "body"]);
const NO_FILTER = new Set(["time", "start_time", "buckets", "quantiles"]);

/** Members in the order of the API; attributes by name. */
export function groupsOf(row: Row): Group[] {
  const record = Object.keys(row).filter((k) => !HIDDEN.has(k) && row[k] !== undefined && row[k] !== null);
  const named = (bag: Record<string, unknown> | undefined) =>
    Object.keys(bag ?? {}).sort().map((name) => ({ name, value: bag?.[name], filter: true }));
  const groups: Group[] = [
    { scope: "record", members: record.map((name) => ({ name, value: row[name], filter: !NO_FILTER.has(name) })) },
    { scope: "attribute", members: named(row.attributes) },
    { scope: "resource", members: named(row.resource) },
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

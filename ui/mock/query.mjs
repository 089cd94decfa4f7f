// A toy of the search language for the mock server: words, "phrases", field:value, := , -negation, and two pipes.
// The real grammar is the server's; this one only has to make the page move.
const SCAN = /\s*([-!]?)(?:("(?:[^"\\]|\\.)*"|[^\s:|()"]+)(?::(=|>=|<=|>|<)?("(?:[^"\\]|\\.)*"|[^\s|()]+))?)/y;

export class BadQuery extends Error {
  constructor(message, offset, hint) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

const bare = (text) => (text?.startsWith('"') ? JSON.parse(text) : text);

export function get(row, field) {
  if (row[field] !== undefined) return row[field];
  return row.attributes?.[field] ?? row.resource?.[field];
}

export function parse(q) {
  const quotes = [...q.matchAll(/"/g)];
  if (quotes.length % 2) throw new BadQuery("A quotation mark is opened here and never closed.", quotes[quotes.length - 1].index, 'Close it with ", or write \\" inside a phrase.');
  const [filter, ...pipes] = q.split("|");
  const tests = [];
  SCAN.lastIndex = 0;
  const text = filter.trimEnd();
  while (SCAN.lastIndex < text.length) {
    const at = SCAN.lastIndex;
    const m = SCAN.exec(text);
    if (!m) throw new BadQuery(`Unexpected ${JSON.stringify(text.slice(at).trim()[0] ?? "")}.`, at + (text.slice(at).length - text.slice(at).trimStart().length), "A filter is a word, a \"phrase\" or field:value.");
    const [, not, left, op, right] = m;
    if (left === "*" && right === undefined) continue;
    let test;
    if (right === undefined) {
      const needle = bare(left).toLowerCase();
      test = (row) => `${row.body ?? ""} ${row.name ?? ""}`.toLowerCase().includes(needle);
    } else {
      const field = bare(left);
      const value = bare(right);
      if (op && op !== "=") test = (row) => ({ ">": (a) => a > +value, "<": (a) => a < +value, ">=": (a) => a >= +value, "<=": (a) => a <= +value })[op](Number(get(row, field)));
      else if (op === "=") test = (row) => String(get(row, field)) === value;
      else if (value === "*") test = (row) => get(row, field) !== undefined;
      else if (value === "") test = (row) => get(row, field) === undefined;
      else test = (row) => String(get(row, field) ?? "").toLowerCase().includes(value.toLowerCase());
    }
    tests.push(not ? (row) => !test(row) : test);
  }
  let offset = filter.length;
  const stages = pipes.map((pipe) => {
    const stats = /^\s*stats\s+(?:by\s*\(([^)]*)\)\s*)?count\(\)(?:\s+by\s*\(([^)]*)\))?\s*$/.exec(pipe);
    const limit = /^\s*limit\s+(\d+)\s*$/.exec(pipe);
    const start = offset + 1 + (pipe.length - pipe.trimStart().length);
    offset += 1 + pipe.length;
    if (limit) return (rows) => rows.slice(0, +limit[1]);
    if (!stats) throw new BadQuery(`There is no pipe called ${JSON.stringify(pipe.trim().split(" ")[0])}.`, start, "Known here: stats count() by (field, …), limit n.");
    const by = (stats[1] ?? stats[2] ?? "").split(",").map((x) => x.trim()).filter(Boolean);
    return (rows) => {
      const groups = new Map();
      for (const row of rows) {
        const key = JSON.stringify(by.map((f) => get(row, f) ?? null));
        groups.set(key, (groups.get(key) ?? 0) + 1);
      }
      return [...groups].map(([key, count]) => Object.fromEntries([...by.map((f, i) => [f, JSON.parse(key)[i]]), ["count(*)", count]])).sort((a, b) => b["count(*)"] - a["count(*)"]);
    };
  });
  return { test: (row) => tests.every((t) => t(row)), stages };
}

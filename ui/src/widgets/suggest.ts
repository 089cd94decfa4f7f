// What could be typed next: fields, values with counts of the present result, pipes. Asks the server, at most once per
// pause of DEBOUNCE_MS, and drops answers that come too late.
import { createSignal } from "solid-js";
import * as api from "../api/client.ts";
import { contextAt, quote } from "../model/query-text.ts";
import { history } from "../state/prefs.ts";

const DEBOUNCE_MS = 80;
const SUGGESTIONS_MAX = 12;

export interface Suggestion {
  text: string;
  /** Replaces `from..to` of the query. */
  insert: string;
  from: number;
  to: number;
  note: string;
  kind: "field" | "value" | "pipe" | "history";
}

const PIPES: [string, string][] = [
  ["stats", "stats by (service) count()"], ["stats per minute", "stats by (_time:1m) count()"], ["sort", "sort by (time desc)"], ["fields", "fields time, service, body"],
  ["top", "top 10 by (service)"], ["where", "where level:error"], ["uniq", "uniq by (service)"], ["limit", "limit 100"], ["offset", "offset 100"],
];

export function createSuggestions(question: () => Partial<api.Question>) {
  const [list, setList] = createSignal<Suggestion[]>([]);
  let timer = 0;
  let abort: AbortController | undefined;

  function close(): void {
    window.clearTimeout(timer);
    abort?.abort();
    setList([]);
  }

  function recent(): void {
    setList(history().slice(0, 8).map((text) => ({ text, insert: text, from: 0, to: Number.MAX_SAFE_INTEGER, note: "", kind: "history" as const })));
  }

  function at(text: string, caret: number): void {
    window.clearTimeout(timer);
    abort?.abort();
    const context = contextAt(text, caret);
    if (context.kind === "none") return void setList([]);
    if (context.kind === "pipe") {
      setList(
        PIPES.filter(([name]) => name.startsWith(context.prefix) && name !== context.prefix).map(([name, whole]) => ({
          text: name, insert: `${context.from > 0 && text[context.from - 1] === "|" ? " " : ""}${whole}`, from: context.from, to: context.to, note: whole, kind: "pipe" as const,
        })),
      );
      return;
    }
    abort = new AbortController();
    const stop = abort.signal;
    timer = window.setTimeout(async () => {
      try {
        if (context.kind === "field") {
          const answer = await api.fields(question(), context.prefix, stop);
          setList(
            answer.fields.filter((f) => f.name !== context.prefix).slice(0, SUGGESTIONS_MAX).map((f) => ({
              text: f.name, insert: `${/^[\w.\-/]+$/.test(f.name) ? f.name : JSON.stringify(f.name)}:`, from: context.from, to: context.to,
              note: `${f.scope}${f.types.length ? ` · ${f.types.join(", ")}` : ""}`, kind: "field" as const,
            })),
          );
        } else {
          const answer = await api.fieldValues(context.field, question(), context.prefix, SUGGESTIONS_MAX, stop);
          setList(
            answer.values.filter((v) => String(v.value) !== context.prefix).map((v) => ({
              text: String(v.value), insert: quote(String(v.value)), from: context.from, to: context.to, note: String(v.count), kind: "value" as const,
            })),
          );
        }
      } catch {
        // Suggestions are a courtesy: without an answer there are none. The query itself reports real problems.
        if (!stop.aborted) setList([]);
      }
    }, DEBOUNCE_MS);
  }

  return { list, at, close, recent };
}

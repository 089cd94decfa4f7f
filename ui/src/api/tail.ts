// Live tail: server-sent events read with fetch, because EventSource hides the status and body of a refusal.
// After a break the connection is made again with `Last-Event-ID`, so the server can resume where we were.
import { parseJson } from "../base/json.ts";
import { ask, Problem, type Params, toUrl } from "./client.ts";
import type { Row } from "./types.ts";

export interface TailHandler {
  open(): void;
  record(row: Row): void;
  dropped(count: number): void;
  /** Called for a refusal (no retry follows) and for a break (`retryInMs` set). */
  problem(problem: Problem, retryInMs: number | null): void;
}

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;

export interface SseEvent {
  event: string;
  id: string;
  data: string;
}

/** Incremental reader of the event-stream format (HTML standard, 9.2.6). Feed it text, it returns whole events. */
export function sseReader(): (chunk: string) => SseEvent[] {
  let rest = "";
  let event: SseEvent = { event: "message", id: "", data: "" };
  let hasData = false;
  return (chunk) => {
    const out: SseEvent[] = [];
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line === "") {
        if (hasData) out.push(event);
        event = { event: "message", id: event.id, data: "" };
        hasData = false;
      } else if (line[0] !== ":") {
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") event.event = value;
        else if (field === "id") event.id = value;
        else if (field === "data") {
          event.data += hasData ? `\n${value}` : value;
          hasData = true;
        }
      }
    }
    return out;
  };
}

/** Starts following; returns the function that stops. */
export function tail(params: Params, handler: TailHandler): () => void {
  const abort = new AbortController();
  let lastId = "";
  let wait = RETRY_MS_MIN;
  let timer = 0;

  const again = (problem: Problem) => {
    if (abort.signal.aborted) return;
    const refused = problem.status >= 400 && problem.status < 500 && problem.status !== 429;
    const delay = problem.retryAfterS !== null ? problem.retryAfterS * 1000 : wait;
    handler.problem(problem, refused ? null : delay);
    if (refused) return;
    wait = Math.min(wait * 2, RETRY_MS_MAX);
    timer = window.setTimeout(run, delay);
  };

  const take = (event: SseEvent) => {
    if (event.id) lastId = event.id;
    if (event.event === "record") handler.record(parseJson(event.data) as Row);
    else if (event.event === "dropped") handler.dropped((parseJson(event.data) as { count: number }).count);
    else if (event.event === "error") {
      const body = parseJson(event.data) as { message?: string; hint?: string };
      const problem = new Problem(body.message ?? event.data);
      problem.hint = body.hint ?? "";
      handler.problem(problem, 0);
    }
  };

  async function run(): Promise<void> {
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (lastId) headers["last-event-id"] = lastId;
      const response = await ask(toUrl("/api/v1/tail", params), { headers, signal: abort.signal, cache: "no-store" });
      handler.open();
      wait = RETRY_MS_MIN;
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      const read = sseReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        for (const event of read(decoder.decode(value, { stream: true }))) take(event);
      }
      const closed = new Problem("");
      closed.code = "closed";
      again(closed);
    } catch (cause) {
      if (abort.signal.aborted) return;
      if (cause instanceof Problem) again(cause);
      else {
        const broken = new Problem("");
        broken.code = "unreachable";
        again(broken);
      }
    }
  }
  void run();
  return () => {
    abort.abort();
    window.clearTimeout(timer);
  };
}

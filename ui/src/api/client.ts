// One way to ask the server. Every failure becomes a `Problem`, so that the page has one thing to show.
// A request that is no longer wanted is aborted; the server cancels its work when the connection closes.
import { parseJson } from "../base/json.ts";
import { setSkewMs } from "../base/time.ts";
import type { Bytes, Field, FieldValue, Hits, SearchAnswer, Service, Signal, Status, Storage, Trace } from "./types.ts";

export type Params = Record<string, string | number | undefined | null>;

export class Problem extends Error {
  /** HTTP status; 0 = the server did not answer. */
  status = 0;
  code = "";
  hint = "";
  /** 1-based, in characters of the query. */
  column: number | null = null;
  requestId = "";
  /** Seconds to wait before asking again; null when the server did not say. */
  retryAfterS: number | null = null;
}

export function toUrl(path: string, params: Params): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  const problem = new Problem(text.slice(0, 500) || response.statusText || `HTTP ${response.status}`);
  problem.status = response.status;
  const wait = Number(response.headers.get("retry-after"));
  problem.retryAfterS = response.headers.has("retry-after") && Number.isFinite(wait) ? Math.min(wait, 300) : null;
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    if (typeof body["message"] === "string") problem.message = body["message"];
    if (typeof body["code"] === "string") problem.code = body["code"];
    if (typeof body["hint"] === "string") problem.hint = body["hint"];
    if (typeof body["request_id"] === "string") problem.requestId = body["request_id"];
    const position = body["position"] as { column?: number } | undefined;
    problem.column = typeof position?.column === "number" ? position.column : null;
  } catch {
    // Not problem+json (a proxy's page, for instance): the text stands as it is.
  }
  return problem;
}

/** fetch, with refusals and a silent server turned into `Problem`. An abort stays an AbortError. */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  const sent = Date.now();
  try {
    response = await fetch(url, init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    const problem = new Problem("");
    problem.code = "unreachable";
    throw problem;
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  const took = Date.now() - sent;
  if (Number.isFinite(date) && took < 2_000) setSkewMs(date - (sent + took / 2));
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(url, { signal: signal ?? null, headers: { accept: "application/json" } });
  const text = await response.text();
  try {
    return parseJson(text) as T;
  } catch {
    const problem = new Problem("The answer is not JSON.");
    problem.status = response.status;
    problem.code = "bad_answer";
    throw problem;
  }
}

export interface Question {
  signal: Signal;
  q: string;
  start?: string | undefined;
  end?: string | undefined;
}

export async function search(question: Question, limit: number, cursor: string | null, abort?: AbortSignal): Promise<SearchAnswer> {
  const url = toUrl("/api/v1/search", { ...question, limit, cursor, format: "json" });
  const response = await ask(url, { signal: abort ?? null });
  const body = parseJson(await response.text()) as Partial<SearchAnswer>;
  return {
    rows: body.rows ?? [],
    cursor: body.cursor ?? response.headers.get("x-clewline-cursor"),
    stats: body.stats ?? {},
  };
}

export const hits = (question: Question, by: string | undefined, step: string | undefined, abort?: AbortSignal) =>
  json<Hits>(toUrl("/api/v1/hits", { ...question, by, step }), abort);

export const fields = (question: Partial<Question>, prefix: string, abort?: AbortSignal) =>
  json<{ fields: Field[] }>(toUrl("/api/v1/fields", { signal: question.signal, start: question.start, end: question.end, prefix }), abort);

export const fieldValues = (name: string, question: Partial<Question>, prefix: string, limit: number, abort?: AbortSignal) =>
  json<{ values: FieldValue[] }>(toUrl(`/api/v1/fields/${encodeURIComponent(name)}/values`, { ...question, prefix, limit }), abort);

export const trace = (id: string, abort?: AbortSignal) => json<Trace>(`/api/v1/traces/${encodeURIComponent(id)}?format=tree`, abort);

export const services = (start: string | undefined, end: string | undefined, abort?: AbortSignal) =>
  json<{ services: Service[] }>(toUrl("/api/v1/services", { start, end }), abort);

export const status = (abort?: AbortSignal) => json<Status>("/api/v1/status", abort);

export const storage = (abort?: AbortSignal) => json<Storage>("/api/v1/storage", abort);

export const bytesOf = (signal: Signal, top: number, abort?: AbortSignal) => json<Bytes>(toUrl("/api/v1/bytes", { signal, top }), abort);

/** Pauses or resumes merging. */
export async function setMerging(action: "pause" | "resume"): Promise<void> {
  await ask("/api/v1/storage/compaction", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ action }) });
}

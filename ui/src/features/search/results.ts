// One question, its answer, and the pages that follow. A new question aborts the old one; the old rows stay on the screen,
// dimmed, until the first new ones arrive.
import { batch, createEffect, createSignal, on, onCleanup, untrack } from "solid-js";
import * as api from "../../api/client.ts";
import type { Row, SearchStats, Signal } from "../../api/types.ts";
import { LEVELS, STATUSES } from "../../base/colour.ts";
import { resolveRange } from "../../base/range.ts";
import { formatRfc, now, parseTime } from "../../base/time.ts";
import { type Bars, barsOf } from "../../model/histogram.ts";
import { splitPipes } from "../../model/query-text.ts";
import { groupField, keyOf } from "../../model/record.ts";
import * as question from "../../state/question.ts";
import { suspect } from "../../state/server.ts";

const PAGE_ROWS = 200;
/** Rows kept in the page; beyond this the reader should narrow the question. */
const ROWS_MAX = 50_000;

/** The record a key names, looked for in its microsecond; null when it is no longer there. */
export async function recordOf(key: string, signal: Signal): Promise<Row | null> {
  const at = parseTime(key.split("~")[0] as string);
  if (at === null) return null;
  try {
    const answer = await api.search({ signal, q: "", start: formatRfc(at), end: formatRfc(at + 1_000n) }, 1_000, null);
    return answer.rows.find((row) => keyOf(row) === key) ?? null;
  } catch {
    return null; // The search itself reports what is wrong.
  }
}

export function createResults() {
  const [rows, setRows] = createSignal<Row[]>([]);
  const [stats, setStats] = createSignal<SearchStats | null>(null);
  const [bars, setBars] = createSignal<Bars | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [barsBusy, setBarsBusy] = createSignal(false);
  const [more, setMore] = createSignal(false);
  const [problem, setProblem] = createSignal<api.Problem | null>(null);
  const [asked, setAsked] = createSignal<api.Question>({ signal: "logs", q: "" });
  const [round, setRound] = createSignal(0);
  let cursor: string | null = null;
  let abort = new AbortController();

  function fail(cause: unknown, stop: AbortSignal): void {
    if (stop.aborted) return;
    const it = cause instanceof api.Problem ? cause : Object.assign(new api.Problem(String(cause)), { code: "page" });
    suspect(it);
    setProblem(it);
  }

  async function first(what: api.Question, stop: AbortSignal): Promise<void> {
    setBusy(true);
    try {
      const answer = await api.search(what, PAGE_ROWS, null, stop);
      if (stop.aborted) return;
      batch(() => {
        cursor = splitPipes(what.q).pipes ? null : answer.cursor;
        setRows(answer.rows);
        setStats(answer.stats);
        setMore(cursor !== null);
        setProblem(null);
      });
    } catch (cause) {
      fail(cause, stop);
    } finally {
      if (!stop.aborted) setBusy(false);
    }
  }

  async function histogram(what: api.Question, stop: AbortSignal): Promise<void> {
    setBarsBusy(true);
    try {
      const by = groupField(what.signal);
      const hits = await api.hits({ ...what, q: splitPipes(what.q).filter }, by, undefined, stop);
      if (!stop.aborted) setBars(barsOf(hits, what.signal === "spans" ? STATUSES : LEVELS));
    } catch (cause) {
      // A wrong query is reported by the search itself; here it only empties the picture.
      if (!stop.aborted) setBars(null);
      if (cause instanceof api.Problem) suspect(cause);
    } finally {
      if (!stop.aborted) setBarsBusy(false);
    }
  }

  async function next(): Promise<void> {
    if (!cursor || untrack(busy) || untrack(rows).length >= ROWS_MAX) return;
    const stop = abort.signal;
    setBusy(true);
    try {
      const answer = await api.search(untrack(asked), PAGE_ROWS, cursor, stop);
      if (stop.aborted) return;
      batch(() => {
        cursor = answer.cursor;
        setRows([...untrack(rows), ...answer.rows]);
        setMore(cursor !== null && answer.rows.length > 0);
      });
    } catch (cause) {
      fail(cause, stop);
      setMore(false);
    } finally {
      if (!stop.aborted) setBusy(false);
    }
  }

  createEffect(on([question.q, question.signal, () => question.range().start, () => question.range().end, round, question.live], ([q, signal, , , , live]) => {
    abort.abort();
    abort = new AbortController();
    if (live) {
      setBusy(false);
      return;
    }
    const { start, end } = resolveRange(untrack(question.range), now());
    const what: api.Question = { signal, q, start: start === null ? undefined : formatRfc(start), end: end === null ? undefined : formatRfc(end) };
    if (signal !== untrack(asked).signal) {
      setRows([]);
      setBars(null);
    }
    setAsked(what);
    void first(what, abort.signal);
    void histogram(what, abort.signal);
  }));
  onCleanup(() => abort.abort());

  return { rows, stats, bars, busy, barsBusy, more, problem, asked, next, again: () => setRound(round() + 1) };
}

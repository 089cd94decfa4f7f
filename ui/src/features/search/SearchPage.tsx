// The search page: question above, histogram, results, record beside them. Its whole state stands in the address.
import { createEffect, createMemo, createSignal, on, onCleanup, Show } from "solid-js";
import type { Row } from "../../api/types.ts";
import { count } from "../../base/format.ts";
import { formatRfc, type Ns } from "../../base/time.ts";
import { t } from "../../base/words/index.ts";
import { addTerm, hasTerm, removeTerm, splitPipes } from "../../model/query-text.ts";
import { groupField, keyOf } from "../../model/record.ts";
import { useKeys } from "../../state/keys.ts";
import { remember, setUtc, utc } from "../../state/prefs.ts";
import * as question from "../../state/question.ts";
import { Copy } from "../../widgets/Copy.tsx";
import { Histogram } from "../../widgets/Histogram.tsx";
import { ProblemBox } from "../../widgets/Problem.tsx";
import { QueryBar } from "../../widgets/QueryBar.tsx";
import { Segmented } from "../../widgets/Segmented.tsx";
import { TimePicker } from "../../widgets/TimePicker.tsx";
import { type ListControl, VirtualList } from "../../widgets/VirtualList.tsx";
import { Detail } from "./Detail.tsx";
import { Equivalents } from "./Equivalents.tsx";
import { createLive } from "./live.ts";
import { LiveBar } from "./LiveBar.tsx";
import { createResults, recordOf } from "./results.ts";
import { ListHeader, ResultRow, ROW_PX } from "./rows.tsx";
import { ResultTable } from "./Table.tsx";
import "./search.css";

export default function SearchPage() {
  const results = createResults();
  const live = createLive();
  const [shown, setShown] = createSignal(false);
  let list: ListControl | undefined;

  const rows = () => (question.live() ? live.rows() : results.rows());
  const piped = () => !question.live() && splitPipes(results.asked().q).pipes !== "";
  const signal = () => (question.live() ? question.signal() : results.asked().signal);
  // The open record itself is kept, so that it stays open while live rows push it down or a new answer lacks it.
  const [kept, setKept] = createSignal<Row | null>(null);
  const index = createMemo(() => {
    const key = question.selected();
    return key ? rows().findIndex((row) => keyOf(row) === key) : -1;
  });
  createEffect(on([index, question.selected], ([i, key]) => {
    if (!key) setKept(null);
    else if (i >= 0) setKept(rows()[i] ?? null);
  }));
  // A link to a record that is not on the first page: ask for its instant alone.
  createEffect(on([question.selected, results.busy], ([key, busy]) => {
    if (!key || busy || kept() || question.live() || results.problem()) return;
    let wanted = true;
    onCleanup(() => (wanted = false));
    void recordOf(key, question.signal()).then((row) => {
      if (wanted && row && !kept()) setKept(row);
    });
  }));
  const slowest = createMemo(() => (signal() === "spans" ? rows().reduce((max, r) => Math.max(max, r.duration_ns ?? 0), 1) : 1));
  const withDay = createMemo(() => {
    const first = rows()[0]?.time;
    const last = rows()[rows().length - 1]?.time;
    return !!first && !!last && first.slice(0, 10) !== last.slice(0, 10);
  });

  /** A failure that leaves nothing to look at. A server that is away or busy keeps the last answer on the screen. */
  const blocked = () => {
    const problem = results.problem();
    return !question.live() && problem !== null && (rows().length === 0 || ![0, 429, 503].includes(problem.status));
  };
  const run = (text: string) => {
    remember(text.trim());
    if (text.trim() === question.q()) results.again();
    else question.setQ(text);
  };
  const pick = (row: Row | undefined) => {
    if (row) question.select(keyOf(row));
  };
  const step = (by: number) => {
    const next = Math.max(0, Math.min(rows().length - 1, index() + by));
    pick(rows()[next]);
    list?.show(next);
  };
  useKeys({
    j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
    Enter: () => index() < 0 && step(1),
    Escape: () => question.select(null),
    l: () => question.setLive(!question.live()),
    r: () => results.again(),
    c: () => setShown(!shown()),
  });

  const field = () => groupField(question.signal());
  const toggle = (value: string) => {
    const name = field();
    if (!name) return;
    const q = question.q();
    question.setQ(hasTerm(q, name, value) ? removeTerm(q, name, value) : addTerm(q, name, value));
  };
  const zoom = (startNs: Ns, endNs: Ns) => question.setRange({ start: formatRfc(startNs), end: formatRfc(endNs) });

  createEffect(() => {
    document.title = question.q() ? `${question.q().slice(0, 60)} · Clewline` : "Clewline";
  });
  onCleanup(() => (document.title = "Clewline"));

  return (
    <div class="search">
      <div class="ask">
        <Segmented label={t("signal")} value={question.signal()} onChange={question.setSignal}
          options={[{ value: "logs", text: t("signal.logs") }, { value: "spans", text: t("signal.spans") }, { value: "metrics", text: t("signal.metrics") }]} />
        <QueryBar value={question.q()} invalid={(results.problem()?.column ?? null) !== null} onRun={run}
          question={() => ({ signal: question.signal(), start: results.asked().start, end: results.asked().end })} />
        <TimePicker range={question.range()} onChange={question.setRange} shortcut />
        <button class="control live" aria-pressed={question.live()} classList={{ on: question.live() }} onClick={() => question.setLive(!question.live())} title={`${t("live.title")} (l)`}>
          <i class="pulse" /> {t("live")}
        </button>
        <button class="primary" onClick={() => results.again()} title="Ctrl+Enter">{t("run")}</button>
      </div>
      <Show when={!question.live()} fallback={<LiveBar live={live} />}>
        <Show when={!blocked()}>
          <Histogram bars={results.bars()} busy={results.barsBusy()} group={field()} onToggle={toggle} onZoom={zoom}
            isOn={(v) => !!field() && hasTerm(question.q(), field() as string, v)} isOff={(v) => !!field() && hasTerm(question.q(), field() as string, v, true)} />
        </Show>
      </Show>
      <div class="progress" classList={{ on: results.busy() }} />
      <Show when={shown()}><Equivalents question={results.asked()} /></Show>
      <Show when={!question.live() && results.problem()}>
        {(problem) => <ProblemBox problem={problem()} query={results.asked().q} onRetry={results.again} />}
      </Show>
      <Show when={!blocked()}>
        <div class="split" classList={{ open: !!kept() }}>
          <div class="results" classList={{ busy: results.busy() && !question.live() && !results.more() }}>
            <Show when={!piped()} fallback={<ResultTable rows={results.rows()} />}>
              <Show when={rows().length || question.live()} fallback={<Nothing busy={results.busy() || results.stats() === null} onWiden={() => question.setRange({ start: "all", end: "now" })} filtered={question.q() !== ""} />}>
                <VirtualList class={withDay() ? "with-day" : ""} count={rows().length} rowPx={ROW_PX} label={t("results")} active={index()} control={(c) => (list = c)}
                  header={<ListHeader signal={signal()} withDay={withDay()} />}
                  onEnd={() => !question.live() && void results.next()}
                  onScroll={(px) => question.live() && live.pause(px > ROW_PX)}
                  render={(i) => (
                    <Show when={rows()[i]}>
                      {(row) => <ResultRow row={row()} signal={signal()} index={i} selected={index() === i} withDay={withDay()} slowestNs={slowest()} onSelect={() => pick(row())} />}
                    </Show>
                  )} />
              </Show>
            </Show>
            <Show when={question.live() && live.waiting() > 0}>
              <button class="pill" onClick={() => { list?.top(); live.pause(false); }}>↑ {t("live.new", { n: count(live.waiting()) })}</button>
            </Show>
          </div>
          <Show when={kept()}>
            {(row) => <Detail row={row()} signal={signal()} onClose={() => question.select(null)} onStep={step} />}
          </Show>
        </div>
      </Show>
      <footer class="trust">
        <Show when={!question.live() && !blocked() && results.stats()}>
          {(stats) => (
            <span class="num">
              {t(piped() ? "trust.rows" : "trust.loaded", { n: count(rows().length) })}
              {results.more() ? " +" : ""}
              <Show when={stats().rows_scanned !== undefined}> · {t("trust.scanned", { n: count(stats().rows_scanned as number), m: count(stats().segments ?? 0) })}</Show>
              <Show when={stats().took_ms !== undefined}> · {(stats().took_ms as number).toFixed(1)} ms</Show>
              <Show when={stats().complete !== undefined}> · <span classList={{ bad: !stats().complete }}>{stats().complete ? t("trust.complete") : t("trust.partial")}</span></Show>
            </span>
          )}
        </Show>
        <span class="grow" />
        <label class="check"><input type="checkbox" checked={utc()} onChange={(e) => setUtc(e.currentTarget.checked)} /> UTC</label>
        <Copy class="link" text={() => location.href}>{t("copy.link")}</Copy>
        <button class="link" aria-pressed={shown()} onClick={() => setShown(!shown())}>{t("equivalents")} <kbd>c</kbd></button>
      </footer>
    </div>
  );
}

function Nothing(props: { busy: boolean; filtered: boolean; onWiden: () => void }) {
  return (
    <Show when={!props.busy} fallback={<div class="empty quiet">{t("loading")}</div>}>
      <div class="empty">
        <h2>{t("nothing")}</h2>
        <p class="quiet">{props.filtered ? t("nothing.filtered") : t("nothing.range")}</p>
        <p class="row"><button class="small" onClick={() => props.onWiden()}>{t("nothing.widen")}</button>
          <Show when={props.filtered}><button class="small" onClick={() => question.setQ("")}>{t("nothing.clear")}</button></Show></p>
      </div>
    </Show>
  );
}

// Every service with its rate, errors and durations. The numbers are computed by the server; sorting is done here.
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show } from "solid-js";
import * as api from "../../api/client.ts";
import type { Service } from "../../api/types.ts";
import { serviceSlot } from "../../base/colour.ts";
import { compact, count, duration, percent, rate } from "../../base/format.ts";
import { resolveRange } from "../../base/range.ts";
import { formatRfc, now } from "../../base/time.ts";
import { type Key, t } from "../../base/words/index.ts";
import { addTerm } from "../../model/query-text.ts";
import { useKeys } from "../../state/keys.ts";
import * as question from "../../state/question.ts";
import { go, param, setParams } from "../../state/route.ts";
import { suspect } from "../../state/server.ts";
import { ProblemBox } from "../../widgets/Problem.tsx";
import { Spark } from "../../widgets/Spark.tsx";
import { Line } from "../../widgets/Text.tsx";
import { TimePicker } from "../../widgets/TimePicker.tsx";
import "./services.css";

type Column = "service" | "rate_per_second" | "spans" | "error_share" | "p50_ms" | "p95_ms" | "p99_ms" | "logs" | "log_errors";
const COLUMNS: Column[] = ["service", "rate_per_second", "spans", "error_share", "p50_ms", "p95_ms", "p99_ms", "logs", "log_errors"];

export default function ServicesPage() {
  const [list, setList] = createSignal<Service[] | null>(null);
  const [problem, setProblem] = createSignal<api.Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [round, setRound] = createSignal(0);
  const [active, setActive] = createSignal(-1);
  const [text, setText] = createSignal("");
  let filter!: HTMLInputElement;
  const sort = (): Column => (COLUMNS.includes(param("sort") as Column) ? (param("sort") as Column) : "rate_per_second");
  const down = () => param("dir") !== "asc" && sort() !== "service";

  createEffect(on([() => question.range().start, () => question.range().end, round], () => {
    const abort = new AbortController();
    onCleanup(() => abort.abort());
    const { start, end } = resolveRange(question.range(), now());
    setBusy(true);
    api.services(start === null ? undefined : formatRfc(start), end === null ? undefined : formatRfc(end), abort.signal).then(
      (answer) => {
        setList(answer.services);
        setProblem(null);
        setBusy(false);
      },
      (cause) => {
        if (abort.signal.aborted) return;
        setBusy(false);
        if (cause instanceof api.Problem) {
          suspect(cause);
          setProblem(cause);
        }
      },
    );
  }));

  const shown = createMemo(() => {
    const needle = text().toLowerCase();
    const by = sort();
    const value = (s: Service) => (by === "service" ? 0 : Number(s[by] ?? -1));
    return (list() ?? []).filter((s) => s.service.toLowerCase().includes(needle)).sort((a, b) =>
      by === "service" ? a.service.localeCompare(b.service) * (param("dir") === "desc" ? -1 : 1) : (down() ? value(b) - value(a) : value(a) - value(b)) || a.service.localeCompare(b.service));
  });
  const slowest = createMemo(() => shown().reduce((max, s) => Math.max(max, s.p99_ms ?? 0), 0.001));
  const press = (column: Column) => setParams({ sort: column, dir: sort() === column && (column === "service" ? param("dir") !== "desc" : down()) ? (column === "service" ? "desc" : "asc") : null }, true);
  const spansOf = (s: Service, extra = "") => question.searchHref({ signal: "spans", q: addTerm(extra, "service", s.service) });
  const logsOf = (s: Service, extra = "") => question.searchHref({ signal: "logs", q: addTerm(extra, "service", s.service) });
  const open = (s: Service | undefined) => s && go(s.spans > 0 ? spansOf(s) : logsOf(s));
  useKeys({
    "/": () => filter.focus(),
    j: () => setActive(Math.min(shown().length - 1, active() + 1)),
    k: () => setActive(Math.max(0, active() - 1)),
    Enter: () => open(shown()[active()]),
    Escape: () => { filter.blur(); setActive(-1); },
    r: () => setRound(round() + 1),
  });
  const ms = (value: number | null | undefined) => (value === null || value === undefined ? "–" : duration(value * 1e6));

  return (
    <div class="page services">
      <header class="page-head">
        <h1>{t("nav.services")}</h1>
        <span class="quiet num">{list() ? count(shown().length) : ""}</span>
        <span class="grow" />
        <input ref={filter} class="field" placeholder={t("services.filter")} aria-label={t("services.filter")} value={text()} onInput={(e) => setText(e.currentTarget.value)} />
        <TimePicker range={question.range()} onChange={question.setRange} shortcut />
      </header>
      <div class="progress" classList={{ on: busy() }} />
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} onRetry={() => setRound(round() + 1)} />}</Show>
      <Show when={!problem() && list()}>
        <Show when={shown().length} fallback={<div class="empty"><h2>{t("services.none")}</h2><p class="quiet">{t("services.none.hint")}</p></div>}>
          <div class="table-box">
          <table>
            <thead>
              <tr>
                <For each={COLUMNS}>
                  {(column) => (
                    <th classList={{ number: column !== "service" }} aria-sort={sort() === column ? (down() ? "descending" : "ascending") : "none"}>
                      <button onClick={() => press(column)}>{t(`services.${column}` as Key)}{sort() === column ? (down() ? " ↓" : " ↑") : ""}</button>
                    </th>
                  )}
                </For>
                <th>{t("services.trend")}</th>
              </tr>
            </thead>
            <tbody>
              <For each={shown()}>
                {(s, i) => (
                  <tr classList={{ on: active() === i() }} onClick={(e) => { if (!(e.target as Element).closest("a")) open(s); }}>
                    <td><a class="service" href={s.spans > 0 ? spansOf(s) : logsOf(s)}><i class="dot" style={{ background: `var(--s${serviceSlot(s.service)})` }} /><span><Line value={s.service} max={120} /></span></a></td>
                    <td class="number num">{s.spans ? <>{rate(s.rate_per_second)}<span class="quiet"> /s</span></> : "–"}</td>
                    <td class="number num"><a href={spansOf(s)}>{compact(s.spans)}</a></td>
                    <td class="number num" classList={{ bad: s.error_share >= 0.01 }}>{s.spans ? <a href={spansOf(s, "status:=error")}>{percent(s.error_share)}</a> : "–"}</td>
                    <td class="number num">{ms(s.p50_ms)}</td>
                    <td class="number num">{ms(s.p95_ms)}</td>
                    <td class="number num meter-cell"><i class="meter" style={{ width: `${((s.p99_ms ?? 0) / slowest()) * 100}%` }} /><span>{ms(s.p99_ms)}</span></td>
                    <td class="number num"><a href={logsOf(s)}>{compact(s.logs)}</a></td>
                    <td class="number num" classList={{ bad: s.log_errors > 0, quiet: !s.log_errors }}><a href={logsOf(s, "level:=error")}>{compact(s.log_errors)}</a></td>
                    <td class="spark-cell"><Show when={s.sparkline}>{(line) => <Spark values={line().spans} errors={line().errors} label={t("services.spark", { service: s.service })} />}</Show></td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
          </div>
        </Show>
      </Show>
    </div>
  );
}

// What is stored where and what becomes of it: merging, written bytes, tables with their days, delete jobs; and, when asked
// for, where the bytes go by column, attribute and template.
import { createEffect, createSignal, For, on, onCleanup, Show } from "solid-js";
import * as api from "../../api/client.ts";
import type { DeleteJob, Storage, StorageTable } from "../../api/types.ts";
import { bytes, count, duration } from "../../base/format.ts";
import { type Key, t } from "../../base/words/index.ts";
import { suspect } from "../../state/server.ts";
import { ProblemBox } from "../../widgets/Problem.tsx";
import { Line } from "../../widgets/Text.tsx";
import { BytesPanel } from "./BytesPanel.tsx";
import "./storage.css";

const POLL_MS = 5_000;

export default function StoragePage() {
  const [storage, setStorage] = createSignal<Storage | null>(null);
  const [problem, setProblem] = createSignal<api.Problem | null>(null);
  const [round, setRound] = createSignal(0);
  const again = () => setRound(round() + 1);
  const failed = (cause: unknown) => {
    if (!(cause instanceof api.Problem)) return;
    suspect(cause);
    setProblem(cause);
  };

  createEffect(on(round, () => {
    const abort = new AbortController();
    const timer = window.setTimeout(() => { if (document.hidden) window.setTimeout(again, POLL_MS); else again(); }, POLL_MS);
    onCleanup(() => {
      abort.abort();
      window.clearTimeout(timer);
    });
    api.storage(abort.signal).then((answer) => { setStorage(answer); setProblem(null); }, (cause) => { if (!abort.signal.aborted) failed(cause); });
  }));

  const pause = () => void api.setMerging(storage()?.compaction.state === "paused" ? "resume" : "pause").then(again, failed);

  return (
    <div class="page storage">
      <header class="page-head">
        <h1>{t("nav.storage")}</h1>
        <Show when={storage()}>{(s) => (
          <>
            <span class="badge" classList={{ good: s().compaction.state === "running" }}>{t(`storage.merging.${s().compaction.state}` as Key)}</span>
            <button class="small" onClick={pause} title={t("storage.pause.hint")}>{t(s().compaction.state === "paused" ? "storage.resume" : "storage.pause")}</button>
          </>
        )}</Show>
        <span class="grow" />
        <button class="small" onClick={again}>{t("refresh")}</button>
      </header>
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} onRetry={again} />}</Show>
      <Show when={storage()} fallback={<Show when={!problem()}><div class="empty quiet">{t("loading")}</div></Show>}>
        {(s) => (
          <>
            <div class="cards">
              <div class="card"><h3>{t("storage.pending")}</h3><b class="num">{count(s().compaction.pending)}</b><span class="quiet num">{t("storage.merged", { n: count(s().compaction.done), m: count(s().compaction.failed) })}</span></div>
              <div class="card"><h3>{t("storage.amplification")}</h3><b class="num">{s().written.amplification.toFixed(2)}</b><span class="quiet">{t("storage.amplification.hint")}</span></div>
              <div class="card"><h3>{t("storage.flushed")}</h3><b class="num">{bytes(s().written.flushed_bytes)}</b><span class="quiet num">{t("storage.again", { merged: bytes(s().written.merged_bytes), erased: bytes(s().written.erased_bytes) })}</span></div>
              <div class="card"><h3>{t("storage.gone")}</h3><b class="num">{count(s().deleted.records_expired + s().deleted.records_deleted)}</b><span class="quiet num">{t("storage.gone.hint", { expired: count(s().deleted.records_expired), deleted: count(s().deleted.records_deleted) })}</span></div>
            </div>
            <Show when={s().retention_suspended}><p class="bad">{t("storage.suspended")}</p></Show>
            <Tables tables={s().tables} leftOut={s().tables_left_out} />
            <Jobs jobs={s().delete_jobs} />
          </>
        )}
      </Show>
      <BytesPanel />
    </div>
  );
}

/** One table a row; a click shows its days. */
function Tables(props: { tables: StorageTable[]; leftOut: number }) {
  const [open, setOpen] = createSignal<string | null>(null);
  const nameOf = (table: StorageTable) => `${table.tenant}/${table.signal}`;
  return (
    <section>
      <h2>{t("storage.tables")}</h2>
      <Show when={props.tables.length > 0} fallback={<p class="quiet">{t("storage.nothing")}</p>}>
        <table>
          <thead><tr><th>{t("storage.tenant")}</th><th>{t("signal")}</th><For each={["segments", "rows", "size", "index", "pending", "age", "limit"] as const}>{(name) => <th class="number">{t(`storage.col.${name}` as Key)}</th>}</For></tr></thead>
          <tbody>
            <For each={props.tables}>
              {(table) => (
                <>
                  <tr>
                    <td><button class="tiny" aria-expanded={open() === nameOf(table)} onClick={() => setOpen(open() === nameOf(table) ? null : nameOf(table))}>{open() === nameOf(table) ? "▾" : "▸"}</button> <Line value={table.tenant} /></td>
                    <td>{t(`signal.${table.signal}` as Key)}</td>
                    <td class="number num">{count(table.segments)}</td>
                    <td class="number num">{count(table.rows + table.memory_rows)}</td>
                    <td class="number num">{bytes(table.bytes)}</td>
                    <td class="number num">{bytes(table.index_bytes)}</td>
                    <td class="number num">{count(table.pending)}</td>
                    <td class="number num">{table.retention.age_s === null ? t("storage.forever") : duration(table.retention.age_s * 1e9)}</td>
                    <td class="number num">{table.retention.bytes_max === null ? t("storage.any") : bytes(table.retention.bytes_max)}</td>
                  </tr>
                  <Show when={open() === nameOf(table)}><tr class="days"><td colspan="9"><Days table={table} /></td></tr></Show>
                </>
              )}
            </For>
          </tbody>
        </table>
        <Show when={props.leftOut > 0}><p class="quiet">{t("storage.more", { n: count(props.leftOut) })}</p></Show>
      </Show>
    </section>
  );
}

function Days(props: { table: StorageTable }) {
  return (
    <>
      <table>
        <thead><tr><th>{t("storage.day")}</th><th class="number">{t("storage.col.segments")}</th><th>{t("storage.levels")}</th><th class="number">{t("storage.col.rows")}</th><th class="number">{t("storage.col.size")}</th></tr></thead>
        <tbody>
          <For each={props.table.partitions}>
            {(day) => <tr><td class="num">{day.day === "future" ? t("storage.future") : day.day}</td><td class="number num">{count(day.segments)}</td><td class="num quiet">{day.levels.join(" · ")}</td><td class="number num">{count(day.rows)}</td><td class="number num">{bytes(day.bytes)}</td></tr>}
          </For>
        </tbody>
      </table>
      <Show when={props.table.partitions_left_out > 0}><p class="quiet">{t("storage.more", { n: count(props.table.partitions_left_out) })}</p></Show>
    </>
  );
}

function Jobs(props: { jobs: DeleteJob[] }) {
  return (
    <Show when={props.jobs.length > 0}>
      <section>
        <h2>{t("storage.jobs")}</h2>
        <table>
          <thead><tr><th class="number">{t("storage.job")}</th><th>{t("storage.state")}</th><th>{t("signal")}</th><th>{t("query.label")}</th><th class="number">{t("storage.matched")}</th><th class="number">{t("storage.deleted")}</th><th class="number">{t("storage.left")}</th></tr></thead>
          <tbody>
            <For each={props.jobs}>
              {(job) => (
                <tr>
                  <td class="number num">{job.id}</td>
                  <td classList={{ bad: job.state === "failing" }}>{t(`storage.job.${job.state}` as Key)}<Show when={job.error}>{(error) => <div class="quiet"><Line value={error()} /></div>}</Show></td>
                  <td>{t(`signal.${job.signal}` as Key)}</td>
                  <td class="mono"><Line value={job.query} /></td>
                  <td class="number num">{count(job.matched)}</td>
                  <td class="number num">{count(job.deleted)}</td>
                  <td class="number num">{count(job.segments_left)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </section>
    </Show>
  );
}

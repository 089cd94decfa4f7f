// Where the bytes go. Asked for by a button: the server reads samples and compresses them, which takes seconds.
import { createSignal, For, onCleanup, Show } from "solid-js";
import * as api from "../../api/client.ts";
import type { Bytes, Signal, SignalBytes } from "../../api/types.ts";
import { bytes, count, percent } from "../../base/format.ts";
import { type Key, t } from "../../base/words/index.ts";
import { suspect } from "../../state/server.ts";
import { ProblemBox } from "../../widgets/Problem.tsx";
import { Segmented } from "../../widgets/Segmented.tsx";
import { Line } from "../../widgets/Text.tsx";

const SIGNALS: Signal[] = ["logs", "spans", "metrics"];

export function BytesPanel() {
  const [signal, setSignal] = createSignal<Signal>("logs");
  const [answer, setAnswer] = createSignal<Bytes | null>(null);
  const [problem, setProblem] = createSignal<api.Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  let abort = new AbortController();
  onCleanup(() => abort.abort());
  const ask = () => {
    abort.abort();
    const mine = new AbortController();
    abort = mine;
    setBusy(true);
    api.bytesOf(signal(), 30, mine.signal).then(
      (next) => { setAnswer(next); setProblem(null); setBusy(false); },
      (cause) => {
        if (mine.signal.aborted) return;
        setBusy(false);
        if (!(cause instanceof api.Problem)) return;
        suspect(cause);
        setProblem(cause);
      },
    );
  };
  const choose = (next: Signal) => { setSignal(next); ask(); };
  const report = () => answer()?.signals.find((s) => s.signal === signal());
  return (
    <section>
      <div class="row">
        <h2>{t("bytes.title")}</h2>
        <Segmented label={t("signal")} options={SIGNALS.map((s) => ({ value: s, text: t(`signal.${s}` as Key) }))} value={signal()} onChange={choose} />
        <button class="small" onClick={ask} disabled={busy()}>{t(busy() ? "loading" : "bytes.ask")}</button>
      </div>
      <p class="quiet">{t("bytes.hint")}</p>
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} onRetry={ask} />}</Show>
      <Show when={report()}>{(r) => <Report report={r()} />}</Show>
    </section>
  );
}

function Report(props: { report: SignalBytes }) {
  const ratio = () => (props.report.stored_bytes > 0 ? props.report.raw_bytes / props.report.stored_bytes : 0);
  return (
    <>
      <div class="cards">
        <div class="card"><h3>{t("bytes.raw")}</h3><b class="num">{bytes(props.report.raw_bytes)}</b><span class="quiet num">{t("trust.rows", { n: count(props.report.rows) })}</span></div>
        <div class="card"><h3>{t("bytes.stored")}</h3><b class="num">{bytes(props.report.stored_bytes)}</b><span class="quiet num">{ratio() > 0 ? t("bytes.ratio", { n: ratio().toFixed(1) }) : ""}</span></div>
        <div class="card"><h3>{t("bytes.index")}</h3><b class="num">{bytes(props.report.index_bytes)}</b><span class="quiet num">{t("bytes.overhead", { size: bytes(props.report.overhead_bytes) })}</span></div>
      </div>
      <h3>{t("bytes.columns")}</h3>
      <table>
        <thead><tr><th>{t("bytes.column")}</th><For each={["raw", "encoded", "stored", "floor", "efficiency"] as const}>{(name) => <th class="number">{t(`bytes.${name}` as Key)}</th>}</For></tr></thead>
        <tbody>
          <For each={props.report.columns}>
            {(c) => <tr><td class="mono"><Line value={c.name} /></td><td class="number num">{bytes(c.raw_bytes)}</td><td class="number num">{bytes(c.encoded_bytes)}</td><td class="number num">{bytes(c.stored_bytes)}</td><td class="number num">{c.floor_bytes === null ? "–" : bytes(c.floor_bytes)}</td><td class="number num">{c.efficiency === null ? "–" : percent(c.efficiency)}</td></tr>}
          </For>
        </tbody>
      </table>
      <Show when={props.report.attributes.length > 0}>
        <h3>{t("bytes.attributes")}</h3>
        <table>
          <thead><tr><th>{t("bytes.attribute")}</th><th>{t("bytes.place")}</th><th class="number">{t("bytes.raw")}</th><th class="number">{t("bytes.stored")}</th></tr></thead>
          <tbody>
            <For each={props.report.attributes}>
              {(a) => <tr><td class="mono"><Line value={a.name} /></td><td>{t(a.column ? "bytes.own" : "bytes.rest")}</td><td class="number num">{bytes(a.raw_bytes)}</td><td class="number num">{bytes(a.stored_bytes)}</td></tr>}
            </For>
          </tbody>
        </table>
      </Show>
      <Show when={props.report.templates.length > 0}>
        <h3>{t("bytes.templates")}</h3>
        <table>
          <thead><tr><th>{t("bytes.template")}</th><th class="number">{t("storage.col.rows")}</th><th class="number">{t("bytes.bodies")}</th><th class="number">{t("bytes.share")}</th></tr></thead>
          <tbody>
            <For each={props.report.templates}>
              {(p) => <tr><td class="mono"><Line value={p.text} /></td><td class="number num">{count(p.rows)}</td><td class="number num">{bytes(p.body_bytes)}</td><td class="number num">{percent(p.share)}</td></tr>}
            </For>
          </tbody>
        </table>
      </Show>
    </>
  );
}

// What went in and what became of it: received = stored + duplicate + rejected, per signal; storage; listeners.
import { For, Show } from "solid-js";
import type { Signal } from "../../api/types.ts";
import { bytes, count, duration } from "../../base/format.ts";
import { dateTime, now, parseTime } from "../../base/time.ts";
import { type Key, t } from "../../base/words/index.ts";
import { utc } from "../../state/prefs.ts";
import { poll, reach, status, totalOf } from "../../state/server.ts";
import { Copy } from "../../widgets/Copy.tsx";
import { Line } from "../../widgets/Text.tsx";
import "./status.css";

const SIGNALS: Signal[] = ["logs", "spans", "metrics"];
const FATES = ["received", "stored", "duplicate", "rejected"] as const;

export default function StatusPage() {
  const ago = (text: string | null | undefined) => {
    const ns = parseTime(text ?? "");
    return ns === null ? "–" : duration(Math.max(0, Number(now() - ns)));
  };
  /** Received records whose fate is not known yet: on their way into the store. */
  const open = (signal: Signal) => {
    const s = status();
    return s ? (s.received[signal] ?? 0) - (s.stored[signal] ?? 0) - (s.duplicate[signal] ?? 0) - (s.rejected[signal] ?? 0) : 0;
  };
  return (
    <div class="page status">
      <header class="page-head">
        <h1>{t("nav.status")}</h1>
        <span class="badge" classList={{ good: reach() === "up", bad: reach() === "down" }}>{t(`reach.${reach()}` as Key)}</span>
        <span class="grow" />
        <button class="small" onClick={() => void poll()}>{t("refresh")}</button>
      </header>
      <Show when={status()} fallback={<div class="empty quiet">{reach() === "down" ? t("problem.unreachable") : t("loading")}</div>}>
        {(s) => (
          <>
            <div class="cards">
              <div class="card"><h3>{t("status.version")}</h3><b class="mono">{s().version}</b></div>
              <div class="card"><h3>{t("status.uptime")}</h3><b class="num">{ago(s().started)}</b></div>
              <div class="card"><h3>{t("status.last")}</h3><b class="num">{s().last_received ? t("status.ago", { span: ago(s().last_received) }) : t("status.never")}</b>
                <span class="quiet num">{s().last_received ? dateTime(parseTime(s().last_received as string) ?? 0n, utc()) : ""}</span></div>
              <div class="card"><h3>{t("status.disk")}</h3><b class="num">{bytes(s().storage.bytes)}</b>
                <span class="quiet num">{t("status.segments", { n: count(s().storage.segments) })}{totalOf(s().storage.rows) > 0 ? ` · ${(s().storage.bytes / totalOf(s().storage.rows)).toFixed(1)} B/${t("status.row")}` : ""}</span></div>
            </div>
            <section>
              <h2>{t("status.fate")}</h2>
              <p class="quiet">{t("status.fate.hint")}</p>
              <table>
                <thead><tr><th>{t("signal")}</th><For each={FATES}>{(fate) => <th class="number">{t(`status.${fate}` as Key)}</th>}</For><th class="number">{t("status.open")}</th><th class="number">{t("status.rows")}</th></tr></thead>
                <tbody>
                  <For each={SIGNALS}>
                    {(signal) => (
                      <tr>
                        <td>{t(`signal.${signal}` as Key)}</td>
                        <For each={FATES}>{(fate) => <td class="number num" classList={{ bad: fate === "rejected" && (s()[fate][signal] ?? 0) > 0 }}>{count(s()[fate][signal] ?? 0)}</td>}</For>
                        <td class="number num" classList={{ quiet: open(signal) === 0 }}>{count(open(signal))}</td>
                        <td class="number num">{count(s().storage.rows[signal] ?? 0)}</td>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
            </section>
            <section>
              <h2>{t("status.listeners")}</h2>
              <table>
                <thead><tr><th>{t("status.listener")}</th><th>{t("status.address")}</th><th>{t("status.setting")}</th><th /></tr></thead>
                <tbody>
                  <For each={s().listeners}>
                    {(l) => <tr><td><Line value={l.name} /></td><td class="mono"><Line value={l.address} /></td><td class="mono quiet"><Line value={l.setting ?? ""} /></td><td class="number"><Copy class="tiny" text={() => l.address} icon /></td></tr>}
                  </For>
                </tbody>
              </table>
            </section>
          </>
        )}
      </Show>
    </div>
  );
}

// One row of the list, per signal. Everything foreign goes through <Line>.
import { Match, Show, Switch } from "solid-js";
import type { Row, Signal } from "../../api/types.ts";
import { groupColour, serviceSlot } from "../../base/colour.ts";
import { duration } from "../../base/format.ts";
import { plain } from "../../base/json.ts";
import { clock, day, parseTime } from "../../base/time.ts";
import { t, word } from "../../base/words/index.ts";
import { utc } from "../../state/prefs.ts";
import { Line } from "../../widgets/Text.tsx";

export const ROW_PX = 24;

function Time(props: { value: string | undefined; withDay: boolean }) {
  const ns = () => parseTime(props.value ?? "");
  return (
    <span class="c-time mono num" title={props.value}>
      <Show when={ns() !== null} fallback="–">
        <Show when={props.withDay}><span class="quiet">{day(ns() as bigint, utc()).slice(5)} </span></Show>
        {clock(ns() as bigint, utc())}
      </Show>
    </span>
  );
}

function ServiceName(props: { name: string | undefined }) {
  return (
    <span class="c-service" title={props.name}>
      <Show when={props.name} fallback={<span class="quiet">–</span>}>
        <i class="dot" style={{ background: `var(--s${serviceSlot(props.name as string)})` }} />
        <Line value={props.name as string} max={80} />
      </Show>
    </span>
  );
}

function Mark(props: { value: string }) {
  return (
    <span class="c-mark">
      <i class="bar" style={{ background: `var(${groupColour(props.value)})` }} />
      <span class={`mark mark-${props.value || "none"}`}>{props.value ? word("group", props.value) : "–"}</span>
    </span>
  );
}

export function metricValue(row: Row): string {
  if (row.value_int !== undefined && row.value_int !== null) return String(row.value_int);
  if (row.value !== undefined && row.value !== null) return String(row.value);
  if (row.count !== undefined) return `n=${row.count}${row.sum !== undefined ? ` Σ=${row.sum}` : ""}`;
  return "–";
}

/** Attributes in a few words, after a metric's name. */
function tags(row: Row): string {
  return Object.entries(row.attributes ?? {}).slice(0, 8).map(([k, v]) => `${k}=${plain(v)}`).join(" ");
}

export function ResultRow(props: { row: Row; signal: Signal; index: number; selected: boolean; withDay: boolean; slowestNs: number; onSelect: () => void }) {
  return (
    <div class="record" role="option" id={`row-${props.index}`} aria-selected={props.selected} classList={{ on: props.selected }} onClick={() => props.onSelect()}>
      <Switch>
        <Match when={props.signal === "logs"}>
          <Mark value={props.row.level ?? ""} />
          <Time value={props.row.time} withDay={props.withDay} />
          <ServiceName name={props.row.service ?? props.row.node} />
          <span class="c-body mono"><Line value={props.row.body ?? props.row.event_name as string ?? ""} /></span>
        </Match>
        <Match when={props.signal === "spans"}>
          <Mark value={props.row.status ?? "unset"} />
          <Time value={props.row.time} withDay={props.withDay} />
          <ServiceName name={props.row.service} />
          <span class="c-duration mono num">
            <i style={{ width: `${Math.max(2, Math.min(100, ((props.row.duration_ns ?? 0) / Math.max(1, props.slowestNs)) * 100))}%` }} />
            <span>{duration(props.row.duration_ns ?? 0)}</span>
          </span>
          <span class="c-kind quiet">{props.row.kind}</span>
          <span class="c-body mono">
            <Line value={props.row.name ?? ""} />
            <Show when={props.row.status_message}> <span class="quiet"><Line value={props.row.status_message as string} max={200} /></span></Show>
          </span>
        </Match>
        <Match when={props.signal === "metrics"}>
          <Time value={props.row.time} withDay={props.withDay} />
          <ServiceName name={props.row.service} />
          <span class="c-kind quiet">{props.row.kind === "exponential_histogram" ? "exp. histogram" : props.row.kind}</span>
          <span class="c-name mono"><Line value={props.row.name ?? ""} max={160} /></span>
          <span class="c-number mono num"><b>{metricValue(props.row)}</b> <span class="quiet">{props.row.unit}</span></span>
          <span class="c-body mono quiet"><Line value={tags(props.row)} max={300} /></span>
        </Match>
      </Switch>
    </div>
  );
}

export function ListHeader(props: { signal: Signal; withDay: boolean }) {
  return (
    <div class="columns" classList={{ "with-day": props.withDay }} aria-hidden="true">
      <Show when={props.signal !== "metrics"}><span class="c-mark">{props.signal === "logs" ? t("col.level") : t("col.status")}</span></Show>
      <span class="c-time">{utc() ? "UTC" : t("col.time")}</span>
      <span class="c-service">{t("col.service")}</span>
      <Switch>
        <Match when={props.signal === "logs"}><span class="c-body">{t("col.body")}</span></Match>
        <Match when={props.signal === "spans"}><span class="c-duration">{t("col.duration")}</span><span class="c-kind">{t("col.kind")}</span><span class="c-body">{t("col.name")}</span></Match>
        <Match when={props.signal === "metrics"}><span class="c-kind">{t("col.kind")}</span><span class="c-name">{t("col.name")}</span><span class="c-number">{t("col.value")}</span><span class="c-body">{t("col.attributes")}</span></Match>
      </Switch>
    </div>
  );
}

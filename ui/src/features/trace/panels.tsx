// Beside the waterfall: the selected span, the logs of the trace, the share of each service.
import { For, Show } from "solid-js";
import type { Row, Trace, TraceSpan } from "../../api/types.ts";
import { groupColour } from "../../base/colour.ts";
import { count, duration, percent } from "../../base/format.ts";
import { plain, writeJson } from "../../base/json.ts";
import { clock, dateTime, parseTime } from "../../base/time.ts";
import { t, word } from "../../base/words/index.ts";
import { addTerm } from "../../model/query-text.ts";
import { type Layout, logOffsetNs } from "../../model/trace.ts";
import { utc } from "../../state/prefs.ts";
import * as question from "../../state/question.ts";
import { go, href } from "../../state/route.ts";
import { Copy } from "../../widgets/Copy.tsx";
import { Members } from "../../widgets/Members.tsx";
import { Line, Value } from "../../widgets/Text.tsx";

const bag = (attributes: Record<string, unknown> | undefined, filter: boolean) => Object.keys(attributes ?? {}).sort().map((name) => ({ name, value: attributes?.[name], filter }));

export function SpanPanel(props: { trace: Trace; layout: Layout; index: number; onSelect: (i: number) => void }) {
  const span = () => props.trace.spans[props.index] as TraceSpan;
  const parent = () => props.layout.parent[props.index] as number;
  const logs = () => props.layout.logsOf.get(props.index) ?? [];
  const range = () => {
    const ns = parseTime(props.trace.start) ?? 0n;
    return question.around(ns, ns + BigInt(Math.round(props.trace.duration_ns)), 600_000_000_000n);
  };
  const filter = (name: string, value: string, negated: boolean) => go(question.searchHref({ signal: "spans", q: addTerm("", name, value, negated), range: range() }));
  const facts = () => {
    const s = span();
    const list: [string, unknown, boolean][] = [
      ["service", s.service, true], ["kind", s.kind, true], ["status", s.status, true], ["status_message", s.status_message, true],
      ["span_id", s.span_id, true], ["parent_span_id", s.parent_span_id, true], ["scope_name", s.scope_name, true],
    ];
    return list.filter(([, v]) => v !== undefined && v !== "").map(([name, value, f]) => ({ name, value, filter: f }));
  };
  return (
    <>
      <header>
        <h2 class="mono"><Value value={span().name ?? ""} /></h2>
        <div class="row">
          <span class={`badge mark-${span().status ?? "unset"}`}>{word("group", span().status ?? "unset")}</span>
          <Show when={span().missing_parent}><span class="badge warn">{t("trace.missing")}</span></Show>
          <span class="grow" />
          <Show when={parent() >= 0}><button class="tiny" onClick={() => props.onSelect(parent())} title={t("trace.parent")}>↰ {t("trace.parent")}</button></Show>
          <Copy class="tiny" text={() => writeJson(span())} label={t("copy.json")}>JSON</Copy>
        </div>
        <dl class="facts num">
          <div><dt>{t("trace.duration")}</dt><dd>{duration(span().duration_ns)}</dd></div>
          <div><dt>{t("trace.self")}</dt><dd>{duration(span().self_time_ns ?? 0)} <span class="quiet">{percent((span().self_time_ns ?? 0) / Math.max(1, span().duration_ns))}</span></dd></div>
          <div><dt>{t("trace.offset")}</dt><dd>+{duration(span().start_offset_ns)}</dd></div>
          <div><dt>{t("col.time")}</dt><dd>{clock(parseTime(span().time) ?? 0n, utc(), 6)}</dd></div>
        </dl>
      </header>
      <div class="detail-body">
        <section><Members members={facts()} onFilter={filter} /></section>
        <Show when={span().attributes && Object.keys(span().attributes as object).length}>
          <section><h3>{t("scope.attribute")}</h3><Members members={bag(span().attributes, true)} onFilter={filter} /></section>
        </Show>
        <For each={span().events ?? []}>
          {(event) => (
            <section>
              <h3>{t("detail.event")} <span class="mono"><Line value={event.name ?? ""} max={100} /></span> <Show when={event.offset_ns !== undefined}><span class="quiet num">+{duration(event.offset_ns as number)}</span></Show></h3>
              <Members members={bag(event.attributes, false)} />
            </section>
          )}
        </For>
        <For each={span().links ?? []}>
          {(link) => (
            <section>
              <h3>{t("detail.link")}</h3>
              <a class="mono" href={href(`/trace/${link.trace_id}`, { span: link.span_id ?? null })}>{link.trace_id}</a>
              <Members members={bag(link.attributes, false)} />
            </section>
          )}
        </For>
        <Show when={logs().length}>
          <section><h3>{t("trace.logs")} <span class="quiet num">{logs().length}</span></h3><For each={logs().slice(0, 100)}>{(row) => <LogLine trace={props.trace} row={row} />}</For></section>
        </Show>
        <Show when={span().resource && Object.keys(span().resource as object).length}>
          <section><h3>{t("scope.resource")}</h3><Members members={bag(span().resource, true)} onFilter={filter} /></section>
        </Show>
      </div>
    </>
  );
}

function LogLine(props: { trace: Trace; row: Row; onClick?: () => void }) {
  return (
    <button class="log-line" onClick={() => props.onClick?.()} title={props.row.time}>
      <i class="bar" style={{ background: `var(${groupColour(props.row.level ?? "")})` }} />
      <span class="quiet num">+{duration(logOffsetNs(props.trace, props.row))}</span>
      <span class="log-service quiet"><Line value={props.row.service ?? ""} max={40} /></span>
      <span class="mono log-body"><Line value={props.row.body ?? plain(props.row)} max={400} /></span>
    </button>
  );
}

const LOGS_SHOWN_MAX = 1_000;

export function LogsPanel(props: { trace: Trace; layout: Layout; onSelect: (i: number) => void }) {
  const logs = () => props.trace.logs ?? [];
  const search = () => {
    const ns = parseTime(props.trace.start) ?? 0n;
    return question.searchHref({ signal: "logs", q: addTerm("", "trace_id", props.trace.trace_id), range: question.around(ns, ns + BigInt(Math.round(props.trace.duration_ns)), 600_000_000_000n) });
  };
  return (
    <div class="detail-body logs">
      <Show when={logs().length} fallback={<p class="quiet pad">{t("trace.logs.none")}</p>}>
        <p class="row pad"><a href={search()}>{t("trace.logs.search")}</a><span class="grow" /><span class="quiet num">{count(logs().length)}</span></p>
        <For each={logs().slice(0, LOGS_SHOWN_MAX)}>
          {(row) => <LogLine trace={props.trace} row={row} onClick={() => { const i = props.layout.indexOf.get(row.span_id ?? ""); if (i !== undefined) props.onSelect(i); }} />}
        </For>
        <Show when={logs().length > LOGS_SHOWN_MAX}><p class="quiet pad">{t("trace.logs.more", { n: count(logs().length - LOGS_SHOWN_MAX) })}</p></Show>
      </Show>
    </div>
  );
}

export function ServicesPanel(props: { trace: Trace; slotOf: (service: string) => number }) {
  const whole = () => Math.max(1, props.trace.services.reduce((a, s) => a + s.self_time_ns, 0));
  const sorted = () => [...props.trace.services].sort((a, b) => b.self_time_ns - a.self_time_ns);
  return (
    <div class="detail-body pad">
      <p class="quiet">{t("trace.services.hint")}</p>
      <For each={sorted()}>
        {(s) => (
          <div class="share">
            <span class="share-name"><i class="dot" style={{ background: `var(--s${props.slotOf(s.service)})` }} /><Line value={s.service} max={80} /></span>
            <span class="num quiet">{t("trace.spans", { n: count(s.spans) })}</span>
            <span class="num">{duration(s.self_time_ns)}</span>
            <span class="num quiet">{percent(s.self_time_ns / whole())}</span>
            <span class="share-bar"><i style={{ width: `${(s.self_time_ns / whole()) * 100}%`, background: `var(--s${props.slotOf(s.service)})` }} /></span>
          </div>
        )}
      </For>
    </div>
  );
}

export function startText(trace: Trace): string {
  const ns = parseTime(trace.start);
  return ns === null ? trace.start : dateTime(ns, utc(), 3);
}

// One trace: waterfall, the selected span, logs in place, services. Selection, tab and find stand in the address.
import { createEffect, createMemo, createSignal, For, Match, on, onCleanup, Show, Switch } from "solid-js";
import * as api from "../../api/client.ts";
import type { Trace } from "../../api/types.ts";
import { count, duration } from "../../base/format.ts";
import { t } from "../../base/words/index.ts";
import { collapsedFrom, ERROR, find, hasChildren, type Layout, layoutOf, reveal, rowOf, visibleRows } from "../../model/trace.ts";
import { useKeys } from "../../state/keys.ts";
import { param, setParams } from "../../state/route.ts";
import { suspect } from "../../state/server.ts";
import { Copy } from "../../widgets/Copy.tsx";
import { ProblemBox } from "../../widgets/Problem.tsx";
import { Segmented } from "../../widgets/Segmented.tsx";
import { Line } from "../../widgets/Text.tsx";
import { LogsPanel, ServicesPanel, SpanPanel, startText } from "./panels.tsx";
import { slotsOf } from "./paint.ts";
import { Waterfall, type Zoom } from "./Waterfall.tsx";
import "./trace.css";

export default function TracePage(props: { id: string }) {
  const [trace, setTrace] = createSignal<Trace | null>(null);
  const [problem, setProblem] = createSignal<api.Problem | null>(null);
  const [round, setRound] = createSignal(0);
  createEffect(on([() => props.id, round], ([id]) => {
    const abort = new AbortController();
    onCleanup(() => abort.abort());
    setProblem(null);
    setTrace(null);
    document.title = `${id.slice(0, 8)} · Clewline`;
    api.trace(id, abort.signal).then(setTrace, (cause) => {
      if (abort.signal.aborted) return;
      const it = cause instanceof api.Problem ? cause : new api.Problem(String(cause));
      suspect(it);
      setProblem(it);
    });
  }));
  onCleanup(() => (document.title = "Clewline"));
  return (
    <div class="trace">
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} onRetry={() => setRound(round() + 1)} />}</Show>
      <Show when={trace()} fallback={<Show when={!problem()}><div class="progress on" /><div class="empty quiet">{t("loading")}</div></Show>}>
        {(whole) => <Opened trace={whole()} layout={layoutOf(whole())} />}
      </Show>
    </div>
  );
}

function Opened(props: { trace: Trace; layout: Layout }) {
  // Both are fixed for the life of this component: a new trace makes a new one.
  const { trace, layout } = props;
  const slots = slotsOf(layout.serviceNames);
  const [collapsed, setCollapsed] = createSignal<Set<number>>(new Set());
  const [zoom, setZoom] = createSignal<Zoom>({ fromNs: 0, toNs: layout.totalNs });
  const rows = createMemo(() => visibleRows(layout, collapsed()));
  const selected = createMemo(() => layout.indexOf.get(param("span") ?? "") ?? -1);
  const tab = () => param("tab") ?? "span";
  const [text, setText] = createSignal(param("find") ?? "");
  const hits = createMemo(() => find(trace, text()));
  const hitSet = createMemo(() => new Set(hits()));
  let box!: HTMLInputElement;

  const select = (i: number) => {
    const span = trace.spans[i];
    if (!span) return;
    setCollapsed(reveal(layout, collapsed(), i));
    setParams({ span: span.span_id, tab: tab() === "services" ? null : param("tab") }, true);
  };
  const toggle = (i: number) => {
    if (!hasChildren(layout, i)) return;
    const next = new Set(collapsed());
    if (!next.delete(i)) next.add(i);
    setCollapsed(next);
  };
  const step = (by: number) => {
    const list = rows();
    const at = selected() < 0 ? (by > 0 ? -1 : 0) : rowOf(list, selected());
    select(list[Math.max(0, Math.min(list.length - 1, at + by))] as number);
  };
  /** The next index after (or before) the selection for which `test` holds, wrapping round. */
  const seek = (list: number[] | null, by: 1 | -1) => {
    const n = layout.size;
    if (list) {
      if (!list.length) return;
      const next = by > 0 ? (list.find((i) => i > selected()) ?? list[0]) : (list.findLast((i) => i < selected()) ?? list[list.length - 1]);
      return select(next as number);
    }
    for (let k = 1; k <= n; k++) {
      const i = (((selected() + by * k) % n) + n) % n;
      if ((layout.flags[i] as number) & ERROR) return select(i);
    }
  };
  const scale = (factor: number) => {
    const { fromNs, toNs } = zoom();
    const i = selected();
    const middle = i >= 0 && factor < 1 ? (layout.startNs[i] as number) + (layout.durationNs[i] as number) / 2 : (fromNs + toNs) / 2;
    const half = ((toNs - fromNs) * factor) / 2;
    if (half < 10) return;
    setZoom({ fromNs: Math.max(0, middle - half), toNs: Math.min(layout.totalNs, middle + half) });
  };
  const pan = (by: number) => {
    const { fromNs, toNs } = zoom();
    const span = toNs - fromNs;
    const from = Math.max(0, Math.min(layout.totalNs - span, fromNs + by * span));
    setZoom({ fromNs: from, toNs: from + span });
  };
  const left = () => {
    const i = selected();
    if (i < 0) return;
    if (hasChildren(layout, i) && !collapsed().has(i)) toggle(i);
    else if ((layout.parent[i] as number) >= 0) select(layout.parent[i] as number);
  };
  const right = () => {
    const i = selected();
    if (i < 0) return step(1);
    if (collapsed().has(i)) toggle(i);
    else if (hasChildren(layout, i)) select(i + 1);
  };
  const reset = () => setZoom({ fromNs: 0, toNs: layout.totalNs });
  const focusSpan = () => {
    const i = selected();
    if (i < 0) return;
    const pad = Math.max(20, (layout.durationNs[i] as number) * 0.1);
    setZoom({ fromNs: Math.max(0, (layout.startNs[i] as number) - pad), toNs: Math.min(layout.totalNs, (layout.startNs[i] as number) + (layout.durationNs[i] as number) + pad) });
  };
  useKeys({
    ArrowDown: () => step(1), ArrowUp: () => step(-1), j: () => step(1), k: () => step(-1),
    PageDown: () => step(20), PageUp: () => step(-20), Home: () => select(0), End: () => select(rows()[rows().length - 1] as number),
    ArrowLeft: left, ArrowRight: right, Enter: () => selected() >= 0 && toggle(selected()),
    "Ctrl+ArrowLeft": () => pan(-0.25), "Ctrl+ArrowRight": () => pan(0.25), "Ctrl+ArrowUp": () => scale(0.5), "Ctrl+ArrowDown": () => scale(2),
    a: () => pan(-0.25), d: () => pan(0.25), "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2), "0": reset, z: focusSpan,
    "[": () => setCollapsed(collapsedFrom(layout, 1)), "]": () => setCollapsed(new Set<number>()),
    e: () => seek(null, 1), E: () => seek(null, -1), n: () => seek(hits(), 1), N: () => seek(hits(), -1),
    "/": () => box.focus(), Escape: () => { if (document.activeElement === box) box.blur(); else setParams({ span: null }, true); },
  });
  const slotOf = (service: string) => slots[layout.serviceNames.indexOf(service)] ?? 0;
  const root = () => trace.spans[0];

  return (
    <>
      <header class="page-head trace-head">
        <div class="trace-title">
          <h1><Show when={root()?.service}><span class="quiet"><Line value={root()?.service ?? ""} max={60} /></span> </Show><Line value={root()?.name ?? trace.trace_id} max={140} /></h1>
          <p class="num quiet">
            <span>{startText(trace)}</span>
            <b>{duration(trace.duration_ns)}</b>
            <span>{t("trace.spans", { n: count(trace.span_count) })}</span>
            <span>{t("trace.serviceCount", { n: count(trace.services.length) })}</span>
            <Show when={trace.error_count > 0}><button class="link bad" onClick={() => seek(null, 1)} title="e">{t("trace.errors", { n: count(trace.error_count) })}</button></Show>
            <code class="mono id">{trace.trace_id}</code><Copy class="tiny" text={() => trace.trace_id} label={t("trace.copyId")} icon />
          </p>
        </div>
        <div class="find">
          <input ref={box} class="field" placeholder={t("trace.find")} aria-label={t("trace.find")} value={text()}
            onInput={(e) => setText(e.currentTarget.value)} onChange={(e) => setParams({ find: e.currentTarget.value || null }, true)}
            onKeyDown={(e) => { if (e.key === "Enter") { e.preventDefault(); seek(hits(), e.shiftKey ? -1 : 1); } }} />
          <Show when={text()}><span class="quiet num">{t("trace.hits", { n: count(hits().length) })}</span></Show>
        </div>
        <div class="row">
          <button class="small" onClick={() => setCollapsed(collapsedFrom(layout, 1))} title={`${t("trace.collapseAll")} ([)`}>⊟</button>
          <button class="small" onClick={() => setCollapsed(new Set<number>())} title={`${t("trace.expandAll")} (])`}>⊞</button>
          <button class="small" onClick={reset} title={`${t("trace.reset")} (0)`}>↔</button>
        </div>
      </header>
      <Show when={trace.problems?.length}>
        <ul class="notes"><For each={trace.problems}>{(note) => <li><Line value={note} max={300} /></li>}</For></ul>
      </Show>
      <div class="split open">
        <Waterfall trace={trace} layout={layout} slots={slots} rows={rows()} collapsed={collapsed()} selected={selected()} hits={hitSet()} zoom={zoom()} onZoom={setZoom} onSelect={select} onToggle={toggle} />
        <aside class="detail" aria-label={t("trace.panel")}>
          <div class="detail-tabs">
            <Segmented label={t("trace.panel")} value={tab()} onChange={(value) => setParams({ tab: value === "span" ? null : value }, true)}
              options={[{ value: "span", text: t("detail.span") }, { value: "logs", text: `${t("trace.logs")} ${count(trace.logs?.length ?? 0)}` }, { value: "services", text: t("nav.services") }]} />
          </div>
          <Switch>
            <Match when={tab() === "logs"}><LogsPanel trace={trace} layout={layout} onSelect={select} /></Match>
            <Match when={tab() === "services"}><ServicesPanel trace={trace} slotOf={slotOf} /></Match>
            <Match when={selected() >= 0}><SpanPanel trace={trace} layout={layout} index={selected()} onSelect={select} /></Match>
            <Match when={true}><div class="empty quiet">{t("trace.pick")}</div></Match>
          </Switch>
        </aside>
      </div>
    </>
  );
}

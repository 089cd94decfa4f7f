// The waterfall: names as a real treegrid (what assistive technology reads), bars on a canvas beside it, one scroll for both.
// Only rows in view exist, in the document and on the canvas.
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import type { Row, Trace } from "../../api/types.ts";
import { count, duration } from "../../base/format.ts";
import { t } from "../../base/words/index.ts";
import { ERROR, hasChildren, type Layout, logOffsetNs, MISSING_PARENT, rowOf } from "../../model/trace.ts";
import { scrollTo, windowOf } from "../../model/virtual.ts";
import { isDark } from "../../state/prefs.ts";
import { prepare } from "../../widgets/canvas.ts";
import { Line } from "../../widgets/Text.tsx";
import { MINIMAP_PX, paintMinimap, paintRows, paintRuler, ROW_PX, RULER_PX } from "./paint.ts";

const ZOOM_NS_MIN = 20;

export interface Zoom {
  fromNs: number;
  toNs: number;
}

export function Waterfall(props: {
  trace: Trace;
  layout: Layout;
  slots: number[];
  rows: Int32Array;
  collapsed: ReadonlySet<number>;
  selected: number;
  hits: ReadonlySet<number>;
  zoom: Zoom;
  onZoom: (zoom: Zoom) => void;
  onSelect: (span: number) => void;
  onToggle: (span: number) => void;
}) {
  let scroller!: HTMLDivElement;
  let bars!: HTMLCanvasElement;
  let head!: HTMLCanvasElement;
  const [scrollPx, setScrollPx] = createSignal(0);
  const [size, setSize] = createSignal({ width: 0, height: 400 });
  const [split, setSplit] = createSignal(Math.round(Math.min(460, Math.max(220, window.innerWidth * 0.26))));
  const [hover, setHover] = createSignal(-1);
  const [drag, setDrag] = createSignal<[number, number] | null>(null);
  const window_ = createMemo(() => windowOf(props.rows.length, ROW_PX, scrollPx(), size().height));
  const barsPx = () => Math.max(50, size().width - split());
  const topPx = () => window_().first * ROW_PX - window_().offsetPx;
  const visible = createMemo(() => Array.from(props.rows.subarray(window_().first, window_().last)));
  const view = () => ({ ...props.zoom, width: barsPx() });

  onMount(() => {
    const measure = () => setSize({ width: scroller.clientWidth, height: scroller.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(scroller);
    measure();
    onCleanup(() => observer.disconnect());
  });

  let frame = 0;
  createEffect(() => {
    isDark();
    const v = view();
    const w = window_();
    const what = {
      layout: props.layout, rows: props.rows, first: w.first, last: w.last, topPx: topPx(), heightPx: size().height, slots: props.slots,
      selected: props.selected, hover: hover(), hits: props.hits,
      logOffset: (row: Row) => logOffsetNs(props.trace, row),
      eventOffsets: (i: number) => (props.trace.spans[i]?.events ?? []).slice(0, 100).map((e) => eventOffset(i, e.offset_ns)),
    };
    const d = drag();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      paintRows(prepare(bars, v.width, what.heightPx), v, what);
      const c = prepare(head, v.width, MINIMAP_PX + RULER_PX);
      c.font = '11px system-ui, "Noto Sans CJK SC", sans-serif';
      paintMinimap(c, props.layout, props.slots, v, d);
      paintRuler(c, v, MINIMAP_PX, RULER_PX, true);
    });
  });
  onCleanup(() => cancelAnimationFrame(frame));

  /** The contract gives event offsets from the span's start or the trace's; whichever lies inside the span is meant. */
  const eventOffset = (i: number, offset: number | undefined) => {
    const start = props.layout.startNs[i] as number;
    const end = start + (props.layout.durationNs[i] as number);
    if (offset === undefined) return start;
    return offset >= start && offset <= end ? offset : start + offset;
  };

  createEffect(on(() => props.selected, (i) => {
    if (i < 0) return;
    const row = rowOf(props.rows, i);
    const next = scrollTo(row, props.rows.length, ROW_PX, scroller.scrollTop, size().height);
    if (next !== scroller.scrollTop) scroller.scrollTop = next;
  }));

  const rowAt = (event: MouseEvent) => {
    const y = event.clientY - bars.getBoundingClientRect().top;
    const row = window_().first + Math.floor((y - topPx()) / ROW_PX);
    return row >= 0 && row < props.rows.length ? (props.rows[row] as number) : -1;
  };
  const wheel = (event: WheelEvent) => {
    const span = props.zoom.toNs - props.zoom.fromNs;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const box = bars.getBoundingClientRect();
      const at = props.zoom.fromNs + ((event.clientX - box.left) / box.width) * span;
      const factor = Math.exp(event.deltaY * 0.002);
      put(at - (at - props.zoom.fromNs) * factor, at + (props.zoom.toNs - at) * factor);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const by = ((event.deltaX || event.deltaY) / barsPx()) * span;
      put(props.zoom.fromNs + by, props.zoom.toNs + by);
    }
  };
  const put = (from: number, to: number) => {
    const total = props.layout.totalNs;
    const span = Math.max(ZOOM_NS_MIN, Math.min(total, to - from));
    const start = Math.max(0, Math.min(total - span, from));
    props.onZoom({ fromNs: start, toNs: start + span });
  };
  onMount(() => scroller.addEventListener("wheel", wheel, { passive: false }));

  const share = (event: PointerEvent) => {
    const box = head.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const headUp = () => {
    const d = drag();
    setDrag(null);
    if (!d) return;
    const total = props.layout.totalNs;
    if (Math.abs(d[1] - d[0]) < 0.003) {
      const half = (props.zoom.toNs - props.zoom.fromNs) / 2;
      put(d[0] * total - half, d[0] * total + half);
    } else put(Math.min(...d) * total, Math.max(...d) * total);
  };
  const resize = (event: PointerEvent) => {
    const from = event.clientX - split();
    const move = (e: PointerEvent) => setSplit(Math.max(140, Math.min(size().width - 200, e.clientX - from)));
    const stop = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", stop);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
    event.preventDefault();
  };

  return (
    <div class="wf">
      <div class="wf-head">
        <div class="wf-corner quiet num" style={{ width: `${split()}px` }}>{t("trace.rows", { n: count(props.rows.length), m: count(props.layout.size) })}</div>
        <canvas ref={head} role="img" aria-label={t("trace.minimap")} style={{ width: `${barsPx()}px`, height: `${MINIMAP_PX + RULER_PX}px` }}
          onPointerDown={(e) => { head.setPointerCapture(e.pointerId); setDrag([share(e), share(e)]); }}
          onPointerMove={(e) => { const d = drag(); if (d) setDrag([d[0], share(e)]); }}
          onPointerUp={headUp} onPointerCancel={() => setDrag(null)} onDblClick={() => put(0, props.layout.totalNs)} />
      </div>
      <div class="wf-scroll" ref={scroller} onScroll={() => setScrollPx(scroller.scrollTop)}>
        <div class="wf-space" style={{ height: `${Math.max(window_().heightPx, size().height)}px` }}>
          <div class="wf-view" style={{ height: `${size().height}px` }}>
            <div class="wf-names" role="treegrid" aria-label={t("trace.tree")} aria-rowcount={props.rows.length} tabindex="0" style={{ width: `${split()}px` }}
              aria-activedescendant={props.selected >= 0 ? `span-${props.selected}` : undefined}>
              <div class="wf-rows" role="rowgroup" style={{ transform: `translateY(${topPx()}px)` }}>
                <For each={visible()}>
                  {(i, at) => <Name trace={props.trace} layout={props.layout} slot={props.slots[props.layout.service[i] as number] ?? 0} span={i} row={window_().first + at()} collapsed={props.collapsed.has(i)}
                    selected={props.selected === i} hit={props.hits.has(i)} hover={hover() === i} onHover={setHover} onSelect={props.onSelect} onToggle={props.onToggle} />}
                </For>
              </div>
            </div>
            <div class="wf-split" role="separator" aria-orientation="vertical" onPointerDown={resize} style={{ left: `${split() - 3}px` }} />
            <canvas ref={bars} aria-hidden="true" style={{ left: `${split()}px`, width: `${barsPx()}px`, height: `${size().height}px` }}
              onPointerMove={(e) => setHover(rowAt(e))} onPointerLeave={() => setHover(-1)}
              onClick={(e) => { const i = rowAt(e); if (i >= 0) props.onSelect(i); }} onDblClick={(e) => { const i = rowAt(e); if (i >= 0) props.onToggle(i); }} />
          </div>
        </div>
      </div>
    </div>
  );
}

function Name(props: {
  trace: Trace; layout: Layout; slot: number; span: number; row: number; collapsed: boolean; selected: boolean; hit: boolean; hover: boolean;
  onHover: (i: number) => void; onSelect: (i: number) => void; onToggle: (i: number) => void;
}) {
  const span = () => props.trace.spans[props.span]!;
  const flags = () => props.layout.flags[props.span] as number;
  const parent = () => hasChildren(props.layout, props.span);
  const hidden = () => (props.layout.end[props.span] as number) - props.span - 1;
  return (
    <div class="wf-row" role="row" id={`span-${props.span}`} aria-level={(props.layout.depth[props.span] as number) + 1} aria-rowindex={props.row + 1} aria-selected={props.selected}
      aria-expanded={parent() ? !props.collapsed : undefined} classList={{ on: props.selected, hit: props.hit, hover: props.hover }}
      onClick={() => props.onSelect(props.span)} onPointerEnter={() => props.onHover(props.span)} onDblClick={() => props.onToggle(props.span)}>
      <span class="wf-name" role="gridcell" style={{ "padding-left": `${6 + Math.min(24, props.layout.depth[props.span] as number) * 12}px` }}>
        <Show when={parent()} fallback={<i class="leaf" />}>
          <button class="fold" tabindex="-1" aria-label={props.collapsed ? t("trace.expand") : t("trace.collapse")} onClick={(e) => { e.stopPropagation(); props.onToggle(props.span); }}>{props.collapsed ? "▸" : "▾"}</button>
        </Show>
        <i class="bar" style={{ background: `var(--s${props.slot})` }} />
        <Show when={flags() & ERROR}><b class="bang" title={span().status_message || t("group.error")}>!</b></Show>
        <Show when={flags() & MISSING_PARENT}><span class="badge warn" title={t("trace.missing.title")}>{t("trace.missing")}</span></Show>
        <span class="wf-op"><Line value={span().name ?? ""} max={160} /></span>
        <Show when={props.collapsed}><span class="badge num" classList={{ bad: (props.layout.errorsBelow[props.span] as number) > 0 }}>+{count(hidden())}</span></Show>
      </span>
      <span class="wf-service quiet" role="gridcell"><Line value={span().service ?? ""} max={60} /></span>
      <span class="off-screen" role="gridcell">{duration(span().duration_ns)}</span>
    </div>
  );
}

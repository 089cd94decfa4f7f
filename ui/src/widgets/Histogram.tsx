// Counts over time, stacked by level or status. Drag selects a range; a click on a bar zooms into it; the legend filters.
// The canvas is a picture (role img with a summary); the legend beside it carries the numbers as text.
import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import { groupColour } from "../base/colour.ts";
import { compact, count, duration } from "../base/format.ts";
import { clock, dateTime, day, type Ns } from "../base/time.ts";
import { t, word } from "../base/words/index.ts";
import { type Bars, rangeAt, ticks } from "../model/histogram.ts";
import { isDark, utc } from "../state/prefs.ts";
import { colour, prepare } from "./canvas.ts";

const HEIGHT_PX = 76;
const AXIS_PX = 16;

export function Histogram(props: {
  bars: Bars | null;
  busy: boolean;
  group: string | undefined;
  isOn: (value: string) => boolean;
  isOff: (value: string) => boolean;
  onToggle: (value: string) => void;
  onZoom: (startNs: Ns, endNs: Ns) => void;
}) {
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(0);
  const [hover, setHover] = createSignal<number | null>(null);
  const [drag, setDrag] = createSignal<[number, number] | null>(null);

  onMount(() => {
    const observer = new ResizeObserver(() => setWidth(canvas.clientWidth));
    observer.observe(canvas);
    setWidth(canvas.clientWidth);
    onCleanup(() => observer.disconnect());
  });

  createEffect(() => {
    isDark();
    const w = width();
    const context = prepare(canvas, w, HEIGHT_PX + AXIS_PX);
    const bars = props.bars;
    if (!bars || w === 0) return;
    draw(context, bars, w, hover(), drag(), utc(), props.group === undefined);
  });

  const position = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0 || !props.bars) return;
    canvas.setPointerCapture(event.pointerId);
    setDrag([position(event), position(event)]);
  };
  const move = (event: PointerEvent) => {
    const x = position(event);
    if (props.bars) setHover(Math.min(props.bars.buckets - 1, Math.floor(x * props.bars.buckets)));
    const d = drag();
    if (d) setDrag([d[0], x]);
  };
  const up = () => {
    const d = drag();
    setDrag(null);
    if (!d || !props.bars) return;
    const { startNs, endNs } = rangeAt(props.bars, d[0], d[1]);
    if (endNs - startNs > 1_000n) props.onZoom(startNs, endNs);
  };

  const tip = createMemo(() => {
    const bars = props.bars;
    const b = hover();
    if (!bars || b === null || b >= bars.buckets) return null;
    const at = bars.startNs + bars.stepNs * BigInt(b);
    const parts = bars.values.map((value, g) => ({ value, n: bars.counts[g * bars.buckets + b] as number })).filter((p) => p.n > 0);
    return { at, parts, left: ((b + 0.5) / bars.buckets) * 100 };
  });

  return (
    <section class="histogram" classList={{ busy: props.busy }} aria-label={t("histogram")}>
      <div class="legend">
        <b class="num">{props.bars ? count(props.bars.total) : "–"}</b>
        <span class="quiet">{t("histogram.total")}</span>
        <Show when={props.group}>
          <For each={props.bars?.values ?? []}>
            {(value, i) => (
              <button class="group" aria-pressed={props.isOn(value)} classList={{ on: props.isOn(value), off: props.isOff(value) }}
                onClick={() => props.onToggle(value)} title={t("histogram.toggle", { field: props.group ?? "", value: value || "∅" })}>
                <i class="dot" style={{ background: `var(${groupColour(value)})` }} />
                {word("group", value)} <span class="num">{compact(props.bars?.totals[i()] ?? 0)}</span>
              </button>
            )}
          </For>
        </Show>
        <span class="grow" />
        <Show when={props.bars}>{(bars) => <span class="quiet">{t("histogram.step", { step: duration(Number(bars().stepNs)) })}</span>}</Show>
      </div>
      <div class="plot">
        <canvas ref={canvas} role="img" aria-label={t("histogram.summary", { n: props.bars?.total ?? 0 })}
          onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerLeave={() => setHover(null)} onPointerCancel={() => setDrag(null)} />
        <Show when={tip()}>
          {(info) => (
            <div class="tip" classList={{ right: info().left > 70 }} style={{ left: `${info().left}%` }}>
              <b>{dateTime(info().at, utc(), 0)}</b>
              <For each={info().parts} fallback={<span>0</span>}>
                {(part) => (
                  <span><i class="dot" style={{ background: `var(${props.group ? groupColour(part.value) : "--l-info"})` }} />{part.value ? word("group", part.value) : props.group ? word("group", "") : t("histogram.total")} <span class="num">{count(part.n)}</span></span>
                )}
              </For>
            </div>
          )}
        </Show>
      </div>
    </section>
  );
}

function draw(c: CanvasRenderingContext2D, bars: Bars, width: number, hover: number | null, drag: [number, number] | null, zoneUtc: boolean, plain: boolean): void {
  const slot = width / bars.buckets;
  const gap = slot > 5 ? 1 : 0;
  const top = 6;
  const usable = HEIGHT_PX - top;
  const endNs = bars.startNs + bars.stepNs * BigInt(bars.buckets);
  c.font = '11px system-ui, "Noto Sans CJK SC", sans-serif';
  c.textBaseline = "alphabetic";
  const offsetMs = zoneUtc ? 0 : -new Date(Number(bars.startNs / 1_000_000n)).getTimezoneOffset() * 60_000;
  for (const tick of ticks(bars.startNs, endNs, Math.max(2, Math.floor(width / 90)), offsetMs)) {
    const x = (Number(BigInt(tick.atMs) * 1_000_000n - bars.startNs) / Number(endNs - bars.startNs)) * width;
    c.fillStyle = colour("--grid");
    c.fillRect(Math.round(x), 0, 1, HEIGHT_PX + 3);
    c.fillStyle = colour("--ink-3");
    const at = BigInt(tick.atMs) * 1_000_000n;
    const text = tick.stepMs >= 864e5 ? day(at, zoneUtc).slice(5) : clock(at, zoneUtc, tick.stepMs < 1000 ? 3 : 0).slice(0, tick.stepMs >= 60_000 ? 5 : undefined);
    if (x + c.measureText(text).width + 4 < width) c.fillText(text, Math.round(x) + 4, HEIGHT_PX + 13);
  }
  c.fillStyle = colour("--line");
  c.fillRect(0, HEIGHT_PX - 1, width, 1);
  if (hover !== null && !drag) {
    c.fillStyle = colour("--hover");
    c.fillRect(hover * slot, 0, slot, HEIGHT_PX - 1);
  }
  const heights = new Float64Array(bars.buckets);
  bars.values.forEach((value, g) => {
    c.fillStyle = colour(plain ? "--l-info" : groupColour(value));
    for (let b = 0; b < bars.buckets; b++) {
      const n = bars.counts[g * bars.buckets + b] as number;
      if (n === 0) continue;
      // A bar that exists is at least one pixel high: one error among a million stays visible.
      const h = Math.max(1, (n / Math.max(1, bars.peak)) * (usable - bars.values.length));
      heights[b] = (heights[b] as number) + h;
      c.fillRect(b * slot + gap / 2, HEIGHT_PX - 1 - (heights[b] as number), Math.max(1, slot - gap), h);
    }
  });
  if (bars.peak > 0) {
    c.fillStyle = colour("--ink-3");
    c.fillText(compact(bars.peak), 2, 10);
  }
  if (drag) {
    const from = Math.min(...drag) * width;
    const to = Math.max(...drag) * width;
    c.fillStyle = colour("--select");
    c.fillRect(from, 0, to - from, HEIGHT_PX);
  }
}

// Drawing of the waterfall: only the rows in view, straight from the typed arrays. No state here; everything is an argument.
import type { Row } from "../../api/types.ts";
import { groupColour, serviceSlot, SERVICE_COLOURS } from "../../base/colour.ts";
import { duration } from "../../base/format.ts";
import { ERROR, HAS_EVENTS, type Layout, MISSING_PARENT, minimap } from "../../model/trace.ts";
import { colour } from "../../widgets/canvas.ts";

export const ROW_PX = 24;
export const MINIMAP_PX = 44;
export const RULER_PX = 22;
/** Children looked at for the self-time shading of one bar; beyond this the shading is left out. */
const SHADED_CHILDREN_MAX = 3_000;

export interface View {
  /** The visible time range, in ns from the trace's start. */
  fromNs: number;
  toNs: number;
  width: number;
}

const x = (view: View, ns: number) => ((ns - view.fromNs) / (view.toNs - view.fromNs)) * view.width;

/** Services keep the colour they have elsewhere unless two of one trace would share it. */
export function slotsOf(names: string[]): number[] {
  const taken = new Set<number>();
  return names.map((name) => {
    let slot = serviceSlot(name);
    for (let i = 0; i < SERVICE_COLOURS && taken.has(slot) && taken.size < SERVICE_COLOURS; i++) slot = (slot + 1) % SERVICE_COLOURS;
    taken.add(slot);
    return slot;
  });
}

/** Round steps for the ruler: 1, 2, 5 × 10^n. */
export function rulerStep(spanNs: number, max: number): number {
  const rough = spanNs / Math.max(1, max);
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough) ?? 10 * power;
}

export function paintRuler(c: CanvasRenderingContext2D, view: View, topPx: number, heightPx: number, labels: boolean): void {
  const step = rulerStep(view.toNs - view.fromNs, view.width / 110);
  for (let at = Math.ceil(view.fromNs / step) * step; at <= view.toNs; at += step) {
    const px = Math.round(x(view, at));
    c.fillStyle = colour("--grid");
    c.fillRect(px, topPx, 1, heightPx);
    if (!labels) continue;
    c.fillStyle = colour("--ink-3");
    const text = duration(at);
    if (px + 4 + c.measureText(text).width < view.width) c.fillText(text, px + 4, topPx + heightPx - 7);
  }
}

export function paintMinimap(c: CanvasRenderingContext2D, layout: Layout, slots: number[], view: View, drag: [number, number] | null): void {
  const width = Math.floor(view.width);
  const lanes = Math.min(20, Math.max(1, layout.size));
  const lanePx = (MINIMAP_PX - 4) / lanes;
  const { fill, errors } = minimap(layout, width, lanes);
  for (let lane = 0; lane < lanes; lane++) {
    for (let px = 0; px < width; ) {
      const value = fill[lane * width + px] as number;
      let end = px + 1;
      while (end < width && fill[lane * width + end] === value) end++;
      if (value) {
        c.fillStyle = colour(`--s${slots[value - 1] ?? 0}`);
        c.globalAlpha = 0.75;
        c.fillRect(px, 2 + lane * lanePx, end - px, Math.max(1, Math.min(4, lanePx - 0.4)));
      }
      px = end;
    }
  }
  c.globalAlpha = 1;
  c.fillStyle = colour("--l-error");
  for (let px = 0; px < width; px++) if (errors[px]) c.fillRect(px - 0.5, MINIMAP_PX - 5, 2, 5);
  const from = (view.fromNs / layout.totalNs) * view.width;
  const to = (view.toNs / layout.totalNs) * view.width;
  if (to - from < view.width - 0.5) {
    c.fillStyle = colour("--veil");
    c.fillRect(0, 0, from, MINIMAP_PX);
    c.fillRect(to, 0, view.width - to, MINIMAP_PX);
    c.fillStyle = colour("--accent");
    c.fillRect(from - 1, 0, 2, MINIMAP_PX);
    c.fillRect(to - 1, 0, 2, MINIMAP_PX);
  }
  if (drag) {
    c.fillStyle = colour("--select");
    c.fillRect(Math.min(...drag) * view.width, 0, Math.abs(drag[1] - drag[0]) * view.width, MINIMAP_PX);
  }
}

export interface Rows {
  layout: Layout;
  rows: Int32Array;
  first: number;
  last: number;
  /** y of row `first`. */
  topPx: number;
  heightPx: number;
  slots: number[];
  selected: number;
  hover: number;
  hits: ReadonlySet<number>;
  logOffset: (row: Row) => number;
  eventOffsets: (span: number) => number[];
}

export function paintRows(c: CanvasRenderingContext2D, view: View, p: Rows): void {
  paintRuler(c, view, 0, p.heightPx, false);
  c.font = '11px system-ui, "Noto Sans CJK SC", sans-serif';
  c.textBaseline = "middle";
  for (let r = p.first; r < p.last; r++) {
    const i = p.rows[r] as number;
    const y = p.topPx + (r - p.first) * ROW_PX;
    if (y > p.heightPx || y + ROW_PX < 0) continue;
    const ground = i === p.selected ? "--on" : p.hits.has(i) ? "--hit" : i === p.hover ? "--hover" : "";
    if (ground) {
      c.fillStyle = colour(ground);
      c.fillRect(0, y, view.width, ROW_PX);
    }
    paintBar(c, view, p, i, y + 6, ROW_PX - 12);
  }
}

function paintBar(c: CanvasRenderingContext2D, view: View, p: Rows, i: number, y: number, height: number): void {
  const { layout } = p;
  const start = layout.startNs[i] as number;
  const end = start + (layout.durationNs[i] as number);
  const from = x(view, start);
  const width = Math.max(2, x(view, end) - from);
  if (from < view.width && from + width > 0) {
    const left = Math.max(-2, from);
    const right = Math.min(view.width + 2, from + width);
    c.fillStyle = colour(`--s${p.slots[layout.service[i] as number] ?? 0}`);
    c.globalAlpha = 0.95;
    c.fillRect(left, y, right - left, height);
    c.globalAlpha = 1;
    shadeChildren(c, view, layout, i, y, height, left, right);
    if ((layout.flags[i] as number) & ERROR) {
      c.strokeStyle = colour("--l-error");
      c.lineWidth = 1.5;
      c.strokeRect(left - 0.5, y - 1.5, right - left + 1, height + 3);
    }
    if ((layout.flags[i] as number) & MISSING_PARENT) {
      c.strokeStyle = colour("--l-warn");
      c.setLineDash([2, 2]);
      c.beginPath();
      c.moveTo(left - 8, y + height / 2);
      c.lineTo(left, y + height / 2);
      c.stroke();
      c.setLineDash([]);
    }
    const text = duration(layout.durationNs[i] as number);
    const textPx = c.measureText(text).width;
    c.fillStyle = colour("--ink-2");
    if (right + 6 + textPx < view.width) c.fillText(text, right + 6, y + height / 2 + 0.5);
    else if (left - 6 - textPx > 0) c.fillText(text, left - 6 - textPx, y + height / 2 + 0.5);
  } else {
    // Outside the zoomed range: an arrow at the edge says on which side.
    c.fillStyle = colour("--ink-3");
    c.fillText(from >= view.width ? "›" : "‹", from >= view.width ? view.width - 10 : 4, y + height / 2);
  }
  if ((layout.flags[i] as number) & HAS_EVENTS) {
    c.fillStyle = colour("--ink");
    for (const offset of p.eventOffsets(i)) c.fillRect(Math.round(x(view, offset)), y - 2, 1.5, height + 4);
  }
  const logs = layout.logsOf.get(i);
  if (!logs) return;
  for (const row of logs.slice(0, 200)) {
    const px = x(view, p.logOffset(row));
    if (px < -4 || px > view.width + 4) continue;
    c.fillStyle = colour(groupColour(row.level ?? ""));
    c.strokeStyle = colour("--paper");
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(px, y + height - 3);
    c.lineTo(px + 4.5, y + height + 5);
    c.lineTo(px - 4.5, y + height + 5);
    c.closePath();
    c.fill();
    c.stroke();
  }
}

/** Lightens the parts of a bar in which a child was running, so that the full colour is the span's own time. */
function shadeChildren(c: CanvasRenderingContext2D, view: View, layout: Layout, i: number, y: number, height: number, left: number, right: number): void {
  const last = layout.end[i] as number;
  if (last === i + 1) return;
  c.fillStyle = colour("--paper");
  c.globalAlpha = 0.55;
  let covered = left;
  let seen = 0;
  for (let j = i + 1; j < last && seen < SHADED_CHILDREN_MAX; j = layout.end[j] as number, seen++) {
    const from = Math.max(covered, x(view, layout.startNs[j] as number));
    const to = Math.min(right, x(view, (layout.startNs[j] as number) + (layout.durationNs[j] as number)));
    if (to - from < 0.25) continue;
    c.fillRect(from, y + 2, to - from, height - 4);
    covered = to;
  }
  c.globalAlpha = 1;
}

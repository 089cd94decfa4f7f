// Mathematics of a virtual list with rows of one height. Browsers cap the height of an element (about 33 M px in Chromium,
// 17.9 M px in Firefox), so beyond HEIGHT_MAX_PX the scroll bar is scaled and the rows are placed relative to the view.
export const HEIGHT_MAX_PX = 8_000_000;
const OVERSCAN_ROWS = 6;

export interface Window {
  /** First and one past the last row to draw. */
  first: number;
  last: number;
  /** Height of the scrolled element. */
  heightPx: number;
  /** Where row `first` stands inside the scrolled element. */
  topPx: number;
  /** Content pixels hidden above the view, unscaled. */
  offsetPx: number;
}

export function windowOf(rows: number, rowPx: number, scrollPx: number, viewPx: number): Window {
  const contentPx = rows * rowPx;
  const heightPx = Math.min(contentPx, HEIGHT_MAX_PX);
  const travel = Math.max(1, heightPx - viewPx);
  const scale = contentPx > HEIGHT_MAX_PX ? (contentPx - viewPx) / travel : 1;
  const offsetPx = Math.max(0, Math.min(scrollPx * scale, Math.max(0, contentPx - viewPx)));
  const first = Math.max(0, Math.floor(offsetPx / rowPx) - OVERSCAN_ROWS);
  const last = Math.min(rows, Math.ceil((offsetPx + viewPx) / rowPx) + OVERSCAN_ROWS);
  return { first, last, heightPx, topPx: scrollPx - (offsetPx - first * rowPx), offsetPx };
}

/** The scroll position that brings `row` into view with the least movement; the current one when it is visible. */
export function scrollTo(row: number, rows: number, rowPx: number, scrollPx: number, viewPx: number): number {
  const contentPx = rows * rowPx;
  const scale = contentPx > HEIGHT_MAX_PX ? (contentPx - viewPx) / Math.max(1, HEIGHT_MAX_PX - viewPx) : 1;
  const offset = scrollPx * scale;
  const top = row * rowPx;
  if (top < offset) return top / scale;
  if (top + rowPx > offset + viewPx) return (top + rowPx - viewPx) / scale;
  return scrollPx;
}

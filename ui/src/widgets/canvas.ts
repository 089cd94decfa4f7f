// Canvas at device resolution, and colours from the tokens as canvas can use them.
import { isDark } from "../state/prefs.ts";

let probe: HTMLElement | undefined;
let cache = new Map<string, string>();
let cachedDark: boolean | undefined;

/** The present value of a colour token. Resolved through a probe, because tokens use light-dark(). */
export function colour(name: string): string {
  if (cachedDark !== isDark()) {
    cache = new Map();
    cachedDark = isDark();
  }
  let value = cache.get(name);
  if (value === undefined) {
    if (!probe) {
      probe = document.createElement("i");
      probe.hidden = true;
      document.body.append(probe);
    }
    probe.style.color = `var(${name})`;
    value = getComputedStyle(probe).color;
    cache.set(name, value);
  }
  return value;
}

/** Sizes the canvas to its box and returns a context in CSS pixels, cleared. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

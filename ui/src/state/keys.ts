// Keyboard: pages register what their keys do; the newest registration wins. Keys typed into a field are the field's own,
// except Escape and those with Ctrl.
import { onCleanup } from "solid-js";

export type Keys = Record<string, (event: KeyboardEvent) => void>;

const layers: Keys[] = [];
let pending = "";
let pendingTimer = 0;

function name(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${event.shiftKey && key.length > 1 ? "Shift+" : ""}${key}`;
}

/** Sequences such as "g s" are written with a space. */
export function useKeys(keys: Keys): void {
  layers.push(keys);
  onCleanup(() => layers.splice(layers.indexOf(keys), 1));
}

export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const target = event.target as HTMLElement;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  const key = name(event);
  if (typing && key !== "Escape" && !event.ctrlKey && !event.metaKey) return;
  // Enter and Space belong to the focused control.
  if ((key === "Enter" || key === "Space") && target.closest("button, a, summary")) return;
  const wanted = pending ? `${pending} ${key}` : key;
  pending = "";
  window.clearTimeout(pendingTimer);
  for (let i = layers.length - 1; i >= 0; i--) {
    const action = (layers[i] as Keys)[wanted];
    if (!action) continue;
    event.preventDefault();
    action(event);
    return;
  }
  if (key === "g") {
    pending = key;
    pendingTimer = window.setTimeout(() => (pending = ""), 1_200);
  }
}

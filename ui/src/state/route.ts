// The address bar is the truth: every page reads its state here and changes it only through `go` and `setParams`.
import { batch, createMemo, createRoot, createSignal } from "solid-js";

export type Patch = Record<string, string | null | undefined>;

const [path, setPath] = createSignal(location.pathname);
const [query, setQuery] = createSignal(location.search);
export { path };

const params = createRoot(() => createMemo(() => new URLSearchParams(query())));

export function param(name: string): string | null {
  return params().get(name);
}

function read(): void {
  batch(() => {
    setPath(location.pathname);
    setQuery(location.search);
  });
}
window.addEventListener("popstate", read);

/** Address of a page with parameters; empty ones are left out. */
export function href(to: string, wanted: Patch = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(wanted)) if (value) search.set(key, value);
  const text = search.toString();
  return text ? `${to}?${text}` : to;
}

export function go(address: string, replace = false): void {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  read();
}

/** Changes some parameters of the present page; null removes one. */
export function setParams(patch: Patch, replace = false): void {
  const next = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(patch)) {
    if (value) next.set(key, value);
    else next.delete(key);
  }
  const text = next.toString();
  go(location.pathname + (text ? `?${text}` : ""), replace);
}

/** Turns plain clicks on our own links into navigation without a reload. Install once. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = (event.target as Element).closest?.("a");
  if (!anchor || anchor.target || anchor.origin !== location.origin || anchor.hasAttribute("download") || anchor.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(anchor.pathname + anchor.search);
}

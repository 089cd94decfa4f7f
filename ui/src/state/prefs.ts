// Choices of the reader, not of the question: theme, language, zone, wrapping. Kept in this browser. `?theme=` and `?lang=`
// in the address win for one visit, so that a link can show a page as its sender saw it.
import { createSignal, type Signal } from "solid-js";
import { type Language, language, setLanguage } from "../base/words/index.ts";

export type Theme = "auto" | "light" | "dark";

function kept(name: string): string | null {
  try {
    return localStorage.getItem(`clewline.${name}`);
  } catch {
    return null; // Storage can be forbidden; the page works without.
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`clewline.${name}`, value);
  } catch {
    // As above.
  }
}

const asked = new URLSearchParams(location.search);
const oneOf = <T extends string>(value: string | null, allowed: readonly T[]): T | null => (allowed as readonly string[]).includes(value ?? "") ? (value as T) : null;

const themes = ["auto", "light", "dark"] as const;
const [theme, putTheme] = createSignal<Theme>(oneOf(asked.get("theme"), themes) ?? oneOf(kept("theme"), themes) ?? "auto");
const dark = matchMedia("(prefers-color-scheme: dark)");
const [systemDark, setSystemDark] = createSignal(dark.matches);
dark.addEventListener("change", () => setSystemDark(dark.matches));

export { theme };
/** Changes whenever colours change: canvases read it to draw again. */
export const isDark = () => (theme() === "auto" ? systemDark() : theme() === "dark");

function applyTheme(value: Theme): void {
  if (value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = value;
}

export function setTheme(value: Theme): void {
  keep("theme", value);
  applyTheme(value);
  putTheme(value);
}
applyTheme(theme());

export function chooseLanguage(value: Language, remember = true): void {
  if (remember) keep("lang", value);
  document.documentElement.lang = value === "zh" ? "zh-CN" : "en";
  setLanguage(value);
}
const languages = ["en", "zh"] as const;
chooseLanguage(oneOf(asked.get("lang"), languages) ?? oneOf(kept("lang"), languages) ?? (navigator.language.startsWith("zh") ? "zh" : "en"), false);
export { language };

function flag(name: string): Signal<boolean> {
  const [get, set] = createSignal(kept(name) === "1");
  return [get, ((value: boolean) => {
    keep(name, value ? "1" : "0");
    return set(value);
  }) as Signal<boolean>[1]];
}

export const [utc, setUtc] = flag("utc");
export const [wrap, setWrap] = flag("wrap");

const HISTORY_MAX = 20;
/** Questions asked before, newest first. */
export function history(): string[] {
  try {
    const list = JSON.parse(kept("history") ?? "[]") as unknown;
    return Array.isArray(list) ? list.filter((x): x is string => typeof x === "string") : [];
  } catch {
    return [];
  }
}

export function remember(q: string): void {
  if (!q.trim()) return;
  keep("history", JSON.stringify([q, ...history().filter((x) => x !== q)].slice(0, HISTORY_MAX)));
}

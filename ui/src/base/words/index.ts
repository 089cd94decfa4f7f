// All words of the page. One dictionary per language; a missing key is a type error. `{name}` is filled from the arguments,
// `{name|one|many}` chooses by them.
import { createSignal } from "solid-js";
import { en } from "./en.ts";
import { zh } from "./zh.ts";

export type Language = "en" | "zh";
export type Key = keyof typeof en;

const dictionaries: Record<Language, Record<Key, string>> = { en, zh };
const [language, setLanguage] = createSignal<Language>("en");
export { language, setLanguage };

export function t(key: Key, fill?: Record<string, string | number>): string {
  const text = dictionaries[language()][key];
  return fill ? text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    if (!(name in fill)) return whole;
    const value = String(fill[name]);
    return one === undefined ? value : value === "1" ? one : (many as string);
  }) : text;
}

/** The word for a value of the data model (a level, a status), or the value itself. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value || "none"}` as Key;
  return dictionaries[language()][key] ?? value;
}

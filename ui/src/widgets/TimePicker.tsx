// The time range: presets, natural text in either language, absolute bounds, and a step back after zooming.
import { createEffect, createMemo, createSignal, For, onCleanup, Show } from "solid-js";
import { duration } from "../base/format.ts";
import { parseRange, PRESETS, presetOf, type Range, resolveRange } from "../base/range.ts";
import { dateTime, formatRfc, now } from "../base/time.ts";
import { t } from "../base/words/index.ts";
import { useKeys } from "../state/keys.ts";
import { setUtc, utc } from "../state/prefs.ts";

export function TimePicker(props: { range: Range; onChange: (range: Range) => void; shortcut?: boolean }) {
  let root!: HTMLDivElement;
  let field: HTMLInputElement | undefined;
  const [open, setOpen] = createSignal(false);
  const [text, setText] = createSignal("");
  const understood = createMemo(() => (text().trim() ? parseRange(text(), now(), utc()) : null));

  const label = () => {
    const preset = presetOf(props.range);
    if (preset === "all") return t("time.all");
    if (preset) return t("time.last", { span: preset });
    const { start, end } = resolveRange(props.range, now());
    return `${start === null ? "…" : dateTime(start, utc(), 0)} – ${props.range.end === "now" ? t("time.now") : end === null ? "…" : endText(start, end)}`;
  };
  const endText = (start: bigint | null, end: bigint) => {
    const whole = dateTime(end, utc(), 0);
    return start !== null && dateTime(start, utc(), 0).slice(0, 10) === whole.slice(0, 10) ? whole.slice(11) : whole;
  };
  const preview = () => {
    const r = understood();
    if (!r) return null;
    const { start, end } = resolveRange(r, now());
    if (start === null) return t("time.all");
    return `${dateTime(start, utc(), 0)} – ${end === null ? "…" : dateTime(end, utc(), 0)}${end === null ? "" : ` · ${duration(Number(end - start))}`}`;
  };

  const choose = (range: Range) => {
    setOpen(false);
    setText("");
    props.onChange(range);
  };
  /** Shifts an absolute or relative range by its own length. */
  const shift = (direction: 1n | -1n) => {
    const { start, end } = resolveRange(props.range, now());
    if (start === null || end === null) return;
    const length = end - start;
    choose({ start: formatRfc(start + direction * length), end: formatRfc(end + direction * length) });
  };
  if (props.shortcut) useKeys({ "[": () => shift(-1n), "]": () => shift(1n), t: () => setOpen(true) });

  const outside = (event: PointerEvent) => {
    if (!root.contains(event.target as Node)) setOpen(false);
  };
  createEffect(() => {
    if (!open()) return;
    document.addEventListener("pointerdown", outside);
    onCleanup(() => document.removeEventListener("pointerdown", outside));
    field?.focus();
  });

  return (
    <div class="time" ref={root} onKeyDown={(e) => { if (e.key === "Escape" && open()) { e.preventDefault(); setOpen(false); } }}>
      <button class="control" aria-haspopup="dialog" aria-expanded={open()} onClick={() => setOpen(!open())} title={t("time.title")}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.3" /><path d="M8 4.4V8l2.6 1.6" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" /></svg>
        <span class="num">{label()}</span>
      </button>
      <Show when={open()}>
        <div class="popover time-menu" role="dialog" aria-label={t("time.title")}>
          <form onSubmit={(e) => { e.preventDefault(); const r = understood(); if (r) choose(r); }}>
            <input ref={(el) => { field = el; }} class="mono" value={text()} onInput={(e) => setText(e.currentTarget.value)} placeholder={t("time.placeholder")} aria-label={t("time.natural")} />
            <p class="quiet num" classList={{ bad: text().trim() !== "" && !understood() }}>{text().trim() === "" ? t("time.examples") : (preview() ?? t("time.unknown"))}</p>
          </form>
          <div class="presets">
            <For each={PRESETS}>{(p) => <button class="small" classList={{ on: presetOf(props.range) === p }} onClick={() => choose({ start: `now-${p}`, end: "now" })}>{p}</button>}</For>
            <button class="small" classList={{ on: presetOf(props.range) === "all" }} onClick={() => choose({ start: "all", end: "now" })}>{t("time.all")}</button>
          </div>
          <div class="row">
            <button class="small" onClick={() => shift(-1n)} title={t("time.earlier")}>← <kbd>[</kbd></button>
            <button class="small" onClick={() => shift(1n)} title={t("time.later")}><kbd>]</kbd> →</button>
            <span class="grow" />
            <label class="check"><input type="checkbox" checked={utc()} onChange={(e) => setUtc(e.currentTarget.checked)} /> UTC</label>
          </div>
        </div>
      </Show>
    </div>
  );
}

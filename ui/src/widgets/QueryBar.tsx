// The search box: one line that grows, with suggestions at the caret. Enter runs, Shift+Enter breaks the line.
import { createEffect, createSignal, For, on, onMount, Show } from "solid-js";
import type { Question } from "../api/client.ts";
import { compact } from "../base/format.ts";
import { t } from "../base/words/index.ts";
import { useKeys } from "../state/keys.ts";
import { createSuggestions, type Suggestion } from "./suggest.ts";
import { Line } from "./Text.tsx";

export function QueryBar(props: { value: string; question: () => Partial<Question>; invalid: boolean; onRun: (text: string) => void }) {
  let box!: HTMLTextAreaElement;
  const [text, setText] = createSignal(props.value);
  const [picked, setPicked] = createSignal(-1);
  const [leftPx, setLeftPx] = createSignal(0);
  const suggestions = createSuggestions(props.question);

  createEffect(on(() => props.value, (value) => setText(value), { defer: true }));
  createEffect(on(text, (value) => {
    if (box.value !== value) box.value = value;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
  }));
  createEffect(on(suggestions.list, () => setPicked(-1)));
  onMount(() => (box.value = text()));
  useKeys({
    "/": () => box.focus(),
    "Ctrl+k": () => box.focus(),
    "Ctrl+Enter": () => run(),
  });

  function run(): void {
    suggestions.close();
    props.onRun(box.value);
  }

  function suggest(): void {
    const caret = box.selectionStart;
    if (!box.value) return suggestions.recent();
    suggestions.at(box.value, caret);
    const column = box.value.slice(0, caret).split("\n").pop()?.length ?? 0;
    setLeftPx(Math.min(column * 7.8, Math.max(0, box.clientWidth - 360)));
  }

  function accept(s: Suggestion): void {
    const next = box.value.slice(0, s.from) + s.insert + (s.kind === "value" ? " " : "") + box.value.slice(s.to).trimStart();
    const caret = s.kind === "history" ? next.length : s.from + s.insert.length + (s.kind === "value" ? 1 : 0);
    setText(next);
    box.focus();
    box.setSelectionRange(caret, caret);
    if (s.kind === "field") suggest();
    else suggestions.close();
  }

  function keydown(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const list = suggestions.list();
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && list.length) {
      event.preventDefault();
      setPicked((picked() + step + list.length + 1) % (list.length + 1));
      if (picked() === list.length) setPicked(-1);
    } else if (event.key === "ArrowUp" && !box.value) {
      suggestions.recent();
    } else if ((event.key === "Tab" && list.length && !event.shiftKey) || (event.key === "Enter" && picked() >= 0 && !event.ctrlKey)) {
      event.preventDefault();
      accept(list[Math.max(0, picked())] as Suggestion);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      run();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (list.length) suggestions.close();
      else box.blur();
    }
  }

  return (
    <div class="query" classList={{ invalid: props.invalid }}>
      <textarea ref={box} rows="1" spellcheck={false} autocomplete="off" autocapitalize="off" class="mono" placeholder={t("query.placeholder")}
        aria-label={t("query.label")} role="combobox" aria-expanded={suggestions.list().length > 0} aria-controls="suggestions" aria-autocomplete="list"
        aria-activedescendant={picked() >= 0 ? `suggestion-${picked()}` : undefined}
        onInput={() => { setText(box.value); suggest(); }} onKeyDown={keydown} onClick={suggest} onBlur={() => suggestions.close()} />
      <Show when={text() !== ""}>
        <button class="clear" aria-label={t("query.clear")} title={t("query.clear")} onMouseDown={(e) => e.preventDefault()} onClick={() => { setText(""); run(); box.focus(); }}>×</button>
      </Show>
      <kbd class="slash" aria-hidden="true">/</kbd>
      <Show when={suggestions.list().length}>
        <ul class="suggestions" id="suggestions" role="listbox" aria-label={t("query.suggestions")} style={{ left: `${leftPx()}px` }}>
          <For each={suggestions.list()}>
            {(s, i) => (
              <li role="option" id={`suggestion-${i()}`} aria-selected={picked() === i()} classList={{ on: picked() === i() }} onMouseDown={(e) => { e.preventDefault(); accept(s); }}>
                <span class="mono"><Line value={s.text || '""'} max={120} /></span>
                <span class="quiet num">{s.kind === "value" ? compact(Number(s.note)) : s.note}</span>
              </li>
            )}
          </For>
          <li class="keys" aria-hidden="true"><kbd>↑</kbd><kbd>↓</kbd> {t("query.choose")} <kbd>Tab</kbd> {t("query.take")} <kbd>Enter</kbd> {t("query.run")}</li>
        </ul>
      </Show>
    </div>
  );
}

// Foreign text on the page: text nodes and visible chips for what would be invisible, nothing else. See base/text.ts.
import { createMemo, createSignal, For, Show } from "solid-js";
import { bytes } from "../base/format.ts";
import { cut, isPlain, type Piece, pieces, ROW_LENGTH_MAX, VALUE_LENGTH_MAX } from "../base/text.ts";
import { t } from "../base/words/index.ts";

function Pieces(props: { list: Piece[] }) {
  return (
    <For each={props.list}>
      {(piece) => (typeof piece === "string" ? piece : <span class="chip" title={piece.title}>{piece.chip}</span>)}
    </For>
  );
}

/** One line of a list: cut, never wrapped by its own line breaks. */
export function Line(props: { value: string; max?: number }) {
  const text = createMemo(() => cut(props.value, props.max ?? ROW_LENGTH_MAX));
  return (
    <Show when={!isPlain(text(), true)} fallback={text()}>
      <Pieces list={pieces(text(), true)} />
    </Show>
  );
}

/** A whole value, with line breaks; beyond VALUE_LENGTH_MAX behind a button. */
export function Value(props: { value: string }) {
  const [all, setAll] = createSignal(false);
  const long = () => props.value.length > VALUE_LENGTH_MAX;
  const text = createMemo(() => (all() ? props.value : cut(props.value, VALUE_LENGTH_MAX)));
  return (
    <span class="value">
      <Show when={!isPlain(text())} fallback={text()}>
        <Pieces list={pieces(text())} />
      </Show>
      <Show when={long()}>
        <button class="link" onClick={() => setAll(!all())}>
          {all() ? t("value.less") : t("value.all", { size: bytes(props.value.length) })}
        </button>
      </Show>
    </span>
  );
}

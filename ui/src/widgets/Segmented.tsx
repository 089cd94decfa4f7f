// A choice of one among few, as a row of buttons.
import { For } from "solid-js";

export function Segmented<T extends string>(props: { label: string; value: T; options: { value: T; text: string }[]; onChange: (value: T) => void }) {
  return (
    <div class="segmented" role="group" aria-label={props.label}>
      <For each={props.options}>
        {(option) => (
          <button aria-pressed={props.value === option.value} classList={{ on: props.value === option.value }} onClick={() => props.onChange(option.value)}>
            {option.text}
          </button>
        )}
      </For>
    </div>
  );
}

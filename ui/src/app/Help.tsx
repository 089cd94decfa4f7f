// The keyboard, on one sheet.
import { For, onMount } from "solid-js";
import { type Key, t } from "../base/words/index.ts";
import { useKeys } from "../state/keys.ts";

const GROUPS: [Key, [string, Key][]][] = [
  ["help.everywhere", [["/", "help.focus"], ["?", "help.this"], ["g s", "help.goSearch"], ["g v", "help.goServices"], ["g u", "help.goStatus"], ["g b", "help.goStorage"], ["g f", "help.goStart"], ["Esc", "help.escape"]]],
  ["help.search", [["Enter", "help.run"], ["Ctrl Enter", "help.runAnywhere"], ["j k", "help.rows"], ["Enter", "help.openRow"], ["l", "help.live"], ["r", "help.again"], ["c", "help.equivalents"], ["t", "help.time"], ["[ ]", "help.shift"]]],
  ["help.trace", [["↑ ↓", "help.spans"], ["← →", "help.fold"], ["[ ]", "help.foldAll"], ["Ctrl ← →", "help.pan"], ["Ctrl ↑ ↓", "help.zoom"], ["z 0", "help.fit"], ["e E", "help.errors"], ["n N", "help.hits"]]],
];

export function Help(props: { onClose: () => void }) {
  let box!: HTMLDivElement;
  onMount(() => box.focus());
  useKeys({ Escape: () => props.onClose() });
  return (
    <div class="overlay" onClick={(e) => { if (e.target === e.currentTarget) props.onClose(); }}>
      <div class="sheet" role="dialog" aria-modal="true" aria-label={t("help")} tabindex="-1" ref={box}>
        <div class="row"><h2>{t("help")}</h2><span class="grow" /><button class="tiny" aria-label={t("close")} onClick={() => props.onClose()}>×</button></div>
        <div class="help-groups">
          <For each={GROUPS}>
            {([title, keys]) => (
              <section>
                <h3>{t(title)}</h3>
                <dl><For each={keys}>{([key, what]) => <div><dt><For each={key.split(" ")}>{(k) => <kbd>{k}</kbd>}</For></dt><dd>{t(what)}</dd></div>}</For></dl>
              </section>
            )}
          </For>
          <section class="wide">
            <h3>{t("help.language")}</h3>
            <dl class="examples">
              <div><dt class="mono">timeout</dt><dd>{t("help.lang.word")}</dd></div>
              <div><dt class="mono">"connection reset"</dt><dd>{t("help.lang.phrase")}</dd></div>
              <div><dt class="mono">service:checkout -level:info</dt><dd>{t("help.lang.field")}</dd></div>
              <div><dt class="mono">http.status_code:&gt;=500</dt><dd>{t("help.lang.compare")}</dd></div>
              <div><dt class="mono">error | stats by (service) count()</dt><dd>{t("help.lang.pipe")}</dd></div>
            </dl>
          </section>
        </div>
      </div>
    </div>
  );
}

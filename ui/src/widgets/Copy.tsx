// A copy button that says it worked. The clipboard API needs a secure context; over plain HTTP the old command is used.
import { createSignal, type JSX } from "solid-js";
import { t } from "../base/words/index.ts";

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "off-screen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function Copy(props: { text: () => string; label?: string; class?: string; children?: JSX.Element }) {
  const [done, setDone] = createSignal(false);
  const click = async (event: MouseEvent) => {
    event.stopPropagation();
    if (!(await copyText(props.text()))) return;
    setDone(true);
    setTimeout(() => setDone(false), 1200);
  };
  return (
    <button class={props.class ?? "small"} title={props.label ?? t("copy")} aria-label={props.label ?? t("copy")} onClick={click}>
      {done() ? "✓" : (props.children ?? t("copy"))}
    </button>
  );
}

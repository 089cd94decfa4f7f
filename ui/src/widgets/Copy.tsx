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

function Sheets() {
  return (
    <svg viewBox="0 0 16 16" width="13" height="13" fill="none" stroke="currentColor" stroke-width="1.3" aria-hidden="true">
      <rect x="2.5" y="2.5" width="8" height="8" rx="1.5" />
      <path d="M5.5 13.5h6.500a1.500 1.500 0 0 0 1.500-1.500V5.500" />
    </svg>
  );
}

export function Copy(props: { text: () => string; label?: string; class?: string; icon?: boolean; children?: JSX.Element }) {
  const [done, setDone] = createSignal(false);
  const click = async (event: MouseEvent) => {
    event.stopPropagation();
    if (!(await copyText(props.text()))) return;
    setDone(true);
    setTimeout(() => setDone(false), 1200);
  };
  return (
    <button class={props.class ?? "small"} title={props.label ?? t("copy")} aria-label={props.label ?? t("copy")} onClick={click}>
      {done() ? "✓" : props.icon ? <Sheets /> : (props.children ?? t("copy"))}
    </button>
  );
}

// The first five minutes: how to send something, with the real addresses, and a light that turns green when it arrives.
import { createMemo, For, Show } from "solid-js";
import { count } from "../../base/format.ts";
import { t } from "../../base/words/index.ts";
import { href, param, setParams } from "../../state/route.ts";
import { reach, status, totalOf } from "../../state/server.ts";
import { Copy } from "../../widgets/Copy.tsx";
import { addressesOf, SNIPPETS } from "./snippets.ts";
import "./first.css";

export default function FirstPage() {
  const chosen = () => SNIPPETS.find((s) => s.id === param("with")) ?? SNIPPETS[0]!;
  const addresses = createMemo(() => addressesOf(status()?.listeners ?? [], location));
  const received = () => totalOf(status()?.received);
  const arrow = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    const next = SNIPPETS[(SNIPPETS.indexOf(chosen()) + by + SNIPPETS.length) % SNIPPETS.length]!;
    setParams({ with: next.id }, true);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
  };

  return (
    <div class="page first">
      <h1>{t("first.title")}</h1>
      <p class="lead">{t("first.lead")}</p>
      <div class="waiting" classList={{ done: received() > 0 }} role="status">
        <Show when={received() > 0} fallback={<><i class="pulse" /> <span>{reach() === "down" ? t("problem.unreachable") : t("first.waiting")}</span></>}>
          <b class="tick">✓</b>
          <span>{t("first.received", { n: count(received()) })}</span>
          <span class="grow" />
          <a class="button primary" href={href("/search", { start: "all" })}>{t("first.look")}</a>
        </Show>
      </div>
      <div class="tabs" role="tablist" aria-label={t("first.title")} onKeyDown={arrow}>
        <For each={SNIPPETS}>
          {(s) => <button role="tab" id={`tab-${s.id}`} aria-selected={chosen().id === s.id} tabindex={chosen().id === s.id ? 0 : -1} classList={{ on: chosen().id === s.id }} onClick={() => setParams({ with: s.id }, true)}>{s.name}</button>}
        </For>
      </div>
      <div class="code snippet" role="tabpanel" aria-labelledby={`tab-${chosen().id}`}>
        <h3 class="mono">{chosen().file}</h3>
        <Copy class="small float" text={() => chosen().code(addresses())} />
        <pre class="mono">{chosen().code(addresses())}</pre>
      </div>
      <div class="cards">
        <div class="card"><h3>OTLP gRPC</h3><b class="mono">{addresses().otlpGrpc}</b></div>
        <div class="card"><h3>OTLP HTTP</h3><b class="mono">{addresses().otlpHttp}</b></div>
        <div class="card"><h3>{t("first.json")}</h3><b class="mono">{addresses().http}</b></div>
        <div class="card"><h3>{t("first.raw")}</h3><b class="mono">{addresses().raw}</b></div>
      </div>
      <p class="quiet">{t("first.demo")} <code class="mono command">clewline demo</code> <Copy class="tiny" text={() => "clewline demo"} icon /></p>
    </div>
  );
}

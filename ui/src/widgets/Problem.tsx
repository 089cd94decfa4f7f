// How a failure looks: what was wrong, where, what to do. 429 and 503 count down the server's Retry-After and try again.
import { createEffect, createSignal, on, onCleanup, Show } from "solid-js";
import type { Problem } from "../api/client.ts";
import { t } from "../base/words/index.ts";
import { Value } from "./Text.tsx";

/** The query with a caret below the column the server named. Columns count characters, not UTF-16 units. */
function Caret(props: { query: string; column: number }) {
  const chars = () => Array.from(props.query);
  const lineStart = () => chars().slice(0, props.column - 1).lastIndexOf("\n") + 1;
  const line = () => {
    const rest = chars().slice(lineStart());
    const end = rest.indexOf("\n");
    return (end < 0 ? rest : rest.slice(0, end)).join("");
  };
  const before = () => Array.from(line()).slice(0, props.column - 1 - lineStart()).join("");
  return (
    <pre class="caret" aria-hidden="true">
      {line()}
      {"\n"}
      <span class="ghost">{before()}</span>
      <b>^</b>
    </pre>
  );
}

export function ProblemBox(props: { problem: Problem; query?: string | undefined; onRetry: () => void }) {
  const [left, setLeft] = createSignal<number | null>(null);
  createEffect(on(() => props.problem, (problem) => {
    setLeft(problem.retryAfterS ?? (problem.status === 0 ? 3 : null));
    if (left() === null) return;
    const timer = setInterval(() => {
      const next = (left() ?? 1) - 1;
      setLeft(next);
      if (next <= 0) {
        clearInterval(timer);
        props.onRetry();
      }
    }, 1000);
    onCleanup(() => clearInterval(timer));
  }));
  const title = () => {
    const p = props.problem;
    if (p.status === 0) return t("problem.unreachable");
    if (p.status === 429) return t("problem.busy");
    if (p.status === 503) return t("problem.unready");
    if (p.status === 404) return t("problem.notFound");
    if (p.column !== null || p.code === "bad_query") return t("problem.query");
    return t("problem.refused", { status: p.status });
  };
  return (
    <div class="problem" role="alert">
      <h2>{title()}</h2>
      <Show when={props.problem.message}>
        <p><Value value={props.problem.message} /></p>
      </Show>
      <Show when={props.query !== undefined && props.problem.column !== null && props.problem.column <= Array.from(props.query).length + 1}>
        <Caret query={props.query as string} column={props.problem.column as number} />
      </Show>
      <Show when={props.problem.hint}>
        <p class="hint"><Value value={props.problem.hint} /></p>
      </Show>
      <p class="row">
        <button class="small" onClick={() => props.onRetry()}>{t("retry")}</button>
        <Show when={left() !== null && (left() as number) > 0}>
          <span class="quiet">{t("retry.in", { s: left() as number })}</span>
        </Show>
        <Show when={props.problem.requestId}>
          <span class="quiet">{t("problem.request")} <code>{props.problem.requestId}</code></span>
        </Show>
      </p>
    </div>
  );
}

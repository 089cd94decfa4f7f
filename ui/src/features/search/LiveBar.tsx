// What the live tail is doing: connection, rate, what was lost and where. Nothing disappears silently.
import { Show } from "solid-js";
import { count } from "../../base/format.ts";
import { type Key, t } from "../../base/words/index.ts";
import { splitPipes } from "../../model/query-text.ts";
import * as question from "../../state/question.ts";
import { Value } from "../../widgets/Text.tsx";
import type { createLive } from "./live.ts";

export function LiveBar(props: { live: ReturnType<typeof createLive> }) {
  return (
    <section class="livebar" aria-live="polite">
      <span class="state" classList={{ good: props.live.state() === "open", bad: props.live.state() === "broken" || props.live.state() === "refused" }}>
        <i class="pulse" /> {props.live.paused() ? t("live.paused") : t(`live.${props.live.state()}` as Key)}
      </span>
      <span class="num">{t("live.rate", { n: count(props.live.rate()) })}</span>
      <span class="num quiet">{t("live.buffer", { n: count(props.live.rows().length) })}</span>
      <span class="num" classList={{ bad: props.live.dropped() > 0, quiet: props.live.dropped() === 0 }}>{t("live.dropped", { n: count(props.live.dropped()) })}</span>
      <Show when={props.live.forgotten() > 0}><span class="num quiet">{t("live.forgotten", { n: count(props.live.forgotten()) })}</span></Show>
      <Show when={splitPipes(question.q()).pipes}><span class="quiet">{t("live.pipes")}</span></Show>
      <Show when={props.live.problem()}>{(problem) => <span class="bad"><Value value={`${problem().message} ${problem().hint}`} /></span>}</Show>
    </section>
  );
}

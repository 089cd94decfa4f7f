// Everything about one record: the text, its members by group, span events and links, JSON. Values edit the query.
import { createSignal, For, Match, Show, Switch } from "solid-js";
import type { Row, Signal } from "../../api/types.ts";
import { duration } from "../../base/format.ts";
import { writeJson } from "../../base/json.ts";
import { dateTime, parseTime } from "../../base/time.ts";
import { type Key, t, word } from "../../base/words/index.ts";
import { addTerm } from "../../model/query-text.ts";
import { groupsOf } from "../../model/record.ts";
import { utc } from "../../state/prefs.ts";
import * as question from "../../state/question.ts";
import { href } from "../../state/route.ts";
import { Copy } from "../../widgets/Copy.tsx";
import { Members } from "../../widgets/Members.tsx";
import { Segmented } from "../../widgets/Segmented.tsx";
import { Line, Value } from "../../widgets/Text.tsx";

const CONTEXT_NS = 5_000_000_000n;

export function Detail(props: { row: Row; signal: Signal; onClose: () => void; onStep: (by: number) => void }) {
  const [view, setView] = createSignal<"fields" | "json">("fields");
  const at = () => parseTime(props.row.time ?? "");
  const filter = (name: string, value: string, negated: boolean) => question.setQ(addTerm(question.q(), name, value, negated));
  const traceHref = () => (props.row.trace_id ? href(`/trace/${props.row.trace_id}`, { span: props.row.span_id ?? null }) : null);
  const contextHref = () => {
    const ns = at();
    if (ns === null) return null;
    const q = props.row.service ? addTerm("", "service", props.row.service) : "";
    return question.searchHref({ signal: "logs", q, range: question.around(ns, ns, CONTEXT_NS) });
  };
  const title = () => (props.signal === "logs" ? t("detail.log") : props.signal === "spans" ? t("detail.span") : t("detail.metric"));

  return (
    <aside class="detail" aria-label={title()}>
      <header>
        <div class="row">
          <h2>{title()}</h2>
          <Show when={props.row.level ?? props.row.status}>
            {(value) => <span class={`badge mark-${value()}`}>{word("group", value())}</span>}
          </Show>
          <Show when={props.row.duration_ns !== undefined}><span class="badge num">{duration(props.row.duration_ns as number)}</span></Show>
          <span class="grow" />
          <button class="tiny" title={t("detail.previous")} aria-label={t("detail.previous")} onClick={() => props.onStep(-1)}>↑</button>
          <button class="tiny" title={t("detail.next")} aria-label={t("detail.next")} onClick={() => props.onStep(1)}>↓</button>
          <button class="tiny" title={`${t("close")} (Esc)`} aria-label={t("close")} onClick={() => props.onClose()}>×</button>
        </div>
        <div class="row">
          <span class="mono num quiet">{at() === null ? props.row.time : dateTime(at() as bigint, utc(), 9)}</span>
        </div>
        <div class="row">
          <Show when={traceHref()}><a class="button small" href={traceHref() as string}>{t("detail.trace")}</a></Show>
          <Show when={contextHref()}><a class="button small" href={contextHref() as string}>{t("detail.context")}</a></Show>
          <span class="grow" />
          <Segmented label={t("detail.view")} value={view()} options={[{ value: "fields", text: t("detail.fields") }, { value: "json", text: "JSON" }]} onChange={setView} />
        </div>
      </header>
      <div class="detail-body">
        <Switch>
          <Match when={view() === "json"}>
            <div class="code"><Copy class="small float" text={() => writeJson(props.row)} /><pre class="mono"><Value value={writeJson(props.row)} /></pre></div>
          </Match>
          <Match when={view() === "fields"}>
            <Show when={props.row.body ?? props.row.name}>
              {(text) => <div class="body mono"><Copy class="small float" text={text} /><Value value={text()} /></div>}
            </Show>
            <For each={groupsOf(props.row)}>
              {(group) => (
                <section>
                  <h3>{t(`scope.${group.scope}` as Key)} <span class="quiet num">{group.members.length}</span></h3>
                  <Members members={group.members} onFilter={filter} link={(name, value) => (name === "trace_id" && value ? href(`/trace/${value}`, { span: props.row.span_id ?? null }) : null)} />
                </section>
              )}
            </For>
            <For each={props.row.events ?? []}>
              {(event, i) => (
                <section>
                  <h3>{t("detail.event")} {i() + 1} <span class="mono"><Line value={event.name ?? ""} max={120} /></span></h3>
                  <Members members={Object.entries(event.attributes ?? {}).map(([name, value]) => ({ name, value, filter: false }))} />
                </section>
              )}
            </For>
            <For each={props.row.links ?? []}>
              {(link) => (
                <section>
                  <h3>{t("detail.link")}</h3>
                  <a class="mono" href={href(`/trace/${link.trace_id}`, { span: link.span_id ?? null })}>{link.trace_id}</a>
                </section>
              )}
            </For>
          </Match>
        </Switch>
      </div>
    </aside>
  );
}

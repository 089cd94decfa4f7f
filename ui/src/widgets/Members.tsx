// Named values of a record, each with copy, "only this" and "not this".
import { For, Show } from "solid-js";
import { plain } from "../base/json.ts";
import { t } from "../base/words/index.ts";
import type { Member } from "../model/record.ts";
import { Copy } from "./Copy.tsx";
import { Line, Value } from "./Text.tsx";

export function Members(props: { members: Member[]; onFilter?: ((name: string, value: string, negated: boolean) => void) | undefined; link?: (name: string, value: string) => string | null }) {
  return (
    <dl class="members">
      <For each={props.members}>
        {(member) => {
          const text = () => plain(member.value);
          const address = () => props.link?.(member.name, text()) ?? null;
          return (
            <div class="member">
              <dt title={member.name}><Line value={member.name} max={200} /></dt>
              <dd>
                <span class="mono of" classList={{ number: typeof member.value === "number" || typeof member.value === "bigint" }}>
                <Show when={address()} fallback={<Value value={text()} />}>
                  <a href={address() as string}><Line value={text()} max={200} /></a>
                </Show>
                </span>
              <span class="actions">
                <Show when={member.filter && props.onFilter}>
                  <button class="tiny" title={t("detail.only")} aria-label={`${t("detail.only")}: ${member.name}`} onClick={() => props.onFilter?.(member.field ?? member.name, text(), false)}>+</button>
                  <button class="tiny" title={t("detail.not")} aria-label={`${t("detail.not")}: ${member.name}`} onClick={() => props.onFilter?.(member.field ?? member.name, text(), true)}>−</button>
                </Show>
                <Copy class="tiny" text={text} label={`${t("copy")}: ${member.name}`} icon />
              </span>
              </dd>
            </div>
          );
        }}
      </For>
    </dl>
  );
}

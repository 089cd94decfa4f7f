// The same question outside the page: curl and, where it is a plain conjunction, SQL.
import { Show } from "solid-js";
import type { Question } from "../../api/client.ts";
import { t } from "../../base/words/index.ts";
import { toCurl, toSql } from "../../model/equivalents.ts";
import { Copy } from "../../widgets/Copy.tsx";

export function Equivalents(props: { question: Question }) {
  const curl = () => toCurl(location.origin, props.question, 100);
  const sql = () => toSql(props.question, 100);
  return (
    <div class="equivalents">
      <div class="code"><h3>curl</h3><Copy class="small float" text={curl} /><pre class="mono">{curl()}</pre></div>
      <div class="code">
        <h3>SQL</h3>
        <Show when={sql()} fallback={<p class="quiet">{t("equivalents.none")}</p>}>
          {(text) => <><Copy class="small float" text={text} /><pre class="mono">{text()}</pre><Show when={text().includes("ILIKE")}><p class="quiet">{t("equivalents.near")}</p></Show></>}
        </Show>
      </div>
    </div>
  );
}

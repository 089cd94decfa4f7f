// The answer of a pipe: a table of its columns. A click on a heading sorts; the server's order comes first.
import { createMemo, createSignal, For } from "solid-js";
import type { Row } from "../../api/types.ts";
import { count } from "../../base/format.ts";
import { plain } from "../../base/json.ts";
import { t } from "../../base/words/index.ts";
import { columnsOf } from "../../model/record.ts";
import { Line } from "../../widgets/Text.tsx";
import { VirtualList } from "../../widgets/VirtualList.tsx";

const ROW_PX = 26;

export function ResultTable(props: { rows: Row[] }) {
  const [sort, setSort] = createSignal<{ column: string; down: boolean } | null>(null);
  const columns = createMemo(() => columnsOf(props.rows));
  const numeric = createMemo(() => new Set(columns().filter((c) => props.rows.every((r) => r[c] === undefined || r[c] === null || typeof r[c] === "number" || typeof r[c] === "bigint"))));
  const peaks = createMemo(() => new Map([...numeric()].map((c) => [c, props.rows.reduce((max, r) => Math.max(max, Number(r[c] ?? 0)), 0)])));
  const sorted = createMemo(() => {
    const by = sort();
    if (!by) return props.rows;
    const value = (r: Row) => r[by.column];
    const order = numeric().has(by.column)
      ? (a: Row, b: Row) => Number(value(a) ?? 0) - Number(value(b) ?? 0)
      : (a: Row, b: Row) => plain(value(a)).localeCompare(plain(value(b)));
    return [...props.rows].sort((a, b) => (by.down ? -order(a, b) : order(a, b)));
  });
  const tracks = () => columns().map((c) => {
    const widest = props.rows.slice(0, 100).reduce((w, r) => Math.max(w, plain(r[c]).length), c.length + 2);
    return numeric().has(c) ? `minmax(${Math.max(90, widest * 8 + 24)}px, 220px)` : `minmax(${Math.min(420, Math.max(90, widest * 8 + 24))}px, 420px)`;
  }).join(" ");
  const press = (column: string) => {
    const by = sort();
    setSort(by?.column !== column ? { column, down: numeric().has(column) } : by.down === numeric().has(column) ? { column, down: !by.down } : null);
  };

  return (
    <VirtualList class="table" kind="table" count={sorted().length} rowPx={ROW_PX} label={t("table.label")}
      header={
        <div class="columns grid" role="row" style={{ "grid-template-columns": tracks() }}>
          <For each={columns()}>
            {(c) => <span role="columnheader"><button classList={{ number: numeric().has(c), on: sort()?.column === c }} onClick={() => press(c)}><Line value={c} max={80} />{sort()?.column === c ? (sort()?.down ? " ↓" : " ↑") : ""}</button></span>}
          </For>
        </div>
      }
      render={(i) => (
        <div class="grid table-row" role="row" style={{ "grid-template-columns": tracks() }}>
          <For each={columns()}>
            {(c) => (
              <span class="mono" role="cell" classList={{ number: numeric().has(c), num: numeric().has(c) }}>
                {numeric().has(c) && <i class="meter" style={{ width: `${(Number(sorted()[i]?.[c] ?? 0) / Math.max(1e-9, peaks().get(c) ?? 1)) * 100}%` }} />}
                <Line value={typeof sorted()[i]?.[c] === "number" && Number.isInteger(sorted()[i]?.[c]) ? count(sorted()[i]?.[c] as number) : plain(sorted()[i]?.[c])} max={300} />
              </span>
            )}
          </For>
        </div>
      )}
    />
  );
}

// A list of any length: only the rows in view are in the document. Rows have one height, known beforehand.
import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, onMount } from "solid-js";
import { scrollTo, windowOf } from "../model/virtual.ts";

export interface ListControl {
  show(row: number): void;
  top(): void;
  viewPx(): number;
}

export function VirtualList(props: {
  count: number;
  rowPx: number;
  label: string;
  class?: string;
  /** What the rows are: options to choose from (the default), or rows of a table. */
  kind?: "listbox" | "table";
  header?: JSX.Element;
  footer?: JSX.Element;
  active?: number;
  render: (row: number) => JSX.Element;
  onEnd?: () => void;
  onScroll?: (scrollPx: number) => void;
  control?: (control: ListControl) => void;
}) {
  let box!: HTMLDivElement;
  let head: HTMLDivElement | undefined;
  const [scrollPx, setScrollPx] = createSignal(0);
  const [viewPx, setViewPx] = createSignal(600);
  const view = createMemo(() => windowOf(props.count, props.rowPx, scrollPx(), viewPx()));
  const rows = createMemo(() => {
    const { first, last } = view();
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  });

  onMount(() => {
    const measure = () => setViewPx(Math.max(props.rowPx, box.clientHeight - (head?.offsetHeight ?? 0)));
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    measure();
    onCleanup(() => observer.disconnect());
    props.control?.({
      show: (row) => (box.scrollTop = scrollTo(row, props.count, props.rowPx, box.scrollTop, viewPx())),
      top: () => (box.scrollTop = 0),
      viewPx,
    });
  });
  const scrolled = () => {
    setScrollPx(box.scrollTop);
    props.onScroll?.(box.scrollTop);
  };
  createEffect(on([view, () => props.count], ([v, count]) => {
    if (count > 0 && v.last >= count - 20) props.onEnd?.();
  }));

  return (
    <div class={`list ${props.class ?? ""}`} ref={box} onScroll={scrolled} role={props.kind ?? "listbox"} aria-label={props.label} aria-rowcount={props.kind === "table" ? props.count + 1 : undefined} tabindex="0"
      aria-activedescendant={props.active !== undefined && props.active >= 0 ? `row-${props.active}` : undefined}>
      <div class="list-head" ref={head} role={props.kind === "table" ? "rowgroup" : "presentation"}>{props.header}</div>
      <div class="list-space" role="presentation" style={{ height: `${view().heightPx}px` }}>
        <div class="list-rows" role={props.kind === "table" ? "rowgroup" : "presentation"} style={{ transform: `translateY(${view().topPx}px)` }}>
          <For each={rows()}>{(row) => props.render(row)}</For>
        </div>
      </div>
      {props.footer}
    </div>
  );
}

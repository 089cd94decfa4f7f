// A small bar picture of counts over time; the error share of each bar in the error colour.
import { For } from "solid-js";

const WIDTH = 120;
const HEIGHT = 24;

export function Spark(props: { values: number[]; errors?: number[]; label: string }) {
  const peak = () => Math.max(1, ...props.values);
  const slot = () => WIDTH / Math.max(1, props.values.length);
  const tall = (n: number) => (n === 0 ? 0 : Math.max(1, (n / peak()) * (HEIGHT - 2)));
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={props.label}>
      <For each={props.values}>{(n, i) => <rect class="spark-all" x={i() * slot()} y={HEIGHT - tall(n)} width={Math.max(1, slot() - 1)} height={tall(n)} />}</For>
      <For each={props.errors ?? []}>{(n, i) => <rect class="spark-bad" x={i() * slot()} y={HEIGHT - tall(n)} width={Math.max(1, slot() - 1)} height={tall(n)} />}</For>
    </svg>
  );
}

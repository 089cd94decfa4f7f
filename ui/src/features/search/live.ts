// The live tail's buffer: newest first, bounded, painted at most once a frame. While the reader has scrolled away the list
// stands still and new records wait; what falls out of a full buffer is counted and shown.
import { batch, createEffect, createSignal, on, onCleanup } from "solid-js";
import type { Problem } from "../../api/client.ts";
import { tail } from "../../api/tail.ts";
import type { Row } from "../../api/types.ts";
import { splitPipes } from "../../model/query-text.ts";
import * as question from "../../state/question.ts";

const BUFFER_ROWS_MAX = 5_000;

export function createLive() {
  const [rows, setRows] = createSignal<Row[]>([]);
  const [waiting, setWaiting] = createSignal(0);
  const [dropped, setDropped] = createSignal(0);
  const [forgotten, setForgotten] = createSignal(0);
  const [rate, setRate] = createSignal(0);
  const [paused, setPaused] = createSignal(false);
  const [state, setState] = createSignal<"connecting" | "open" | "broken" | "refused">("connecting");
  const [problem, setProblem] = createSignal<Problem | null>(null);
  let incoming: Row[] = [];
  let frame = 0;
  let received = 0;

  function paint(): void {
    frame = 0;
    if (incoming.length > BUFFER_ROWS_MAX) {
      const lost = incoming.length - BUFFER_ROWS_MAX;
      incoming = incoming.slice(lost);
      setForgotten(forgotten() + lost);
    }
    if (paused()) return void setWaiting(incoming.length);
    const fresh = incoming.reverse();
    incoming = [];
    batch(() => {
      const next = fresh.concat(rows());
      if (next.length > BUFFER_ROWS_MAX) {
        setForgotten(forgotten() + next.length - BUFFER_ROWS_MAX);
        next.length = BUFFER_ROWS_MAX;
      }
      setRows(next);
      setWaiting(0);
    });
  }

  const schedule = () => {
    if (!frame) frame = requestAnimationFrame(paint);
  };

  createEffect(on([question.live, question.q, question.signal], ([on, q, signal]) => {
    if (!on) return;
    batch(() => {
      setRows([]);
      setWaiting(0);
      setDropped(0);
      setForgotten(0);
      setPaused(false);
      setProblem(null);
      setState("connecting");
    });
    incoming = [];
    const stop = tail({ q: splitPipes(q).filter, signal }, {
      open: () => setState("open"),
      record: (row) => {
        incoming.push(row);
        received++;
        schedule();
      },
      dropped: (count) => setDropped(dropped() + count),
      problem: (it, retryInMs) => batch(() => {
        setState(retryInMs === null ? "refused" : retryInMs > 0 ? "broken" : state());
        setProblem(it.message ? it : null);
      }),
    });
    const meter = setInterval(() => {
      setRate(received);
      received = 0;
    }, 1000);
    onCleanup(() => {
      stop();
      clearInterval(meter);
      cancelAnimationFrame(frame);
      frame = 0;
    });
  }));

  return {
    rows, waiting, dropped, forgotten, rate, paused, state, problem,
    pause(on: boolean) {
      if (paused() === on) return;
      setPaused(on);
      if (!on) schedule();
    },
  };
}

// Is the server there, and what has it received? One poll for the whole page, slower when the tab is hidden.
import { createSignal } from "solid-js";
import * as api from "../api/client.ts";
import type { Status } from "../api/types.ts";

const POLL_MS = 5_000;
const POLL_EMPTY_MS = 1_000;
const POLL_DOWN_MS_MAX = 10_000;

const [status, setStatus] = createSignal<Status | null>(null);
const [reach, setReach] = createSignal<"unknown" | "up" | "starting" | "down">("unknown");
export { reach, status };

export const totalOf = (counts: api.Params | object | undefined) => Object.values(counts ?? {}).reduce((a: number, b) => a + (Number(b) || 0), 0);

/** Nothing has ever arrived (and the server is there to say so). */
export const isEmpty = () => {
  const s = status();
  return s !== null && totalOf(s.received) === 0 && totalOf(s.storage?.rows) === 0;
};

let timer = 0;
let wait = POLL_MS;

export async function poll(): Promise<void> {
  window.clearTimeout(timer);
  if (!document.hidden) {
    try {
      const next = await api.status();
      setStatus(next);
      setReach(next.ready ? "up" : "starting");
      wait = totalOf(next.received) === 0 || !next.ready ? POLL_EMPTY_MS : POLL_MS;
    } catch (cause) {
      const problem = cause as api.Problem;
      setReach(problem.status === 503 ? "starting" : problem.status === 0 ? "down" : "up");
      wait = reach() === "down" ? Math.min(Math.max(1_000, wait * 1.6), POLL_DOWN_MS_MAX) : POLL_MS;
      if (reach() === "down" && wait > POLL_DOWN_MS_MAX / 2) wait = POLL_DOWN_MS_MAX / 2;
    }
  }
  timer = window.setTimeout(() => void poll(), wait);
}

/** A request failed for want of a server: ask at once, so that the banner does not lag. */
export function suspect(problem: api.Problem): void {
  if (problem.status === 0 && reach() !== "down") void poll();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void poll();
});

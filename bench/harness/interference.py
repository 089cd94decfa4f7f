"""Ingest alone and beside 20 queries that run all the time: Clewline should keep at least 80 % of its rate.

The store holds the whole data set. Three further sets of log records are sent one after the other: alone, beside the
queries, alone again; the rate alone is the mean of the two, because the store grows meanwhile.
"""

import threading
import time

from harness import datasets, questions, systems
from harness.datasets import Dataset
from harness.runner import say

CONCURRENT = 20
KEPT_MIN = 0.8
# Answers in milliseconds beside a few heavy ones: what people ask while data comes in.
ASKED = ("needle_id", "substring", "level_per_minute", "last_100", "errors_by_service", "trace_by_id", "quantiles_by_service", "p99_per_minute")


class Askers:
    """Threads that ask one question after the other until they are stopped."""

    def __init__(self, system, dataset: Dataset):
        self.asked = [q.id for q in questions.ALL if q.id in ASKED and questions.fit(q, dataset.signals, dataset.values)]
        self.system, self.values = system, dataset.values
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.answered = self.refused = 0
        self.threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CONCURRENT)]

    def _work(self, number: int) -> None:
        while not self.over.is_set():
            number += 1
            try:
                self.system.ask(self.asked[number % len(self.asked)], self.values)
                good = True
            except Exception:  # noqa: BLE001 - "busy, try again" is a legal answer here; it is counted
                good = False
                time.sleep(0.05)
            with self.lock:
                self.answered += good
                self.refused += not good

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


def measure(dataset: Dataset, options, binary, settings: dict) -> dict:
    say("interference: ingest beside queries")
    system = systems.make("clewline", options.folder / "stores" / "clewline", binary, settings)
    rates, askers, asking_s = [], None, 0.0
    try:
        system.start()
        for signal in sorted(dataset.signals):
            system.load(signal, dataset.files(signal, dataset.form_for(system, signal)))
        system.settle()
        for number, beside in enumerate((False, True, False)):
            folder = options.folder / "data" / "interference"
            more = datasets.generate(binary, folder, max(dataset.logs, 1), 0, options.batch, seed=100 + number)
            if beside:
                askers = Askers(system, dataset)
                askers.start()
                time.sleep(1.0)
            started = time.perf_counter()
            system.load("logs", more.files("logs", "jsonl"))
            took = time.perf_counter() - started
            rates.append(more.logs / took)
            if beside:
                asking_s = took + 1.0
                askers.stop()
            system.settle()
    finally:
        system.stop()
    alone = (rates[0] + rates[2]) / 2
    kept = rates[1] / alone
    text = (
        f"{alone:,.0f} log records a second alone, {rates[1]:,.0f} beside {CONCURRENT} running queries: {kept:.0%} kept"
        f" (goal: at least {KEPT_MIN:.0%}) {'✓' if kept >= KEPT_MIN else '✗'}; {askers.answered} queries answered and"
        f" {askers.refused} refused in {asking_s:.1f} s"
    )
    return {
        "rates_alone": [rates[0], rates[2]],
        "rate_beside": rates[1],
        "kept": kept,
        "goal": KEPT_MIN,
        "answered": askers.answered,
        "refused": askers.refused,
        "text": text,
    }

"""Clewline in a cgroup of little memory, without swap: all of the ingest, then heavy queries, several at once. Was it killed?

Works on cgroup v2 and, where the memory controller is still on v1, on v1. Needs root and no systemd.
"""

import os
import pathlib
import threading

from harness import measure as measuring
from harness import questions, systems
from harness.datasets import Dataset
from harness.runner import say
from harness.server import Refused

QUERIES_AT_ONCE = 8
ROUNDS = 2
ROOT = pathlib.Path("/sys/fs/cgroup")


class Cgroup:
    """A memory cgroup of its own. Raises OSError where this user or kernel does not allow one."""

    def __init__(self, limit_bytes: int):
        for base in (ROOT, ROOT / "unified"):
            controllers = base / "cgroup.controllers"
            if controllers.exists() and "memory" in controllers.read_text().split():
                self.version = 2
                enabled = base / "cgroup.subtree_control"
                if "memory" not in enabled.read_text().split():
                    enabled.write_text("+memory")
                break
        else:
            base, self.version = ROOT / "memory", 1
            if not (base / "memory.limit_in_bytes").exists():
                raise OSError("there is no memory controller below /sys/fs/cgroup")
        self.folder = base / f"clewline-bench-{os.getpid()}"
        self.folder.mkdir()
        if self.version == 2:
            (self.folder / "memory.max").write_text(str(limit_bytes))
            self._try("memory.swap.max", "0")
        else:
            (self.folder / "memory.limit_in_bytes").write_text(str(limit_bytes))
            self._try("memory.memsw.limit_in_bytes", str(limit_bytes))

    def _try(self, name: str, text: str) -> None:
        """A machine without swap accounting has no such file."""
        if (self.folder / name).exists():
            (self.folder / name).write_text(text)

    def enter(self) -> None:
        """Called in the process that shall live here."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def kills(self) -> int:
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        for line in (self.folder / name).read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
        return 0

    def peak_bytes(self) -> int:
        """Most memory charged, page cache of its files included (which the kernel takes back when needed)."""
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        path = self.folder / name
        return int(path.read_text()) if path.exists() else 0

    def remove(self) -> None:
        try:
            self.folder.rmdir()
        except OSError as error:
            say(f"memory limit: {self.folder} stays: {error}")


class Peak:
    """Largest resident memory of a process, looked at while it lives: one that was killed cannot be asked."""

    PAUSE_S = 0.2

    def __init__(self):
        self.largest_mb = 0.0
        self.over = threading.Event()
        self.thread: threading.Thread | None = None

    def watch(self, pid: int) -> None:
        self.thread = threading.Thread(target=self._work, args=(pid,))
        self.thread.start()

    def _work(self, pid: int) -> None:
        while not self.over.wait(self.PAUSE_S):
            self._look(pid)
        self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            self.largest_mb = max(self.largest_mb, measuring.peak_mb(pid))
        except OSError:
            self.over.set()

    def stop(self) -> float:
        self.over.set()
        if self.thread is not None:
            self.thread.join()
        return self.largest_mb


def measure(dataset: Dataset, options, binary, settings: dict) -> dict:
    limit = options.memory_limit
    say(f"memory limit: {limit} MB")
    try:
        cgroup = Cgroup(limit << 20)
    except OSError as error:
        text = f"skipped: no cgroup with a memory limit can be made here ({error}); it needs root and the memory controller"
        say(f"memory limit {text}")
        return {"skipped": str(error), "text": text}
    system = systems.make("clewline", options.folder / "stores" / "clewline", binary, settings)
    system.before_start = cgroup.enter
    outcome: dict = {"limit_mb": limit, "cgroup": cgroup.version, "stage": "start", "refused": {}}
    peak = Peak()
    try:
        system.start()
        peak.watch(system.pid)
        for signal in sorted(dataset.signals):
            outcome["stage"] = f"ingest of {signal}"
            system.load(signal, dataset.files(signal, dataset.form_for(system, signal)))
            system.settle()
        outcome["stage"] = "queries"
        _ask(system, dataset, outcome)
        outcome["stage"] = "end"
        outcome["stored"] = {signal: system.count(signal) for signal in sorted(dataset.signals)}
    except (Refused, OSError) as error:
        outcome["error"] = str(error)[:500]
    finally:
        ended = system.process is None or system.process.poll() is not None
        outcome["killed"] = cgroup.kills() > 0 or ended
        outcome["kills"] = cgroup.kills()
        outcome["peak_charged_mb"] = cgroup.peak_bytes() / (1 << 20)
        outcome["peak_resident_mb"] = peak.stop()
        system.stop()
        cgroup.remove()
    wrong = {s: n for s, n in outcome.get("stored", {}).items() if n != dataset.records(s)}
    if outcome["killed"]:
        verdict = f"KILLED during {outcome['stage']} ✗"
    elif "error" in outcome:
        verdict = f"alive, but failed during {outcome['stage']} ({outcome['error'][:200]}) ✗"
    else:
        verdict = "not killed ✓" + (f", but stored {wrong} ✗" if wrong else ", every record stored")
    outcome["text"] = (
        f"{limit} MiB (cgroup v{cgroup.version}), {dataset.logs:,} log records and {dataset.spans:,} spans, then every question {ROUNDS} times,"
        f" {QUERIES_AT_ONCE} at once: {verdict}; peak resident {outcome['peak_resident_mb']:.0f} MB (the program itself included), peak charged with page cache"
        f" {outcome['peak_charged_mb']:.0f} MiB, questions refused: {sum(outcome['refused'].values())}"
    )
    return outcome


def _ask(system, dataset: Dataset, outcome: dict) -> None:
    """Every question, several at once. A refusal for want of memory is an answer, a broken connection is not."""
    asked = [q.id for q in questions.ALL if questions.fit(q, dataset.signals, dataset.values)]
    lock, errors = threading.Lock(), []
    left = iter(asked * ROUNDS)

    def work() -> None:
        while not errors:
            with lock:
                question = next(left, None)
            if question is None:
                return
            try:
                system.ask(question, dataset.values)
            except Refused:
                with lock:
                    outcome["refused"][question] = outcome["refused"].get(question, 0) + 1
            except Exception as error:  # noqa: BLE001 - raised again below
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(QUERIES_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise OSError(f"a query broke off: {errors[0]}")

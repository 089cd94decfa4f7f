"""One data set through one system after the other: ingest, answers, times. Only one system runs at a time."""

import statistics
import sys
import time

from harness import compare, measure, questions
from harness.datasets import Dataset
from harness.server import Refused

RUNS = 5


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ingest(system, dataset: Dataset, signal: str, form: str | None = None) -> dict:
    """Sends all records of a signal. Processor time and bytes count until the system has come to rest."""
    form = form or dataset.form_for(system, signal)
    files, records = dataset.files(signal, form), dataset.records(signal)
    before, waits = system.disk_bytes(), getattr(system, "waits", 0)
    measure.reset_peak(system.pid)
    cpu, wall = system.cpu_s(), time.perf_counter()
    system.load(signal, files, form=form)
    wall = time.perf_counter() - wall
    sent_cpu = system.cpu_s() - cpu
    system.settle()
    return {
        "form": form,
        "records": records,
        "bytes_sent": dataset.bytes(signal, form),
        "wall_s": wall,
        "records_per_s": records / wall,
        "cpu_us_per_record_before_rest": sent_cpu * 1e6 / records,
        "cpu_us_per_record": (system.cpu_s() - cpu) * 1e6 / records,
        "disk_bytes": system.disk_bytes() - before,
        "disk_bytes_per_record": (system.disk_bytes() - before) / records,
        "peak_mb": system.peak_mb(),
        "asked_to_wait": getattr(system, "waits", 0) - waits,
    }


def asked_of(system, dataset: Dataset) -> list[questions.Question]:
    signals = dataset.signals & set(system.signals)
    return [question for question in questions.ALL if questions.fit(question, signals, dataset.values) and system.can_ask(question.id)]


def warm(system, dataset: Dataset, answers: dict) -> dict:
    """Median of RUNS after one warm-up; the rows of the last run go to `answers`."""
    result = {}
    for question in asked_of(system, dataset):
        walls, cpus = [], []
        try:
            for _ in range(RUNS + 1):
                rows, wall, cpu = system.ask(question.id, dataset.values)
                walls.append(wall)
                cpus.append(cpu)
        except (Refused, OSError, ValueError) as error:
            result[question.id] = {"error": str(error)[:500]}
            say(f"  {system.name}: {question.title}: {str(error)[:300]}")
            continue
        answers.setdefault(question.id, {})[system.name] = rows
        result[question.id] = {
            "wall_ms": statistics.median(walls[1:]),
            "cpu_ms": statistics.median(cpus[1:]),
            "first_wall_ms": walls[0],
            "wall_ms_all": [round(wall, 3) for wall in walls[1:]],
            "rows": len(rows),
        }
    return result


def cold(system, dataset: Dataset, result: dict, whole_machine: bool, each: bool) -> str:
    """Each question once with the store's files out of the page cache; after a restart for each question, or for all of them."""
    how = ""
    for number, question in enumerate(asked_of(system, dataset)):
        if "wall_ms" not in result.get(question.id, {}):
            continue
        if each or number == 0:
            system.stop()
            how = measure.evict(system.folder, whole_machine)
            measure.keep_warm(system.program_files())
            system.start()
        try:
            _, wall, _ = system.ask(question.id, dataset.values)
            result[question.id]["cold_wall_ms"] = wall
        except (Refused, OSError, ValueError) as error:
            result[question.id]["cold_error"] = str(error)[:300]
    return how


def bands_of(system, dataset: Dataset) -> dict:
    """Exact bounds of quantiles, from DuckDB."""
    asked = [question for question in asked_of(system, dataset) if question.quantiles]
    return {question.id: system.call("bands", question.id, dataset.values)["value"] for question in asked}


def check(answers: dict, bands: dict, prefer: str) -> list[dict]:
    """Compares every answer with the reference system's; says plainly what differs."""
    found = []
    for question in questions.ALL:
        of_system = answers.get(question.id, {})
        reference = prefer if prefer in of_system else next(iter(of_system), None)
        for name, rows in of_system.items():
            if name == reference and not question.quantiles:
                continue
            if question.quantiles and question.id not in bands and name == reference:
                continue
            wrong = compare.differences(question, rows, of_system[reference], bands.get(question.id))
            if wrong:
                found.append({"question": question.id, "system": name, "reference": reference, "differences": wrong})
    return found


def idle_mb(system) -> float:
    time.sleep(1.0)
    return measure.resident_mb(system.pid)

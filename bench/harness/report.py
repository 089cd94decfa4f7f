"""Tables of a result: Clewline's figure beside each peer's, with the ratio; and what was reached of the goals.

A ratio says how many times better Clewline is: 3.0x of processor time = the peer needs three times as much; 0.5x = Clewline
needs twice as much.
"""

import math

from harness import questions

# (key, title, unit digits, larger is better, goal for logs, goal for spans)
INGEST = [
    ("cpu_us_per_record", "µs CPU per record, merges included", 2, False, 3.5, 7.0),
    ("records_per_s", "records per second", 0, True, None, None),
    ("disk_bytes_per_record", "bytes on disk per record, index included", 1, False, 31.0, 36.0),
    ("peak_mb", "peak resident memory, MB", 0, False, 300.0, 300.0),
]


def ratio(ours: float, theirs: float, larger_is_better: bool = False) -> float | None:
    """How many times better ours is; None where one of them is not there or not above zero."""
    if not ours or not theirs or ours <= 0 or theirs <= 0:
        return None
    return ours / theirs if larger_is_better else theirs / ours


def geometric_mean(ratios: list) -> float | None:
    known = [value for value in ratios if value]
    return math.exp(sum(math.log(value) for value in known) / len(known)) if known else None


def growth(small: float, large: float) -> float | None:
    return large / small if small and large else None


def number(value, digits: int | None = None) -> str:
    if value is None:
        return "–"
    if digits is None:
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _against(ours, theirs, larger_is_better: bool = False, digits: int | None = None) -> str:
    if theirs is None:
        return "–"
    times = ratio(ours, theirs, larger_is_better)
    return number(theirs, digits) + (f" ({number(times)}x)" if times else "")


def _mark(value, goal) -> str:
    if goal is None or value is None:
        return ""
    return "✓" if value <= goal else "✗"


def peers_of(run: dict) -> list[str]:
    return [name for name in run["systems"] if name != "clewline"]


def ingest_table(run: dict) -> tuple[list, list]:
    """Header and rows."""
    peers = peers_of(run)
    rows = []
    for signal, goal_at in (("logs", 4), ("spans", 5)):
        ours = run["systems"].get("clewline", {}).get("ingest", {})
        for form in (signal, f"{signal}-otlp"):
            if form not in ours:
                continue
            for measure in INGEST:
                key, title, digits, larger = measure[:4]
                goal = measure[goal_at] if run["goals"] else None
                mine = ours[form].get(key)
                cells = []
                for peer in peers:
                    theirs = run["systems"][peer].get("ingest", {}).get(form, {}).get(key)
                    cells.append(_against(mine, theirs, larger, digits))
                name = f"{signal} as {ours[form]['form']}: {title}"
                rows.append([name, number(goal), number(mine, digits), _mark(mine, goal), *cells])
    return ["ingest", "goal", "Clewline", "", *peers], rows


def question_table(run: dict, key: str, with_goals: bool) -> tuple[list, list]:
    peers = peers_of(run)
    rows = []
    for question in questions.ALL:
        mine = run["systems"].get("clewline", {}).get("questions", {}).get(question.id)
        if mine is None:
            continue
        goal = question.goal_ms if with_goals and run["goals"] else None
        cells = [_against(mine.get(key), run["systems"][peer].get("questions", {}).get(question.id, {}).get(key)) for peer in peers]
        wrong = any(found["question"] == question.id for found in run.get("disagreements", []))
        value = "refused" if "error" in mine else number(mine.get(key))
        rows.append([f"{question.data}: {question.title}", number(goal), value, _mark(mine.get(key), goal), *cells, "DIFFER" if wrong else "agree"])
    return ["question", "goal", "Clewline", "", *peers, "answers"], rows


def goals(run: dict) -> list[dict]:
    """For programs: every goal that holds for this run, Clewline's figure, and whether it was reached."""
    ours = run["systems"].get("clewline", {})
    found = []
    if not run["goals"]:
        return found
    for form, figures in ours.get("ingest", {}).items():
        for key, _, _, _, logs_goal, spans_goal in INGEST:
            goal = spans_goal if form == "spans" else logs_goal
            if goal is not None and figures.get(key) is not None:
                found.append({"measure": f"ingest {form} {key}", "goal": goal, "value": figures[key], "met": figures[key] <= goal})
    for question in questions.ALL:
        value = ours.get("questions", {}).get(question.id, {}).get("wall_ms")
        if question.goal_ms is not None and value is not None:
            found.append({"measure": f"question {question.id} wall_ms", "goal": question.goal_ms, "value": value, "met": value <= question.goal_ms})
    return found


def summary(run: dict) -> dict:
    """For each peer and measure: the geometric mean of the ratios and how many of the questions Clewline answers sooner."""
    result = {}
    ours = run["systems"].get("clewline", {})
    for peer in peers_of(run):
        theirs = run["systems"][peer]
        of_peer = {}
        for key in ("wall_ms", "cpu_ms", "cold_wall_ms"):
            ratios = [
                ratio(mine.get(key), theirs.get("questions", {}).get(name, {}).get(key)) for name, mine in ours.get("questions", {}).items()
            ]
            known = [value for value in ratios if value]
            of_peer[key] = {"geometric_mean": geometric_mean(known), "better": sum(value >= 1 for value in known), "compared": len(known)}
        for signal, figures in ours.get("ingest", {}).items():
            other = theirs.get("ingest", {}).get(signal, {})
            of_peer[f"ingest_{signal}"] = {key: ratio(figures.get(key), other.get(key), larger) for key, _, _, larger, _, _ in INGEST}
        result[peer] = of_peer
    return result


def summary_table(run: dict) -> tuple[list, list]:
    rows = []
    for peer, of_peer in summary(run).items():
        cells = [peer]
        for key in ("wall_ms", "cpu_ms", "cold_wall_ms"):
            of_key = of_peer[key]
            cells.append(f"{number(of_key['geometric_mean'])}x ({of_key['better']} of {of_key['compared']})" if of_key["compared"] else "–")
        rows.append(cells)
    return ["Clewline against", "wall time, warm", "CPU time, warm", "wall time, cold"], rows


def growth_table(runs: list[dict]) -> tuple[list, list]:
    """Needle look-ups when the data grows: the time at the largest scale over the time at the smallest."""
    generated = sorted((run for run in runs if run["kind"] == "generated"), key=lambda run: run["scale"])
    first, last = generated[0], generated[-1]
    rows = []
    for question in questions.ALL:
        for name in first["systems"]:
            small, large = (run["systems"].get(name, {}).get("questions", {}).get(question.id, {}) for run in (first, last))
            wall, cpu = (growth(small.get(key), large.get(key)) for key in ("wall_ms", "cpu_ms"))
            if wall and (question.growth_max or name == "clewline"):
                goal = question.growth_max if name == "clewline" and last["scale"] == 10 * first["scale"] else None
                times = [number(figures.get("wall_ms")) for figures in (small, large)]
                rows.append([question.title, name, number(goal), number(wall), _mark(wall, goal), number(cpu), *times])
    at = (f"ms at {first['scale']}x", f"ms at {last['scale']}x")
    return ["growth", "system", "goal", f"factor of wall time for {last['scale'] / first['scale']:g} times the data", "", "of CPU time", *at], rows


def wide_table(wide: list[dict]) -> tuple[list, list]:
    rows = []
    for run in wide:
        ours = run["systems"].get("clewline", {})
        for name, figures in run["systems"].items():
            if "error" in figures:
                rows.append([run["dataset"], name, figures["error"][:60], "", "", "", ""])
                continue
            rows.append(
                [
                    run["dataset"],
                    name,
                    number(figures["mb_per_s_and_core"], 1) + _times(ours, figures, name, "mb_per_s_and_core", True),
                    number(figures["mb_per_s"], 1),
                    number(figures["stored_over_raw"], 4) + _times(ours, figures, name, "stored_over_raw", False),
                    number(figures["peak_mb"], 0),
                    f"{figures['records']:,}",
                ]
            )
    return ["wide JSON", "system", "raw MB/s per core", "raw MB/s", "stored/raw", "peak MB", "records"], rows


def _times(ours: dict, figures: dict, name: str, key: str, larger: bool) -> str:
    times = ratio(ours.get(key), figures.get(key), larger)
    return f" ({number(times)}x)" if times and name != "clewline" else ""


def render(header: list, rows: list, markdown: bool) -> str:
    if not rows:
        return ""
    if markdown:
        escape = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
        lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in escape])
    table = [header, *rows]
    widths = [max(len(str(row[column])) for row in table) for column in range(len(header))]
    lines = []
    for row in table:
        cells = [str(cell).ljust(width) if at == 0 else str(cell).rjust(width) for at, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def text(result: dict, markdown: bool) -> str:
    """Everything that was measured."""
    parts = []

    def heading(words: str) -> None:
        parts.append(f"### {words}" if markdown else f"\n{words}\n" + "=" * len(words))

    def table(header: list, rows: list) -> None:
        if rows:
            parts.append(render(header, rows, markdown))

    machine = result["machine"]
    parts.append(
        f"Clewline {result['version']}, {machine['cores']} cores ({machine['cpu']}), {machine['memory_gb']} GB, Linux {machine['kernel']},"
        f" load before {machine['load_before']}. Each cell of a peer: its figure and, in brackets, how many times better Clewline is."
    )
    for run in result["runs"]:
        heading(f"{run['dataset']}: {run['logs']:,} log records, {run['spans']:,} spans")
        table(*ingest_table(run))
        parts.append("Questions, wall milliseconds, warm (median of 5):")
        table(*question_table(run, "wall_ms", True))
        parts.append("Questions, CPU milliseconds, warm:")
        table(*question_table(run, "cpu_ms", False))
        if run.get("cold"):
            parts.append(f"Questions, wall milliseconds, cold ({run['cold']}):")
            table(*question_table(run, "cold_wall_ms", False))
        table(*summary_table(run))
        parts.extend(disagreements(run))
    if sum(run["kind"] == "generated" for run in result["runs"]) > 1:
        heading("Growth")
        table(*growth_table(result["runs"]))
    if result.get("wide"):
        heading("Wide JSON")
        table(*wide_table(result["wide"]))
    if result.get("interference"):
        heading("Ingest beside queries")
        parts.append(result["interference"]["text"])
    if result.get("memory_limit"):
        heading("Memory limit")
        parts.append(result["memory_limit"]["text"])
    return "\n\n".join(part for part in parts if part) + "\n"


def disagreements(run: dict) -> list[str]:
    found = []
    for wrong in run.get("disagreements", []):
        lines = "\n".join(f"    {line}" for line in wrong["differences"])
        found.append(f"DIFFER: {wrong['question']}: {wrong['system']} against {wrong['reference']}\n{lines}")
    return found

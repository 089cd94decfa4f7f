"""Wide, sparse JSON: hundreds of keys, a few dozen in each event. How many raw megabytes a core takes in, and what stays.

Clewline gets JSON lines over HTTP as always; ClickHouse one column of its JSON type; DuckDB one column of its JSON type.
"""

import time

from harness import measure as measuring
from harness import real, systems
from harness.runner import say
from harness.server import Refused

TAKES = ("clewline", "clickhouse", "duckdb")


def measure(name: str, options, binary, names: list, settings: dict) -> dict:
    files, records, left_out = real.wide_files(name, options.folder / "real")
    raw = sum(file.stat().st_size for file in files)
    run = {"dataset": name, "records": records, "raw_bytes": raw, "left_out": left_out, "systems": {}}
    for system_name in [system for system in names if system in TAKES]:
        say(f"{system_name}: {name}")
        system = systems.make(system_name, options.folder / "stores" / system_name, binary, settings)
        try:
            system.start()
            before = system.disk_bytes()
            measuring.reset_peak(system.pid)
            cpu, wall = system.cpu_s(), time.perf_counter()
            if system.in_process:
                system.call("load_wide", [str(file) for file in files])
            else:
                system.load("logs", files, form="jsonl")
            wall = time.perf_counter() - wall
            system.settle()
            cpu = system.cpu_s() - cpu
            stored = system.count("wide" if system.in_process else "logs")
            disk = system.disk_bytes() - before
            figures = {
                "version": system.version(),
                "records": stored,
                "cpu_s": cpu,
                "wall_s": wall,
                "mb_per_s_and_core": raw / 1e6 / cpu,
                "mb_per_s": raw / 1e6 / wall,
                "disk_bytes": disk,
                "stored_over_raw": disk / raw,
                "peak_mb": system.peak_mb(),
            }
            if stored != records:
                figures["lost"] = {"sent": records, "stored": stored}
                say(f"  {system_name}: {records:,} events sent, {stored:,} stored")
        except (Refused, OSError) as error:
            figures = {"error": str(error)[:1000]}
            say(f"  {system_name} failed: {error}")
        finally:
            system.stop()
        run["systems"][system_name] = figures
    return run

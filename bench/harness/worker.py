"""A process for one system that runs inside python: its time, memory and restarts are its own.

Started as `python -m harness.worker MODULE FOLDER [OPTIONS]`. Commands come as JSON lines on standard input, answers go back
on standard output. MODULE is in `systems` and has a class `Engine` with the methods named by the commands.
"""

import importlib
import json
import os
import sys
import time
import traceback


def main() -> None:
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, folder, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    engine = importlib.import_module(f"systems.{module}").Engine(folder, **options)
    print(json.dumps({"version": engine.version(), "questions": sorted(engine.questions())}), file=answers, flush=True)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            cpu, wall = time.process_time_ns(), time.perf_counter_ns()
            value = getattr(engine, name)(*arguments)
            wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
            answer = {"value": value, "wall_ms": wall / 1e6, "cpu_ms": cpu / 1e6}
        except Exception as error:  # noqa: BLE001 - the other side reports it
            answer = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

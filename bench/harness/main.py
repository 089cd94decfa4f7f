"""The command line of the benchmark: `bench/run --help`."""

import argparse
import json
import os
import pathlib
import resource
import shutil
import sys
import time

from harness import datasets, interference, measure, memory_limit, real, report, runner, systems, wide
from harness.runner import say
from harness.server import Refused

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "clewline-bench"
FULL, QUICK = (2_000_000, 1_000_000), (100_000, 50_000)
REFERENCE = "duckdb"

EPILOG = """
Peers: chDB (ClickHouse in process) and DuckDB come from PyPI. Servers join when a variable names their binary:
CLEWLINE_BENCH_VICTORIALOGS, CLEWLINE_BENCH_VICTORIATRACES, CLEWLINE_BENCH_LOKI, CLEWLINE_BENCH_TEMPO.
CLEWLINE_BIN names Clewline's binary (default: target/release/clewline). CLEWLINE_TEST_DATA names a folder with real data sets.
Exit codes: 0 measured and all answers agree, 1 an answer differs or a system failed, 2 usage.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "bench/run", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="100,000 log records and 50,000 spans: does it work? The figures say little")
    parser.add_argument("--scale", default="1", metavar="1,3,10", help="multiples of the data, for growth (default 1)")
    parser.add_argument("--logs", type=int, metavar="N", help="log records at scale 1 (default 2,000,000)")
    parser.add_argument("--spans", type=int, metavar="N", help="spans at scale 1 (default 1,000,000)")
    parser.add_argument("--batch", type=int, default=10_000, metavar="N", help="records in a request (default 10,000)")
    parser.add_argument("--binary", metavar="FILE", help="Clewline's binary")
    parser.add_argument("--systems", metavar="A,B", help="only these systems (clewline is always one)")
    parser.add_argument("--no-peers", action="store_true", help="Clewline alone; nothing is installed, answers are not checked")
    parser.add_argument(
        "--data", metavar="NAMES", help=f"generated and/or real sets of CLEWLINE_TEST_DATA: {', '.join(real.NAMES)} (default: what is there)"
    )
    parser.add_argument(
        "--cold",
        choices=["auto", "drop", "files", "off"],
        default="auto",
        help="take the store out of the page cache: of the whole machine (drop, needs root), or its files alone (files); default drop for root",
    )
    parser.add_argument("--interference", action="store_true", help="ingest alone and beside 20 running queries")
    parser.add_argument("--memory-limit", type=int, metavar="MB", help="ingest and queries in a cgroup of so much memory (needs root)")
    parser.add_argument("--only-extras", action="store_true", help="only --interference and --memory-limit")
    parser.add_argument("--out", metavar="FILE", help="JSON result (default: a new file in the cache folder)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--folder", metavar="DIR", help=f"where data and stores go (default {CACHE})")
    parser.add_argument("--keep", action="store_true", help="leave data and stores there")
    options = parser.parse_args()
    options.logs = (QUICK if options.quick else FULL)[0] if options.logs is None else options.logs
    options.spans = (QUICK if options.quick else FULL)[1] if options.spans is None else options.spans
    try:
        options.scales = sorted({int(scale) for scale in options.scale.split(",")})
    except ValueError:
        parser.error(f"--scale takes whole numbers with commas between them, not {options.scale}")
    if options.cold == "drop" and not measure.may_drop_caches():
        parser.error("--cold drop needs root; --cold files works for every user")
    if options.cold == "auto":
        options.cold = "drop" if measure.may_drop_caches() else "files"
    return options


def settings_of(options: argparse.Namespace) -> dict:
    """Clewline runs as shipped; only a quick run does not wait a minute for the first flush."""
    return {"wal.flush_age_s": "2s"} if options.quick else {}


def measure_system(name: str, dataset: datasets.Dataset, options, binary, folder, answers: dict) -> tuple[dict, dict]:
    """Everything about one system: figures, and exact bands of quantiles where it is the reference."""
    system = systems.make(name, folder, binary, settings_of(options))
    figures: dict = {"ingest": {}, "load_before": round(os.getloadavg()[0], 2)}
    bands: dict = {}
    say(f"{name}: {dataset.name}")
    try:
        system.start()
        figures["version"] = system.version()
        system.create()
        for signal in sorted(dataset.signals & set(system.signals)):
            figures["ingest"][signal] = runner.ingest(system, dataset, signal)
            # Optional: a server may have no cheap way to count.
            if hasattr(system, "count"):
                stored = system.count(signal)
                if stored != dataset.records(signal):
                    figures.setdefault("lost", {})[signal] = {"sent": dataset.records(signal), "stored": stored}
                    say(f"  {name}: {signal}: {dataset.records(signal):,} sent, {stored:,} stored")
        figures["idle_mb"] = runner.idle_mb(system)
        figures["questions"] = runner.warm(system, dataset, answers)
        if name == REFERENCE:
            bands = runner.bands_of(system, dataset)
        if options.cold != "off":
            figures["cold"] = runner.cold(system, dataset, figures["questions"], options.cold == "drop", each=not options.quick)
        if name == "clewline" and (dataset.folder / "logs-otlp").is_dir():
            system.stop()
            shutil.rmtree(folder)
            figures["ingest"]["logs-otlp"] = otlp_logs(name, dataset, options, binary, folder)
    except (Refused, OSError) as error:
        figures["error"] = str(error)[:2000]
        say(f"  {name} failed: {error}")
    finally:
        system.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return figures, bands


def otlp_logs(name: str, dataset: datasets.Dataset, options, binary, folder) -> dict:
    """The same log records as OTLP, into an empty store."""
    system = systems.make(name, folder, binary, settings_of(options))
    try:
        system.start()
        return runner.ingest(system, dataset, "logs", "otlp")
    finally:
        system.stop()


def run_dataset(dataset: datasets.Dataset, kind: str, scale: int, names: list, options, binary) -> dict:
    run = {"dataset": dataset.name, "kind": kind, "scale": scale, "logs": dataset.logs, "spans": dataset.spans, "systems": {}}
    # Goals hold for this size and data only.
    run["goals"] = kind == "generated" and (dataset.logs, dataset.spans) == FULL
    answers: dict = {}
    bands: dict = {}
    for name in names:
        folder = options.folder / "stores" / name
        run["systems"][name], of_system = measure_system(name, dataset, options, binary, folder, answers)
        bands |= of_system
    run["disagreements"] = runner.check(answers, bands, REFERENCE)
    run["checked"] = {question: sorted(of_system) for question, of_system in answers.items()}
    run["summary"] = report.summary(run)
    run["goals_met"] = report.goals(run)
    run["cold"] = run["systems"]["clewline"].get("cold", "")
    return run


def chosen_data(options) -> list[str]:
    there = real.available()
    if options.data is None:
        return ["generated", *([] if options.quick else there)]
    chosen = options.data.split(",")
    for name in chosen:
        if name not in ("generated", *real.NAMES):
            raise SystemExit(f"bench: no data set {name}; there are generated, {', '.join(real.NAMES)}")
        if name != "generated" and name not in there:
            raise SystemExit(f"bench: {name} is not in the folder CLEWLINE_TEST_DATA names")
    return chosen


def measure_all(options, binary, names: list, result: dict) -> None:
    data_folder = options.folder / "data" / "generated"
    chosen = [] if options.only_extras else chosen_data(options)
    for scale in options.scales if "generated" in chosen else []:
        say(f"generating data, scale {scale}")
        dataset = datasets.generate(binary, data_folder, options.logs * scale, options.spans * scale, options.batch)
        result["runs"].append(run_dataset(dataset, "generated", scale, names, options, binary))
    for name in chosen:
        if name in real.RECORDS:
            dataset = real.load(name, options.folder / "real", options.batch)
            result["runs"].append(run_dataset(dataset, "real", 1, names, options, binary))
        elif name in real.WIDE:
            result["wide"].append(wide.measure(name, options, binary, names, settings_of(options)))
    if options.interference or options.memory_limit:
        dataset = datasets.generate(binary, data_folder, options.logs, options.spans, options.batch)
        if options.interference:
            result["interference"] = interference.measure(dataset, options, binary, settings_of(options))
        if options.memory_limit:
            result["memory_limit"] = memory_limit.measure(dataset, options, binary, settings_of(options))
    if not options.keep:
        shutil.rmtree(data_folder, ignore_errors=True)


def main() -> int:
    options = arguments()
    # For every system alike: a table of a thousand columns has thousands of files.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    binary = systems.find_clewline(options.binary)
    names = systems.names(not options.no_peers)
    if options.systems:
        wanted = options.systems.split(",")
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise SystemExit(f"bench: no system {', '.join(unknown)} here; there are {', '.join(names)}")
        names = [name for name in names if name in wanted or name == "clewline"]
    options.folder = pathlib.Path(options.folder) if options.folder else CACHE
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    out = pathlib.Path(options.out) if options.out else CACHE / "results" / f"{stamp}.json"
    result = {"time": stamp, "machine": measure.machine(), "quick": options.quick, "runs": [], "wide": []}
    result["options"] = {name: value for name, value in vars(options).items() if name not in ("folder", "out", "binary")}
    started = time.monotonic()
    result["version"] = systems.version_of(binary)
    try:
        measure_all(options, binary, names, result)
    finally:
        result["took_s"] = round(time.monotonic() - started, 1)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(report.text(result, options.markdown))
    print(f"JSON: {out} ({result['took_s']} s)", file=sys.stderr)
    return verdict(result)


def verdict(result: dict) -> int:
    """1 when an answer differs or a system failed or lost records; says which."""
    wrong = 0
    for run in [*result["runs"], *result["wide"]]:
        differ = run.get("disagreements", [])
        failed = [name for name, figures in run["systems"].items() if "error" in figures or "lost" in figures]
        if differ:
            say(f"{run['dataset']}: {len(differ)} ANSWERS DIFFER, see above")
        if failed:
            say(f"{run['dataset']}: failed or lost records: {', '.join(failed)}")
        if len(run["systems"]) == 1 and not run.get("raw_bytes"):
            say(f"{run['dataset']}: one system only, answers were not checked")
        wrong += len(differ) + len(failed)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

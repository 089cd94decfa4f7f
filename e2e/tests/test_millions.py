"""Real spans by the million. CLEWLINE_TEST_DATA names a folder with the archives nezha-ob-2022-08-22.tar.zst and
tools.tar.zst (a converter to OTLP/JSON lines); CLEWLINE_E2E_FILES limits how many minute files are imported (all).
"""

import os
import pathlib
import pty
import subprocess
import sys
import threading
import time

import pytest

from harness.server import binary

DATA = os.environ.get("CLEWLINE_TEST_DATA")
# What the whole archive holds, counted from its files.
UNIQUE_SPANS, UNIQUE_TRACES = 2_456_051, 56_652


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The spans as OTLP/JSON lines, with (rows, unique spans, one trace id of the first line, whether all files are in)."""
    if not DATA:
        pytest.skip("skipped: set CLEWLINE_TEST_DATA to the data folder")
    folder = tmp_path_factory.mktemp("data")
    for archive in ("tools", "nezha-ob-2022-08-22"):
        subprocess.run(["tar", "--zstd", "-xf", str(pathlib.Path(DATA) / f"{archive}.tar.zst"), "-C", str(folder)], check=True)
    files = sorted(folder.glob("**/*_trace.csv"))
    limit = int(os.environ.get("CLEWLINE_E2E_FILES", "0")) or len(files)
    converter = next(folder.glob("**/nezha_to_otlp.py"))
    out = folder / "traces.jsonl"
    subprocess.run([sys.executable, str(converter), "traces", str(out), *map(str, files[:limit])], check=True, stdout=subprocess.DEVNULL)
    rows, unique, first = 0, set(), None
    for file in files[:limit]:
        with open(file, encoding="utf-8") as lines:
            header = next(lines).strip().split(",")
            at = [header.index(column) for column in ("TraceID", "SpanID", "StartTimeUnixNano")]
            for line in lines:
                cells = line.rstrip("\n").split(",")
                key = hash(tuple(cells[column] for column in at))
                rows += 1
                unique.add(key)
                first = first or cells[at[0]]
    return out, rows, len(unique), first, limit == len(files)


def test_import(yard, converted, tmp_path):
    path, rows, unique, trace_id, whole = converted
    if whole:
        assert unique == UNIQUE_SPANS
    server = yard.server()
    api = server.api
    leader, follower = pty.openpty()
    started = time.monotonic()
    process = subprocess.Popen([binary(), "import", str(path), "--server", server.base, "--state", str(tmp_path / "state")], stderr=follower, stdout=subprocess.DEVNULL)
    os.close(follower)
    shown = bytearray()

    def read() -> None:
        try:
            while piece := os.read(leader, 4096):
                shown.extend(piece)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    answers, slowest = 0, 0.0
    while process.poll() is None:
        asked = time.monotonic()
        if api.count("*", signal="spans") > 20_000:
            assert api.trace(trace_id)["span_count"] > 0
            assert api.search('service:"frontend"', signal="spans", limit=10)
            assert api.search("* | stats by (service) count() as n", signal="spans")
            answers += 1
            slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.2)
    reader.join(10)
    took = time.monotonic() - started
    told = shown.decode(errors="replace")
    assert process.returncode == 0, told[-2000:]
    assert answers > 0, "no question was answered while the import ran"
    assert "%" in told or "/s" in told, "progress is shown on a terminal"
    print(f"{rows:,} span rows in {took:.1f} s ({rows / took:,.0f}/s); {answers} rounds of questions meanwhile, slowest {slowest:.2f} s; peak memory {server.memory_peak_bytes() >> 20} MiB")
    distinct = api.sql("SELECT count(*) AS n FROM (SELECT DISTINCT trace_id, span_id, time FROM spans)")[0]["n"]
    assert distinct == unique
    tree = api.trace(trace_id)
    ids = [(span["span_id"], span["time"]) for span in tree["spans"]]
    assert len(ids) == len(set(ids)) and tree["span_count"] == len(ids)
    if whole:
        assert api.sql("SELECT count(DISTINCT trace_id) AS n FROM spans")[0]["n"] == UNIQUE_TRACES
    server.stop()
    server.start()
    assert server.api.sql("SELECT count(*) AS n FROM (SELECT DISTINCT trace_id, span_id, time FROM spans)")[0]["n"] == unique

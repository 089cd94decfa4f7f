"""Real data sets from the folder that CLEWLINE_TEST_DATA names: archives NAME.tar.zst, converted to the form of `harness.datasets`.

Nothing of them is in this repository. Repeated spans (same trace, span and start) and spans without valid ids or times are left out
for every system, since some would store them twice and some once. Converted data is kept in the cache folder.
"""

import calendar
import collections
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from harness.datasets import Dataset
from harness.runner import say
from harness.values import log_values, span_values

RECORDS = ("weblogs", "multilog-dev", "nezha-ob-2022-08-22", "nezha-tt-2023-01-29", "tracebench-dev")
WIDE = ("security-json-dev", "zeek-json")
NAMES = (*RECORDS, *WIDE)
ARCHIVES = {"zeek-json": "weblogs"}
# Converted data of another form is made anew.
FORM = 4
WIDE_BODY_BYTES = 4 << 20


def source() -> pathlib.Path | None:
    named = os.environ.get("CLEWLINE_TEST_DATA")
    return pathlib.Path(named) if named else None


def available() -> list[str]:
    folder = source()
    if folder is None:
        return []
    return [name for name in NAMES if (folder / f"{ARCHIVES.get(name, name)}.tar.zst").exists()]


def unpack(archive: str, cache: pathlib.Path) -> pathlib.Path:
    target = cache / "unpacked" / archive
    if (target / ".complete").exists():
        return target
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    packed = source() / f"{archive}.tar.zst"
    if subprocess.run(["tar", "--zstd", "-xf", str(packed), "-C", str(target)]).returncode != 0:
        raise SystemExit(f"bench: {packed} could not be unpacked (tar with zstd is needed)")
    (target / ".complete").touch()
    return target


class Writer:
    """Writes records as bodies of `batch`, JSON lines and, for spans, OTLP JSON requests with the same spans."""

    def __init__(self, folder: pathlib.Path, batch: int):
        self.folder, self.batch = folder, batch
        self.pending: dict[str, list] = {"logs": [], "spans": []}
        self.requests: list = []
        self.written = {"logs": 0, "spans": 0}
        self.bodies = {"logs": 0, "spans": 0}

    def add(self, signal: str, record: dict | None) -> None:
        """Nothing for no record: an empty line is none."""
        if record is None:
            return
        self.pending[signal].append(record)
        if signal == "logs" and len(self.pending[signal]) >= self.batch:
            self.flush(signal)

    def add_request(self, resource_spans: list, records: list) -> None:
        self.requests.extend(resource_spans)
        self.pending["spans"].extend(records)
        if len(self.pending["spans"]) >= self.batch:
            self.flush("spans")

    def flush(self, signal: str) -> None:
        records = self.pending[signal]
        if not records:
            return
        number = self.bodies[signal]
        folder = self.folder / signal
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{number:06}.jsonl", "w") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        if signal == "spans":
            folder = self.folder / "spans-otlp"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:06}.json").write_text(json.dumps({"resourceSpans": self.requests}, separators=(",", ":")))
            self.requests = []
        self.written[signal] += len(records)
        self.bodies[signal] += 1
        self.pending[signal] = []


def load(name: str, cache: pathlib.Path, batch: int) -> Dataset:
    folder = cache / f"{name}-{batch}"
    manifest = folder / "manifest.json"
    if not manifest.exists() or json.loads(manifest.read_text()).get("form") != FORM:
        say(f"converting {name}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        writer = Writer(folder, batch)
        convert(name, cache, writer)
        for signal in ("logs", "spans"):
            writer.flush(signal)
        values = {}
        if writer.written["spans"]:
            values |= span_values(sorted((folder / "spans").iterdir()))
        if writer.written["logs"]:
            values |= log_values(sorted((folder / "logs").iterdir()))
        manifest.write_text(json.dumps({"form": FORM, **writer.written, "values": values}))
    known = json.loads(manifest.read_text())
    return Dataset(name, folder, known["logs"], known["spans"], known["values"], "otlp-json")


def convert(name: str, cache: pathlib.Path, writer: Writer) -> None:
    root = unpack(name, cache)
    if name == "weblogs":
        web_logs(root, writer)
    elif name == "multilog-dev":
        cluster_logs(root, writer)
    elif name.startswith("nezha"):
        spans = sorted(root.glob("**/trace/*_trace.csv"))
        otlp_spans(tool(cache, "nezha_to_otlp.py", ["traces"], spans), writer)
        logs = [path for path in sorted(root.glob("**/rca_data/**/log/*_log.csv"))]
        if logs:
            otlp_logs(tool(cache, "nezha_to_otlp.py", ["logs"], logs), writer)
    else:
        folders = sorted(path.parent for path in root.glob("**/event.csv"))
        otlp_spans(tool(cache, "tracebench_to_otlp.py", [], folders), writer)


def tool(cache: pathlib.Path, program: str, mode: list, inputs: list):
    """Lines of OTLP JSON from one of the folder's own converters."""
    path = next(unpack("tools", cache).glob(f"**/{program}"))
    out = cache / "converting.jsonl"
    subprocess.run([sys.executable, str(path), *mode, str(out), *map(str, inputs)], check=True, stdout=subprocess.DEVNULL)
    with open(out) as file:
        yield from file
    out.unlink()


def _attributes(pairs: list) -> dict:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in pairs}


KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


def otlp_spans(lines, writer: Writer) -> None:
    seen = set()
    for line in lines:
        kept_resources, records = [], []
        for resource in json.loads(line)["resourceSpans"]:
            attributes = _attributes(resource["resource"]["attributes"])
            for scope in resource["scopeSpans"]:
                kept = []
                for span in scope["spans"]:
                    key = hash((span["traceId"], span["spanId"], span["startTimeUnixNano"]))
                    usable = len(span["traceId"]) == 32 and len(span["spanId"]) == 16 and int(span["startTimeUnixNano"]) > 0
                    if key in seen or not usable:
                        continue
                    seen.add(key)
                    kept.append(span)
                    records.append(_span_record(span, attributes, scope["scope"].get("name", "")))
                if kept:
                    kept_resources.append({"resource": resource["resource"], "scopeSpans": [{"scope": scope["scope"], "spans": kept}]})
        if records:
            writer.add_request(kept_resources, records)


def _span_record(span: dict, resource: dict, scope: str) -> dict:
    start = int(span["startTimeUnixNano"])
    status = span.get("status") or {}
    return {
        "start_ns": start,
        "duration_ns": max(int(span["endTimeUnixNano"]) - start, 0),
        "service": resource.get("service.name", ""),
        "name": span["name"],
        "kind": KINDS[span.get("kind", 0)],
        "status": STATUSES[status.get("code", 0)],
        "status_message": status.get("message", ""),
        "trace_id": span["traceId"],
        "span_id": span["spanId"],
        "parent_span_id": span.get("parentSpanId", ""),
        "scope": scope,
        "resource": resource,
        "attributes": _attributes(span.get("attributes", [])),
        "events": [],
    }


LEVELS = ((21, "fatal"), (17, "error"), (13, "warn"), (9, "info"), (5, "debug"), (1, "trace"))


def otlp_logs(lines, writer: Writer) -> None:
    for line in lines:
        for resource in json.loads(line)["resourceLogs"]:
            attributes = _attributes(resource["resource"]["attributes"])
            for scope in resource["scopeLogs"]:
                for record in scope["logRecords"]:
                    severity = record.get("severityNumber", 0)
                    level = next((name for least, name in LEVELS if severity >= least), "")
                    body = record.get("body", {}).get("stringValue", "")
                    one = _log(int(record["timeUnixNano"]), level, attributes.get("service.name", ""), body, attributes.get("k8s.pod.name", ""))
                    if one and record.get("traceId"):
                        one |= {"trace_id": record["traceId"], "span_id": record.get("spanId", "")}
                    writer.add("logs", one)


def _log(time_ns: int, level: str, service: str, message: str, host: str) -> dict | None:
    """Nothing for an empty text, nor for a time before 1970, which some programs write for "unknown"."""
    if not message.strip() or time_ns <= 0:
        return None
    seconds, rest = divmod(time_ns, 10**9)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09}Z"
    record = {"time": text, "service": service, "message": message, "host": host}
    return record | ({"level": level} if level else {})


MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
ACCESS_TIME = re.compile(r"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]")
PLAIN_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[,.](\d{1,9}))?")
LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b")


def access_time_ns(line: str) -> int | None:
    found = ACCESS_TIME.search(line)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    offset = (int(hours) * 60 + int(minutes)) * 60 * (1 if sign == "+" else -1)
    return (_seconds(int(year), MONTHS[month], int(day), int(hour), int(minute), int(second)) - offset) * 10**9


def plain_time_ns(line: str) -> int | None:
    found = PLAIN_TIME.search(line[:60])
    if found is None:
        return None
    *parts, fraction = found.groups()
    return _seconds(*map(int, parts)) * 10**9 + int((fraction or "0").ljust(9, "0"))


def _seconds(year, month, day, hour, minute, second) -> int:
    return calendar.timegm((year, month, day, hour, minute, second))


def text_lines(path: pathlib.Path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            yield line.rstrip("\r\n")


def web_logs(root: pathlib.Path, writer: Writer) -> None:
    """Access logs of nginx and Apache, and the logs of three Kafka nodes; a line without a time has that of the line before."""
    access = [("nginx", path) for path in root.glob("**/access_logs.gz")] + [("apache", p) for p in root.glob("**/apache_logs") if p.is_file()]
    for service, path in access:
        for number, line in enumerate(text_lines(path)):
            moment = access_time_ns(line)
            if moment is not None:
                # These times are whole seconds: the place in the file tells lines of one second apart.
                writer.add("logs", _log(moment + number % 10**6 * 1_000, "", service, line, "web"))
    for path in sorted(root.glob("**/kafka?/logs/*log*")):
        _server_log(path, f"kafka-{path.name.split('.')[0]}", path.parent.parent.name, writer)


def cluster_logs(root: pathlib.Path, writer: Writer) -> None:
    for path in sorted(root.glob("**/label*.log")):
        _server_log(path, f"iotdb-{path.parent.name}", f"node-{path.stem[-1]}", writer, label=True)


def _server_log(path: pathlib.Path, service: str, host: str, writer: Writer, label: bool = False) -> None:
    moment = None
    for number, line in enumerate(text_lines(path)):
        if label and line.startswith("- "):
            line = line[2:]
        moment = plain_time_ns(line) or moment
        level = LEVEL.search(line[:100])
        if moment is not None:
            writer.add("logs", _log(moment + number % 10**6, level[1].lower() if level else "", service, line, host))


def wide_files(name: str, cache: pathlib.Path) -> tuple[list[pathlib.Path], int, int]:
    """Files of JSON lines of a few megabytes, the number of events, and how many lines were left out as no JSON object."""
    folder = cache / name
    manifest = folder / "manifest.json"
    if not manifest.exists():
        say(f"preparing {name}")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "events").mkdir(parents=True)
        root = unpack(ARCHIVES.get(name, name), cache)
        pattern = "**/zeek-json/*.json.gz" if name == "zeek-json" else "**/*.json"
        counts: collections.Counter = collections.Counter()
        body, size = [], 0

        def flush() -> None:
            if body:
                (folder / "events" / f"{counts['bodies']:06}.jsonl").write_text("\n".join(body) + "\n")
                counts["bodies"] += 1

        for path in sorted(root.glob(pattern)):
            for line in text_lines(path):
                if not _is_object(line):
                    counts["left_out"] += bool(line.strip())
                    continue
                body.append(line)
                size += len(line)
                counts["events"] += 1
                if size >= WIDE_BODY_BYTES:
                    flush()
                    body, size = [], 0
        flush()
        manifest.write_text(json.dumps(counts))
    counts = json.loads(manifest.read_text())
    return sorted((folder / "events").iterdir()), counts["events"], counts.get("left_out", 0)


def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except ValueError:
        return False

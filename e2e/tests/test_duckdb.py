"""DuckDB as the second judge: the same records and the same SQL in both, from memory and from segments; and the segments
themselves are Parquet that DuckDB reads without help.

CLEWLINE_E2E_DUCKDB_QUERIES sets the number of random questions per table and state (default 150).
"""

import datetime
import math
import os
import random
import re

import duckdb
import pytest
from harness.otlp import attributes, resource

T0 = 1_780_000_000  # 2026-05-28T20:26:40Z
SERVICES = ["shop", "cart", "payment-api", "支付"]
WORDS = ["error", "Error", "timeout", "refused", "straße", "ОШИБКА", "错误", "alice", "naïve", "100% done", "a_b"]
LEVELS = {"debug": 5, "info": 9, "warn": 13, "error": 17}
LOG_COLUMNS = {
    "uid": "BIGINT", "time": "TIMESTAMP", "service": "VARCHAR", "level": "VARCHAR", "body": "VARCHAR", "trace_id": "VARCHAR",
    "n": "BIGINT", "http.method": "VARCHAR", "latency": "DOUBLE", "ok": "BOOLEAN", "mixed": "VARCHAR", "rare.key": "VARCHAR",
}
SPAN_COLUMNS = {
    "uid": "BIGINT", "time": "TIMESTAMP", "service": "VARCHAR", "name": "VARCHAR", "kind": "VARCHAR", "status": "VARCHAR",
    "trace_id": "VARCHAR", "duration_ns": "BIGINT", "n": "BIGINT", "http.route": "VARCHAR", "latency": "DOUBLE", "ok": "BOOLEAN",
}
KEYS = {"logs": ["service", "level", "http.method", "ok", "n", "mixed"], "spans": ["service", "name", "kind", "status", "ok", "n"]}
NUMBERS = {"logs": ["n", "latency"], "spans": ["n", "latency", "duration_ns"]}


def some_attributes(rng: random.Random, uid: int) -> dict:
    values = {"uid": uid}
    if rng.random() < 0.8:
        values["n"] = rng.randint(-5, 40)
    if rng.random() < 0.6:
        values["latency"] = rng.randint(-8, 40) / 4
    if rng.random() < 0.5:
        values["ok"] = rng.random() < 0.5
    return values


def log(rng: random.Random, uid: int) -> dict:
    """A log as it is stored; a missing value is None or not there."""
    values = some_attributes(rng, uid)
    if rng.random() < 0.7:
        values["http.method"] = rng.choice(["GET", "POST", "get", "DELETE"])
    if rng.random() < 0.6:
        values["mixed"] = rng.choice(["four", "5", 7, -3, 2.5, True])
    if rng.random() < 0.01:
        values["rare.key"] = rng.choice(["needle", "干草"])
    word, n = rng.choice(WORDS), rng.randint(0, 60)
    body = rng.choice([
        f"Order {n} placed by user {word}", f"connection refused to db-{n % 9}", f"支付失败，订单号 {n}，{word}",
        f"GET /api/v1/items/{n}?q={word} took {n * 7}ms", f"{word} 'quoted' \"twice\" {n}", "constant line",
    ])
    return {
        "time_ns": (T0 + rng.randint(0, 600)) * 10**9 + rng.choice([0, 0, 250_000_000]),
        "service": rng.choice(SERVICES), "level": rng.choice(list(LEVELS)), "body": body,
        "trace_id": f"{rng.randint(1, 15):032x}" if rng.random() < 0.5 else None, "attributes": values,
    }


def span(rng: random.Random, uid: int) -> dict:
    values = some_attributes(rng, uid)
    if rng.random() < 0.7:
        values["http.route"] = rng.choice(["/cart", "/api/{id}", "支付"])
    return {
        "time_ns": (T0 + rng.randint(0, 600)) * 10**9, "duration_ns": rng.randint(0, 10**9), "service": rng.choice(SERVICES),
        "name": rng.choice(["GET /cart", "SELECT", "支付 checkout"]), "kind": rng.choice(["server", "client", "internal"]),
        "status": rng.choice(["unset", "ok", "error"]), "trace_id": f"{rng.randint(1, 40):032x}", "span_id": f"{uid:016x}",
        "attributes": values,
    }


def send_jsonl(api, logs: list[dict]) -> None:
    rows = []
    for record in logs:
        row = {"time": str(record["time_ns"]), "service": record["service"], "level": record["level"], "message": record["body"]}
        rows.append({**row, **({"trace_id": record["trace_id"]} if record["trace_id"] else {}), **record["attributes"]})
    receipt = api.jsonl(rows)
    assert (receipt["accepted"], receipt["rejected"]) == (len(rows), 0), receipt


def send_otlp_logs(api, logs: list[dict]) -> None:
    groups = []
    for record in logs:
        item = {
            "timeUnixNano": str(record["time_ns"]), "severityNumber": LEVELS[record["level"]],
            "body": {"stringValue": record["body"]}, "attributes": attributes(record["attributes"]),
        }
        item |= {"traceId": record["trace_id"]} if record["trace_id"] else {}
        groups.append({"resource": resource(record["service"]), "scopeLogs": [{"logRecords": [item]}]})
    assert api.post("/v1/logs", {"resourceLogs": groups}).json().get("partialSuccess") in (None, {})


def send_spans(api, spans: list[dict]) -> None:
    kinds, statuses = {"internal": 1, "server": 2, "client": 3}, {"unset": 0, "ok": 1, "error": 2}
    groups = []
    for record in spans:
        item = {
            "traceId": record["trace_id"], "spanId": record["span_id"], "name": record["name"], "kind": kinds[record["kind"]],
            "startTimeUnixNano": str(record["time_ns"]), "endTimeUnixNano": str(record["time_ns"] + record["duration_ns"]),
            "status": {"code": statuses[record["status"]]}, "attributes": attributes(record["attributes"]),
        }
        groups.append({"resource": resource(record["service"]), "scopeSpans": [{"spans": [item]}]})
    assert api.post("/v1/traces", {"resourceSpans": groups}).json().get("partialSuccess") in (None, {})


def naive_utc(ns: int) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=ns // 1000)


def text_form(value):
    """A value of a field with several types is answered as text."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def load(database, table: str, columns: dict, records: list[dict]) -> None:
    described = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    database.execute(f"CREATE TABLE {table} ({described})")
    rows = []
    for record in records:
        values = {**record, **record["attributes"], "time": naive_utc(record["time_ns"])}
        if "mixed" in values:
            values["mixed"] = text_form(values["mixed"])
        rows.append([values.get(name) for name in columns])
    database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)


class Asker:
    """Random SQL that means the same to both. A moment is written `{moment}` and filled in per dialect."""

    def __init__(self, rng: random.Random, table: str, columns: dict, records: list[dict]):
        self.rng, self.table, self.columns, self.records = rng, table, columns, records

    def literal(self, name: str) -> str:
        record = self.rng.choice(self.records)
        value = {**record, **record["attributes"]}.get(name)
        kind = self.columns[name]
        if kind == "BOOLEAN":
            return self.rng.choice(["true", "false"])
        if kind in ("BIGINT", "DOUBLE"):
            return repr(value) if value is not None else str(self.rng.randint(-3, 30))
        # An id is compared with an id.
        absent = "f" * 32 if name == "trace_id" else "nothing"
        text = text_form(value) if value is not None else absent
        return "'" + text.replace("'", "''") + "'"

    def leaf(self) -> str:
        name = self.rng.choice([name for name in self.columns if name != "uid"])
        column, kind, dice = f'"{name}"', self.columns[name], self.rng.random()
        if name == "time":
            return f"{column} {self.rng.choice(['<', '>=', '<=', '>'])} {{{T0 + self.rng.randint(-5, 605)}}}"
        if dice < 0.12:
            return f"{column} IS {self.rng.choice(['', 'NOT '])}NULL"
        if dice < 0.3:
            return f"{column} {self.rng.choice(['', 'NOT '])}IN ({self.literal(name)}, {self.literal(name)})"
        if kind == "VARCHAR" and name != "trace_id" and dice < 0.65:
            text = self.literal(name)[1:-1].replace("''", "'")
            start = self.rng.randrange(len(text))
            piece = text[start:start + self.rng.randint(1, 9)].replace("'", "''")
            pattern = self.rng.choice([f"%{piece}%", f"{piece}%", f"%{piece}"])
            return f"{column} {self.rng.choice(['', '', 'NOT '])}LIKE '{pattern}'"
        operators = ["=", "<>"] if kind == "BOOLEAN" or name == "trace_id" else ["=", "<>", "<", "<=", ">", ">="]
        return f"{column} {self.rng.choice(operators)} {self.literal(name)}"

    def condition(self, depth: int) -> str:
        dice = self.rng.random()
        if depth == 0 or dice < 0.3:
            return self.leaf()
        if dice < 0.4:
            return f"NOT ({self.condition(depth - 1)})"
        return f"({self.condition(depth - 1)}) {self.rng.choice(['AND', 'OR'])} ({self.condition(depth - 1)})"

    def question(self) -> str:
        where = f" WHERE {self.condition(2)}" if self.rng.random() < 0.9 else ""
        if self.rng.random() < 0.3:
            return f"SELECT uid AS c0 FROM {self.table}{where}"
        keys = [f'"{key}"' for key in self.rng.sample(KEYS[self.table], self.rng.randint(0, 2))]
        if self.rng.random() < 0.2:
            keys.append("date_trunc('minute', \"time\")")
        functions = ["count(*)"]
        for _ in range(self.rng.randint(0, 3)):
            number, key = self.rng.choice(NUMBERS[self.table]), self.rng.choice(KEYS[self.table])
            functions.append(self.rng.choice([
                f'sum("{number}")', f'min("{number}")', f'max("{number}")', f'avg("{number}")',
                f'count("{key}")', f'count(DISTINCT "{key}")', "count(DISTINCT trace_id)",
            ]))
        items = [f"{item} AS c{at}" for at, item in enumerate(keys + functions)]
        by = f" GROUP BY {', '.join(keys)}" if keys else ""
        return f"SELECT {', '.join(items)} FROM {self.table}{where}{by}"


def moments(text: str, ours: bool) -> str:
    """Fills in the moments."""
    def written(match: re.Match) -> str:
        moment = naive_utc(int(match[1]) * 10**9).isoformat()
        return f"'{moment}Z'" if ours else f"TIMESTAMP '{moment}'"

    return re.sub(r"\{(\d+)\}", written, text)


def cell(value):
    """One form for both answers."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith("2026-05-28T") and value.endswith("Z"):
        return datetime.datetime.fromisoformat(value[:-1]).isoformat()
    if isinstance(value, bool):
        return value
    return float(value) if isinstance(value, (int, float)) else value


def in_order(rows: list[list]) -> list[list]:
    return sorted(rows, key=lambda row: [(value is None, str(type(value)), value if value is not None else 0) for value in row])


def same(ours: list[list], theirs: list[list]) -> bool:
    def equal(a, b):
        return a == b or isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)

    ours, theirs = in_order(ours), in_order(theirs)
    return len(ours) == len(theirs) and all(len(a) == len(b) and all(map(equal, a, b)) for a, b in zip(ours, theirs))


def compare(api, database, question: str) -> None:
    cursor = database.execute(moments(question, ours=False))
    names = [column[0] for column in cursor.description]
    theirs = [[cell(value) for value in row] for row in cursor.fetchall()]
    ours = [[cell(row.get(name)) for name in names] for row in api.sql(moments(question, ours=True))]
    assert same(ours, theirs), f"{moments(question, ours=True)}\nclewline {in_order(ours)[:10]}\nduckdb   {in_order(theirs)[:10]}"


@pytest.fixture
def filled(yard):
    """A server with 1,500 logs and 600 spans in memory, and the same in DuckDB."""
    rng = random.Random(int(os.environ.get("CLEWLINE_E2E_DUCKDB_SEED", "7")))
    server = yard.server(settings={"wal.flush_age_s": 3600})
    logs = [log(rng, uid) for uid in range(1, 1501)]
    spans = [span(rng, uid) for uid in range(1, 601)]
    for at in range(0, len(logs), 100):
        (send_jsonl if at % 200 else send_otlp_logs)(server.api, logs[at:at + 100])
    for at in range(0, len(spans), 100):
        send_spans(server.api, spans[at:at + 100])
    database = duckdb.connect()
    load(database, "logs", LOG_COLUMNS, logs)
    load(database, "spans", SPAN_COLUMNS, spans)
    return server, database, {"logs": logs, "spans": spans}, rng


def segments(server, table: str) -> list[str]:
    return [str(path) for path in sorted(server.data.glob(f"segments/*/{table}/*.parquet"))]


def test_random_sql_has_the_answers_of_duckdb(filled):
    server, database, records, rng = filled
    count = int(os.environ.get("CLEWLINE_E2E_DUCKDB_QUERIES", "150"))
    for state in ("memory", "segments"):
        if state == "segments":
            # A clean end turns everything into segments.
            server.stop()
            server.start()
        assert bool(segments(server, "logs")) == (state == "segments")
        for table, columns in (("logs", LOG_COLUMNS), ("spans", SPAN_COLUMNS)):
            asker = Asker(rng, table, columns, records[table])
            for _ in range(count):
                compare(server.api, database, asker.question())


def test_a_wrong_answer_is_noticed(filled):
    """The comparison can fail: one record less in DuckDB, and a question that sees it."""
    server, database, _, _ = filled
    database.execute("DELETE FROM logs WHERE uid = 700")
    with pytest.raises(AssertionError, match="clewline"):
        compare(server.api, database, "SELECT service AS c0, count(*) AS c1 FROM logs GROUP BY service")


def test_segments_are_parquet_that_duckdb_reads(filled):
    server, database, records, _ = filled
    server.stop()
    logs, spans = segments(server, "logs"), segments(server, "spans")
    assert logs and spans, "a clean end wrote no segments"

    def rows(text: str, files: list[str]) -> list:
        return sorted(database.execute(text.replace("SEGMENTS", "read_parquet(?, union_by_name = true)"), [files]).fetchall(), key=str)

    def loaded(text: str) -> list:
        return sorted(database.execute(text).fetchall(), key=str)

    by_level = "SELECT service, level, count(*), min(epoch_ns(time)), max(epoch_ns(time)) FROM {} GROUP BY ALL"
    assert rows(by_level.format("SEGMENTS"), logs) == loaded(by_level.format("logs"))
    bodies = "SELECT {}, body FROM {}"
    assert rows(bodies.format('"attributes.uid"', "SEGMENTS"), logs) == loaded(bodies.format("uid", "logs"))
    ids = "SELECT {}, {} FROM {} WHERE trace_id IS NOT NULL"
    of_segments = ids.format('"attributes.uid"', "lower(hex(trace_id))", "SEGMENTS")
    assert rows(of_segments, logs) == loaded(ids.format("uid", "trace_id", "logs"))
    methods = 'SELECT "{}", count(*) FROM {} GROUP BY ALL'
    assert rows(methods.format("attributes.http.method", "SEGMENTS"), logs) == loaded(methods.format("http.method", "logs"))
    durations = "SELECT service, name, status, sum(duration_ns), count(*) FROM {} GROUP BY ALL"
    assert rows(durations.format("SEGMENTS"), spans) == loaded(durations.format("spans"))
    # Values of another type than their column are in the residual JSON, none lost.
    stored = 'SELECT count("attributes.mixed") + count(json_extract(attributes_rest, \'$.mixed\')) FROM SEGMENTS'
    assert rows(stored, logs) == loaded("SELECT count(mixed) FROM logs")
    server.start()
    assert server.api.count() == len(records["logs"])

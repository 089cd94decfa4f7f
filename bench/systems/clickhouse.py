"""ClickHouse in process (chDB) with the tables of OpenTelemetry's ClickHouse exporter.

Two variants: `text=False` has its bloom-filter indexes and tokens of lower(Body); `text=True` has its full-text indexes instead.
Column names, types, codecs, indexes and the sorting key are the exporter's (sorted by service and time), and so is the
table that finds the time of a trace by its id. Settings are the defaults. Inserts are not synced to disk, as shipped.
"""

import json
import os
import string

import chdb
from chdb import session

TEXT = "String CODEC(ZSTD(1))"
LOW = "LowCardinality(String) CODEC(ZSTD(1))"
MAP = "Map(LowCardinality(String), String) CODEC(ZSTD(1))"
TIME = "DateTime64(9) CODEC(Delta(8), ZSTD(1))"
TAIL = "SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1"

LOG_COLUMNS = {
    "Timestamp": TIME,
    "TimestampTime": "DateTime DEFAULT toDateTime(Timestamp)",
    "TraceId": TEXT,
    "SpanId": TEXT,
    "TraceFlags": "UInt8",
    "SeverityText": LOW,
    "SeverityNumber": "UInt8",
    "ServiceName": LOW,
    "Body": TEXT,
    "ResourceSchemaUrl": LOW,
    "ResourceAttributes": MAP,
    "ScopeSchemaUrl": LOW,
    "ScopeName": TEXT,
    "ScopeVersion": LOW,
    "ScopeAttributes": MAP,
    "LogAttributes": MAP,
    "EventName": TEXT,
}
SPAN_COLUMNS = {
    "Timestamp": TIME,
    "TraceId": TEXT,
    "SpanId": TEXT,
    "ParentSpanId": TEXT,
    "TraceState": TEXT,
    "SpanName": LOW,
    "SpanKind": LOW,
    "ServiceName": LOW,
    "ResourceAttributes": MAP,
    "ScopeName": TEXT,
    "ScopeVersion": TEXT,
    "SpanAttributes": MAP,
    "Duration": "UInt64 CODEC(ZSTD(1))",
    "StatusCode": LOW,
    "StatusMessage": TEXT,
    "Events": "Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1))",
    "Links": "Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1))",
}


def _indexes(maps: dict, text: bool) -> list[str]:
    """Of the trace id, and of keys and values of the attribute maps."""
    if text:
        kinds = ("text(tokenizer = 'array')",) * 3
    else:
        kinds = ("bloom_filter(0.001) GRANULARITY 1",) + ("bloom_filter(0.01) GRANULARITY 1",) * 2
    indexes = [f"INDEX idx_trace_id TraceId TYPE {kinds[0]}"]
    for short, column in maps.items():
        indexes.append(f"INDEX idx_{short}_attr_key mapKeys({column}) TYPE {kinds[1]}")
        indexes.append(f"INDEX idx_{short}_attr_value mapValues({column}) TYPE {kinds[2]}")
    return indexes


def _log_table(text: bool) -> str:
    body = "text(tokenizer = 'splitByNonAlpha')" if text else "tokenbf_v1(32768, 3, 0) GRANULARITY 8"
    members = [f"{name} {kind}" for name, kind in LOG_COLUMNS.items()]
    members += _indexes({"res": "ResourceAttributes", "scope": "ScopeAttributes", "log": "LogAttributes"}, text)
    members.append(f"INDEX idx_lower_body lower(Body) TYPE {body}")
    return (
        f"CREATE TABLE otel_logs ({', '.join(members)}) ENGINE = MergeTree PARTITION BY toDate(TimestampTime)"
        f" PRIMARY KEY (ServiceName, TimestampTime) ORDER BY (ServiceName, TimestampTime, Timestamp) {TAIL}"
    )


def _span_tables(text: bool) -> list[str]:
    members = [f"{name} {kind}" for name, kind in SPAN_COLUMNS.items()]
    members += _indexes({"res": "ResourceAttributes", "span": "SpanAttributes"}, text)
    members.append("INDEX idx_duration Duration TYPE minmax GRANULARITY 1")
    members.append("INDEX idx_lower_span_name lower(SpanName) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8")
    return [
        f"CREATE TABLE otel_traces ({', '.join(members)}) ENGINE = MergeTree PARTITION BY toDate(Timestamp)"
        f" PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))"
        f" ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp) {TAIL}",
        "CREATE TABLE otel_traces_trace_id_ts (TraceId String CODEC(ZSTD(1)), Start DateTime CODEC(Delta(4), ZSTD(1)),"
        " End DateTime CODEC(Delta(4), ZSTD(1)), INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1)"
        f" ENGINE = MergeTree PARTITION BY toDate(Start) ORDER BY (TraceId, Start) {TAIL}",
        "CREATE MATERIALIZED VIEW otel_traces_trace_id_ts_mv TO otel_traces_trace_id_ts AS SELECT TraceId, min(Timestamp) AS Start,"
        " max(Timestamp) AS End FROM otel_traces WHERE TraceId != '' GROUP BY TraceId",
    ]


LOG_FIELDS = ", ".join(f"{n} String" for n in ("time", "level", "service", "message", "host", "thread", "region", "trace_id", "span_id"))
LOG_INSERT = (
    "INSERT INTO otel_logs (Timestamp, TraceId, SpanId, SeverityText, ServiceName, Body, ResourceAttributes, LogAttributes)"
    " SELECT parseDateTime64BestEffort(time, 9, 'UTC'), trace_id, span_id, level, service, message, map('service.name', service),"
    " mapFilter((k, v) -> v != '', map('host.name', host, 'thread.name', thread, 'cloud.region', region))"
)
SPAN_FIELDS = ", ".join(
    [f"{n} String" for n in ("service", "name", "kind", "status", "status_message", "trace_id", "span_id", "parent_span_id", "scope")]
    + ["start_ns Int64", "duration_ns UInt64", "resource Map(String, String)", "attributes Map(String, String)"]
    + ["events Array(Tuple(time_ns Int64, name String, attributes Map(String, String)))"]
)
SPAN_INSERT = (
    "INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName,"
    " SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, Events.Attributes)"
    " SELECT fromUnixTimestamp64Nano(start_ns), trace_id, span_id, parent_span_id, name, kind, service, resource, scope, attributes,"
    " duration_ns, status, status_message, arrayMap(e -> fromUnixTimestamp64Nano(e.1), events), events.name, events.attributes"
)

NS = "toUnixTimestamp64Nano(Timestamp)"
MINUTE = "toInt64(toUnixTimestamp(toStartOfMinute(Timestamp))) * 1000000000"
LOG_ROW = f"SELECT {NS}, ServiceName, Body FROM otel_logs WHERE "
MILLISECONDS = "toInt64OrNull(splitByString(' ms', splitByString(' in ', Body)[2])[1])"

QUESTIONS = {
    "rare_word": LOG_ROW + "hasToken(lower(Body), '$rare_word')",
    "phrase": "SELECT count() FROM otel_logs WHERE $phrase_tokens AND lower(Body) LIKE '%$phrase%'",
    "substring": "SELECT count() FROM otel_logs WHERE Body LIKE '%$substring%'",
    "regex": "SELECT count() FROM otel_logs WHERE match(Body, '$regex')",
    "absent_word": LOG_ROW + "hasToken(lower(Body), '$absent_word')",
    "needle_id": LOG_ROW + "TraceId = '$needle_trace_id'",
    "frequent_word": "SELECT count() FROM otel_logs WHERE hasToken(lower(Body), '$frequent_word')",
    "level_per_minute": f"SELECT SeverityText, {MINUTE} AS minute, count() FROM otel_logs GROUP BY SeverityText, minute",
    "top_services": "SELECT ServiceName, count() AS n FROM otel_logs GROUP BY ServiceName ORDER BY n DESC, ServiceName LIMIT 10",
    "errors_by_service": "SELECT ServiceName, count() FROM otel_logs WHERE SeverityText = 'error' GROUP BY ServiceName",
    "last_100": f"SELECT {NS}, Body FROM otel_logs WHERE ServiceName = '$busy_service' ORDER BY Timestamp DESC LIMIT 100",
    "number_quantiles": f"SELECT quantileTDigest(0.5)(ms), quantileTDigest(0.99)(ms) FROM (SELECT {MILLISECONDS} AS ms FROM otel_logs"
    " WHERE Body LIKE '%completed with status%') WHERE ms IS NOT NULL",
    "distinct_traces": "SELECT uniqExactIf(TraceId, TraceId != '') FROM otel_logs",
    "unforeseen_logs": "SELECT LogAttributes['thread.name'] AS thread, count() FROM otel_logs WHERE SeverityText = 'warn'"
    " AND LogAttributes['cloud.region'] = 'eu-west' GROUP BY thread",
    "trace_by_id": "WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = '$trace_id') AS first,"
    " (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = '$trace_id') AS last"
    f" SELECT SpanId, ParentSpanId, ServiceName, SpanName, {NS}, Duration FROM otel_traces"
    " WHERE TraceId = '$trace_id' AND Timestamp >= first AND Timestamp <= last",
    "attribute_duration": f"SELECT {NS}, SpanId FROM otel_traces WHERE SpanAttributes['http.response.status_code'] = '500'"
    " AND Duration > 100000000 ORDER BY Timestamp DESC LIMIT 20",
    "structural": "SELECT count() FROM otel_traces AS c INNER JOIN otel_traces AS p ON c.TraceId = p.TraceId AND c.ParentSpanId = p.SpanId"
    " WHERE c.StatusCode = 'error' AND p.ServiceName = '$busy_service'",
    "quantiles_by_service": "SELECT ServiceName, quantileTDigest(0.5)(Duration), quantileTDigest(0.99)(Duration) FROM otel_traces GROUP BY ServiceName",
    "span_errors_by_service": "SELECT ServiceName, count() FROM otel_traces WHERE StatusCode = 'error' GROUP BY ServiceName",
    "top_services_spans": "SELECT ServiceName, count() AS n FROM otel_traces GROUP BY ServiceName ORDER BY n DESC, ServiceName LIMIT 10",
    "status_per_minute": f"SELECT StatusCode, {MINUTE} AS minute, count() FROM otel_traces GROUP BY StatusCode, minute",
    "rare_attribute": "SELECT TraceId, SpanId FROM otel_traces WHERE SpanAttributes['customer.tier'] = '$rare_tier'",
    "query_text_substring": "SELECT count() FROM otel_traces WHERE SpanAttributes['db.query.text'] LIKE '%$query_text%'",
    "p99_per_minute": f"SELECT {MINUTE} AS minute, quantileTDigest(0.99)(Duration) FROM otel_traces WHERE ServiceName = '$busy_service' GROUP BY minute",
    "unforeseen_spans": "SELECT SpanAttributes['http.route'] AS route, count() FROM otel_traces WHERE ServiceName = '$busy_service'"
    " AND SpanKind = 'server' AND Duration > 50000000 GROUP BY route",
}
# What the full-text index is asked by; the rest is the same.
TEXT_QUESTIONS = {
    "substring": "SELECT count() FROM otel_logs WHERE lower(Body) LIKE lower('%$substring%')",
    "phrase": "SELECT count() FROM otel_logs WHERE hasAllTokens(lower(Body), '$phrase') AND lower(Body) LIKE '%$phrase%'",
}


class Engine:
    """What `harness.worker` calls."""

    def __init__(self, folder: str, text: bool = False):
        os.makedirs(folder, exist_ok=True)
        self.text = text
        self.session = session.Session(folder)
        self._run("CREATE DATABASE IF NOT EXISTS bench")
        self._run("USE bench")

    def _run(self, statement: str) -> bytes:
        return self.session.query(statement, "JSONCompactEachRow").bytes()

    def version(self) -> str:
        return f"{self._rows('SELECT version()')[0][0]} (chDB {chdb.__version__})"

    def create(self) -> None:
        for statement in (_log_table(self.text), *_span_tables(self.text)):
            self._run(statement)

    def load(self, signal: str, files: list[str]) -> None:
        insert, fields = (LOG_INSERT, LOG_FIELDS) if signal == "logs" else (SPAN_INSERT, SPAN_FIELDS)
        for file in files:
            self._run(f"{insert} FROM file('{file}', JSONEachRow, '{fields}')")

    def load_wide(self, files: list[str]) -> None:
        self._run("CREATE TABLE wide (event JSON) ENGINE = MergeTree ORDER BY tuple()")
        for file in files:
            self._run(f"INSERT INTO wide SELECT json FROM file('{file}', JSONAsObject)")

    def settle(self) -> None:
        """Merges everything that was inserted: they would come by themselves, later."""
        for table in ("otel_logs", "otel_traces", "otel_traces_trace_id_ts", "wide"):
            if self._rows(f"SELECT count() FROM system.tables WHERE database = 'bench' AND name = '{table}'")[0][0]:
                self._run(f"OPTIMIZE TABLE {table} FINAL")

    def count(self, table: str) -> int:
        name = {"logs": "otel_logs", "spans": "otel_traces"}.get(table, table)
        return int(self._rows(f"SELECT count() FROM {name}")[0][0])

    def active_bytes(self) -> int:
        """Without the parts that were merged away and wait for their removal."""
        return int(self._rows("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'")[0][0])

    def _rows(self, text: str) -> list:
        return [json.loads(line) for line in self._run(text).splitlines()]

    def questions(self) -> dict:
        return {**QUESTIONS, **(TEXT_QUESTIONS if self.text else {})}

    def ask(self, question: str, values: dict) -> list:
        words = values.get("phrase", "").split()
        tokens = " AND ".join(f"hasToken(lower(Body), '{word}')" for word in words)
        return self._rows(string.Template(self.questions()[question]).substitute(values, phrase_tokens=tokens))

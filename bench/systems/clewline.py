"""Clewline: the shipped binary over HTTP with its default settings; acknowledged means synced to disk (wal.fsync = true)."""

import json

from harness.server import Server

LOG_FIELDS = "time_field=time&message_field=message&level_field=level&service_field=service&trace_id_field=trace_id&span_id_field=span_id"
MILLISECONDS = "TRY_CAST(split_part(split_part(body, ' in ', 2), ' ms', 1) AS BIGINT)"

# What is asked: (path, query, signal, limit) of the search API, or one SQL statement, or a trace id.
QUESTIONS = {
    "rare_word": ("logs", "$rare_word", 10_000),
    "phrase": ("logs", '"$phrase" | stats count() as n', 100),
    "substring": ("logs", '*"$substring"* | stats count() as n', 100),
    "regex": ("logs", '~"$regex" | stats count() as n', 100),
    "absent_word": ("logs", "$absent_word", 100),
    "needle_id": ("logs", 'trace_id:="$needle_trace_id"', 100),
    "frequent_word": ("logs", "$frequent_word | stats count() as n", 100),
    "level_per_minute": ("logs", "* | stats by (level, _time:1m) count() as n", 10_000),
    "top_services": ("logs", "* | top 10 by (service)", 100),
    "errors_by_service": ("logs", "level:=error | stats by (service) count() as n", 100),
    "last_100": ("logs", 'service:="$busy_service"', 100),
    "number_quantiles": "SELECT approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, approx_percentile_cont(0.99)"
    f" WITHIN GROUP (ORDER BY ms) AS p99 FROM (SELECT {MILLISECONDS} AS ms FROM logs WHERE body LIKE '%completed with status%')"
    " WHERE ms IS NOT NULL",
    "distinct_traces": ("logs", "* | stats count_uniq(trace_id) as n", 100),
    "unforeseen_logs": ("logs", "level:=warn region:=eu-west | stats by (thread) count() as n", 1_000),
    "trace_by_id": ("trace", "$trace_id", 0),
    "attribute_duration": ("spans", "http.response.status_code:=500 duration_ns:>100000000", 20),
    "structural": "SELECT count(*) AS n FROM spans c JOIN spans p ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id"
    " WHERE c.status = 'error' AND p.service = '$busy_service'",
    "quantiles_by_service": ("spans", "* | stats by (service) quantile(0.5, duration_ns) as p50, quantile(0.99, duration_ns) as p99", 1_000),
    "span_errors_by_service": ("spans", "status:=error | stats by (service) count() as n", 1_000),
    "top_services_spans": ("spans", "* | top 10 by (service)", 100),
    "status_per_minute": ("spans", "* | stats by (status, _time:1m) count() as n", 10_000),
    "rare_attribute": ("spans", "customer.tier:=$rare_tier", 10_000),
    "query_text_substring": ("spans", "db.query.text:*$query_text* | stats count() as n", 100),
    "p99_per_minute": ("spans", 'service:="$busy_service" | stats by (_time:1m) quantile(0.99, duration_ns) as p99', 10_000),
    "unforeseen_spans": ("spans", 'service:="$busy_service" kind:=server duration_ns:>50000000 | stats by (http.route) count() as n', 1_000),
}

# Fields of an answer's objects, in the order of `harness.questions`.
COLUMNS = {
    "rare_word": ("time", "service", "body"),
    "absent_word": ("time", "service", "body"),
    "needle_id": ("time", "service", "body"),
    "level_per_minute": ("level", "_time", "n"),
    "top_services": ("service", "hits"),
    "errors_by_service": ("service", "n"),
    "last_100": ("time", "body"),
    "number_quantiles": ("p50", "p99"),
    "unforeseen_logs": ("thread", "n"),
    "attribute_duration": ("time", "span_id"),
    "quantiles_by_service": ("service", "p50", "p99"),
    "span_errors_by_service": ("service", "n"),
    "top_services_spans": ("service", "hits"),
    "status_per_minute": ("status", "_time", "n"),
    "rare_attribute": ("trace_id", "span_id"),
    "p99_per_minute": ("_time", "p99"),
    "unforeseen_spans": ("http.route", "n"),
}


class System(Server):
    """A `clewline serve` on free ports."""

    name = "clewline"
    signals = ("logs", "spans")
    forms = {"logs": "jsonl", "spans": "otlp"}

    def __init__(self, binary, folder, settings=None):
        super().__init__(folder)
        self.binary = binary
        self.settings = settings or {}

    def command(self) -> list[str]:
        command = [str(self.binary), "serve", "--data.folder", str(self.folder), "--wal.fsync", "true"]
        command += ["--listen.http", f"127.0.0.1:{self.port}"]
        for listener in ("otlp_grpc", "otlp_http", "raw_tcp", "raw_udp"):
            command += [f"--listen.{listener}", ""]
        for name, value in self.settings.items():
            command += [f"--{name}", str(value)]
        return command

    def ready_path(self) -> str:
        return "/ready"

    def version(self) -> str:
        return self.get_json("/version").get("version", "")

    def target(self, signal: str, form: str) -> tuple[str, str]:
        """Path and content type for a body."""
        if form == "jsonl":
            return f"/api/v1/ingest/jsonl?{LOG_FIELDS}", "application/x-ndjson"
        kind = "application/json" if form == "otlp-json" else "application/x-protobuf"
        return ("/v1/logs" if signal == "logs" else "/v1/traces"), kind

    def settled(self) -> bool:
        """Whether everything acknowledged is in segments and no bytes of the log are left."""
        return self.get_json("/api/v1/status")["storage"]["wal_bytes"] == 0

    def count(self, signal: str) -> int:
        return self.sql(f"SELECT count(*) AS n FROM {signal}")[0]["n"]

    def sql(self, statement: str) -> list[dict]:
        return self.lines(self.post("/api/v1/sql?format=ndjson", statement.encode(), "text/plain"))

    def send_question(self, question: str, values: dict) -> bytes:
        asked = self.fill(QUESTIONS[question], values)
        if isinstance(asked, str):
            return self.post("/api/v1/sql?format=ndjson", asked.encode(), "text/plain")
        signal, text, limit = asked
        if signal == "trace":
            return self.get(f"/api/v1/traces/{text}")
        return self.get("/api/v1/search", {"q": text, "signal": signal, "limit": limit})

    def rows(self, question: str, body: bytes) -> list:
        if question == "trace_by_id":
            return self._trace(body)
        objects = self.lines(body)
        return [[row.get(name) for name in COLUMNS.get(question, ("n",))] for row in objects]

    def _trace(self, body: bytes) -> list:
        spans = json.loads(body)["spans"]
        return [[s["span_id"], s.get("parent_span_id", ""), s["service"], s["name"], s["time"], s["duration_ns"]] for s in spans]

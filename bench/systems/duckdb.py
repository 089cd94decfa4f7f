"""DuckDB in process: two tables in one database file, loaded in one statement each and sorted by service and time.

Attributes of spans are a VARIANT, which DuckDB stores as columns where it can; the level of compression is its default.
"""

import os
import string

import duckdb

LOG_COLUMNS = {name: "VARCHAR" for name in ("time", "level", "service", "message", "host", "thread", "region", "trace_id", "span_id")}
SPAN_COLUMNS = {
    "start_ns": "BIGINT",
    "duration_ns": "BIGINT",
    **{
        name: "VARCHAR"
        for name in ("service", "name", "kind", "status", "status_message", "trace_id", "span_id", "parent_span_id", "scope")
    },
    "resource": "JSON",
    "attributes": "JSON",
    "events": "JSON",
}

MINUTE = "epoch_ns(date_trunc('minute', time))"
LOG_ROW = "SELECT epoch_ns(time), service, body FROM logs WHERE "
SPANS_BY_ID = "SELECT span_id, parent_span_id, service, name, epoch_ns(time), duration_ns FROM spans WHERE "
MILLISECONDS = "TRY_CAST(split_part(split_part(body, ' in ', 2), ' ms', 1) AS BIGINT)"
NUMBERS = f"(SELECT {MILLISECONDS} AS ms FROM logs WHERE contains(body, 'completed with status')) WHERE ms IS NOT NULL"

QUESTIONS = {
    # A word: the cheap test first, then its borders.
    "rare_word": LOG_ROW + r"contains(lower(body), '$rare_word') AND regexp_matches(body, '(?i)\b$rare_word\b')",
    "phrase": "SELECT count(*) FROM logs WHERE contains(lower(body), '$phrase')",
    "substring": "SELECT count(*) FROM logs WHERE contains(body, '$substring')",
    "regex": "SELECT count(*) FROM logs WHERE regexp_matches(body, '$regex')",
    "absent_word": LOG_ROW + r"contains(lower(body), '$absent_word')",
    "needle_id": LOG_ROW + "trace_id = '$needle_trace_id'",
    "frequent_word": r"SELECT count(*) FROM logs WHERE contains(lower(body), '$frequent_word') AND regexp_matches(body, '(?i)\b$frequent_word\b')",
    "level_per_minute": f"SELECT level, {MINUTE}, count(*) FROM logs GROUP BY ALL",
    "top_services": "SELECT service, count(*) AS n FROM logs GROUP BY service ORDER BY n DESC, service LIMIT 10",
    "errors_by_service": "SELECT service, count(*) FROM logs WHERE level = 'error' GROUP BY service",
    "last_100": "SELECT epoch_ns(time), body FROM logs WHERE service = '$busy_service' ORDER BY time DESC LIMIT 100",
    "number_quantiles": f"SELECT approx_quantile(ms, 0.5), approx_quantile(ms, 0.99) FROM {NUMBERS}",
    "distinct_traces": "SELECT count(DISTINCT trace_id) FROM logs",
    "unforeseen_logs": "SELECT thread, count(*) FROM logs WHERE level = 'warn' AND region = 'eu-west' GROUP BY thread",
    "trace_by_id": SPANS_BY_ID + "trace_id = '$trace_id'",
    "attribute_duration": "SELECT epoch_ns(time), span_id FROM spans WHERE attributes['http.response.status_code']::BIGINT = 500"
    " AND duration_ns > 100000000 ORDER BY time DESC LIMIT 20",
    "structural": "SELECT count(*) FROM spans c JOIN spans p ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id"
    " WHERE c.status = 'error' AND p.service = '$busy_service'",
    "quantiles_by_service": "SELECT service, approx_quantile(duration_ns, 0.5), approx_quantile(duration_ns, 0.99) FROM spans GROUP BY service",
    "span_errors_by_service": "SELECT service, count(*) FROM spans WHERE status = 'error' GROUP BY service",
    "top_services_spans": "SELECT service, count(*) AS n FROM spans GROUP BY service ORDER BY n DESC, service LIMIT 10",
    "status_per_minute": f"SELECT status, {MINUTE}, count(*) FROM spans GROUP BY ALL",
    "rare_attribute": "SELECT trace_id, span_id FROM spans WHERE attributes['customer.tier']::VARCHAR = '$rare_tier'",
    "query_text_substring": "SELECT count(*) FROM spans WHERE contains(attributes['db.query.text']::VARCHAR, '$query_text')",
    "p99_per_minute": f"SELECT {MINUTE}, approx_quantile(duration_ns, 0.99) FROM spans WHERE service = '$busy_service' GROUP BY ALL",
    "unforeseen_spans": "SELECT attributes['http.route']::VARCHAR AS route, count(*) FROM spans WHERE service = '$busy_service'"
    " AND kind = 'server' AND duration_ns > 50000000 GROUP BY route",
}


def _band(value: str, quantile: float) -> str:
    """Values one percentage point of rank (at least two ranks) below and above a quantile, exactly."""
    sorted_values = f"list_sort(list({value}))"
    slack = "greatest(0.01, 2.0 / count(*))"
    low = f"{sorted_values}[greatest(1, floor(({quantile} - {slack}) * count(*)))::BIGINT]"
    high = f"{sorted_values}[least(count(*), ceil(({quantile} + {slack}) * count(*)))::BIGINT]"
    return f"{low}, {high}"


# Quantiles are estimates everywhere; these say exactly between which values an answer must lie.
BANDS = {
    "number_quantiles": f"SELECT {_band('ms', 0.5)}, {_band('ms', 0.99)} FROM {NUMBERS}",
    "quantiles_by_service": f"SELECT service, {_band('duration_ns', 0.5)}, {_band('duration_ns', 0.99)} FROM spans GROUP BY service",
    "p99_per_minute": f"SELECT {MINUTE}, {_band('duration_ns', 0.99)} FROM spans WHERE service = '$busy_service' GROUP BY ALL",
}


def _read(files: list[str], columns: dict) -> str:
    names = ", ".join(f"'{file}'" for file in files)
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    return f"read_json([{names}], format = 'newline_delimited', columns = {{{types}}})"


class Engine:
    """What `harness.worker` calls."""

    def __init__(self, folder: str):
        os.makedirs(folder, exist_ok=True)
        self.connection = duckdb.connect(os.path.join(folder, "bench.db"))

    def version(self) -> str:
        return duckdb.__version__

    def create(self) -> None:
        """Tables are made by `load`."""

    def load(self, signal: str, files: list[str]) -> None:
        if signal == "logs":
            self.connection.execute(
                "CREATE TABLE logs AS SELECT time::TIMESTAMP_NS AS time, level, service, message AS body, host, thread, region,"
                f" trace_id, span_id FROM {_read(files, LOG_COLUMNS)} ORDER BY service, time"
            )
        else:
            self.connection.execute(
                "CREATE TABLE spans AS SELECT make_timestamp_ns(start_ns) AS time, duration_ns, service, name, kind, status,"
                " status_message, trace_id, span_id, parent_span_id, scope, resource::VARIANT AS resource,"
                f" attributes::VARIANT AS attributes, events FROM {_read(files, SPAN_COLUMNS)} ORDER BY service, time"
            )

    def load_wide(self, files: list[str]) -> None:
        names = ", ".join(f"'{file}'" for file in files)
        self.connection.execute(f"CREATE TABLE wide AS SELECT json FROM read_json_objects([{names}], format = 'newline_delimited')")

    def settle(self) -> None:
        self.connection.execute("CHECKPOINT")

    def count(self, table: str) -> int:
        return self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def questions(self) -> dict:
        return QUESTIONS

    def ask(self, question: str, values: dict) -> list:
        return self._rows(QUESTIONS[question], values)

    def bands(self, question: str, values: dict) -> list:
        return self._rows(BANDS[question], values)

    def _rows(self, text: str, values: dict) -> list:
        return self.connection.execute(string.Template(text).substitute(values)).fetchall()

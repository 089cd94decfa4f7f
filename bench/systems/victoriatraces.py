"""VictoriaTraces: one binary over HTTP with its default settings; spans come as OTLP, questions are LogsQL over span fields.

Not run when written: no binary was at hand. It has no join of spans with their parents, so `structural` is not asked.
"""

from harness.server import Server

SERVICE = '"resource_attr:service.name"'

QUESTIONS = {
    "trace_by_id": 'trace_id:="$trace_id" | fields span_id, parent_span_id, "resource_attr:service.name", name, start_time_unix_nano, duration',
    "attribute_duration": '"span_attr:http.response.status_code":=500 duration:>100000000'
    " | sort by (start_time_unix_nano) desc limit 20 | fields start_time_unix_nano, span_id",
    "quantiles_by_service": f"* | stats by ({SERVICE}) quantile(0.5, duration) p50, quantile(0.99, duration) p99",
    "span_errors_by_service": f"status_code:=2 | stats by ({SERVICE}) count() n",
    "top_services_spans": f"* | top 10 by ({SERVICE})",
    "status_per_minute": "* | stats by (status_code, _time:1m) count() n",
    "rare_attribute": '"span_attr:customer.tier":="$rare_tier" | fields trace_id, span_id',
    "query_text_substring": '"span_attr:db.query.text":~"$query_text" | stats count() n',
    "p99_per_minute": f'{SERVICE}:="$busy_service" | stats by (_time:1m) quantile(0.99, duration) p99',
    "unforeseen_spans": f'{SERVICE}:="$busy_service" kind:="2" duration:>50000000 | stats by ("span_attr:http.route") count() n',
}

NAME = "resource_attr:service.name"
COLUMNS = {
    "trace_by_id": ("span_id", "parent_span_id", NAME, "name", "start_time_unix_nano", "duration"),
    "attribute_duration": ("start_time_unix_nano", "span_id"),
    "quantiles_by_service": (NAME, "p50", "p99"),
    "span_errors_by_service": (NAME, "n"),
    "top_services_spans": (NAME, "hits"),
    "status_per_minute": ("status_code", "_time", "n"),
    "rare_attribute": ("trace_id", "span_id"),
    "p99_per_minute": ("_time", "p99"),
    "unforeseen_spans": ("span_attr:http.route", "n"),
}
STATUS = {"0": "unset", "1": "ok", "2": "error"}


class System(Server):
    """`victoria-traces-prod` on a free port."""

    name = "victoriatraces"
    signals = ("spans",)
    forms = {"spans": "otlp"}

    def __init__(self, binary, folder):
        super().__init__(folder)
        self.binary = binary

    def command(self) -> list[str]:
        return [str(self.binary), f"-storageDataPath={self.folder}", f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y"]

    def ready_path(self) -> str:
        return "/health"

    def version(self) -> str:
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith("vm_app_version{"):
                return line.split('short_version="')[1].split('"')[0]
        return ""

    def target(self, signal: str, form: str) -> tuple[str, str]:
        kind = "application/json" if form == "otlp-json" else "application/x-protobuf"
        return "/insert/opentelemetry/v1/traces", kind

    def settle(self) -> None:
        self.get("/internal/force_flush")
        super().settle()

    def count(self, signal: str) -> int:
        return int(self.lines(self.get("/select/logsql/query", {"query": "span_id:* | stats count() n"}))[0]["n"])

    def send_question(self, question: str, values: dict) -> bytes:
        return self.get("/select/logsql/query", {"query": self.fill(QUESTIONS[question], values)})

    def rows(self, question: str, body: bytes) -> list:
        rows = [[row.get(name) for name in COLUMNS.get(question, ("n",))] for row in self.lines(body)]
        if question == "status_per_minute":
            return [[STATUS.get(str(status), status), moment, n] for status, moment, n in rows]
        return rows

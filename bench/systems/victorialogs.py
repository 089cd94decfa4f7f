"""VictoriaLogs: one binary over HTTP with its default settings, the service as its only stream field.

It acknowledges from memory and flushes every second. Not run when written: no binary was at hand.
"""

from harness.compare import nanoseconds
from harness.server import Server

FIELDS = "_stream_fields=service&_time_field=time&_msg_field=message"

QUESTIONS = {
    "rare_word": 'i("$rare_word") | fields _time, service, _msg',
    "phrase": 'i("$phrase") | stats count() n',
    "substring": '~"$substring" | stats count() n',
    "regex": '~"$regex" | stats count() n',
    "absent_word": 'i("$absent_word") | fields _time, service, _msg',
    "needle_id": 'trace_id:="$needle_trace_id" | fields _time, service, _msg',
    "frequent_word": 'i("$frequent_word") | stats count() n',
    "level_per_minute": "* | stats by (level, _time:1m) count() n",
    "top_services": "* | top 10 by (service)",
    "errors_by_service": "level:=error | stats by (service) count() n",
    "last_100": '{service="$busy_service"} | sort by (_time) desc limit 100 | fields _time, _msg',
    "number_quantiles": '"completed with status" | extract " in <ms> ms" from _msg | stats quantile(0.5, ms) p50, quantile(0.99, ms) p99',
    "distinct_traces": 'trace_id:* | stats count_uniq(trace_id) n',
    "unforeseen_logs": 'level:="warn" region:="eu-west" | stats by (thread) count() n',
}

COLUMNS = {
    "rare_word": ("_time", "service", "_msg"),
    "absent_word": ("_time", "service", "_msg"),
    "needle_id": ("_time", "service", "_msg"),
    "level_per_minute": ("level", "_time", "n"),
    "top_services": ("service", "hits"),
    "errors_by_service": ("service", "n"),
    "last_100": ("_time", "_msg"),
    "number_quantiles": ("p50", "p99"),
    "unforeseen_logs": ("thread", "n"),
}


class System(Server):
    """`victoria-logs-prod` on a free port."""

    name = "victorialogs"
    signals = ("logs",)
    forms = {"logs": "jsonl"}

    def __init__(self, binary, folder):
        super().__init__(folder)
        self.binary = binary

    def command(self) -> list[str]:
        # Old data sets are older than the default retention of a week.
        return [str(self.binary), f"-storageDataPath={self.folder}", f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y"]

    def ready_path(self) -> str:
        return "/health"

    def version(self) -> str:
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith("vm_app_version{"):
                return line.split('short_version="')[1].split('"')[0]
        return ""

    def target(self, signal: str, form: str) -> tuple[str, str]:
        return f"/insert/jsonline?{FIELDS}", "application/stream+json"

    def settle(self) -> None:
        self.get("/internal/force_flush")
        super().settle()

    def count(self, signal: str) -> int:
        return int(self.lines(self.get("/select/logsql/query", {"query": "* | stats count() n"}))[0]["n"])

    def send_question(self, question: str, values: dict) -> bytes:
        return self.get("/select/logsql/query", {"query": self.fill(QUESTIONS[question], values)})

    def rows(self, question: str, body: bytes) -> list:
        rows = [[row.get(name) for name in COLUMNS.get(question, ("n",))] for row in self.lines(body)]
        if question == "level_per_minute":
            return [[level, nanoseconds(moment), n] for level, moment, n in rows]
        return rows

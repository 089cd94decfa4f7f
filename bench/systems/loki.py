"""Grafana Loki: one binary with a file system as its store; the service is the only label, the rest structured metadata.

Not run when written: no binary was at hand. Limits are raised so far that the whole data set is taken and asked for at once;
Loki refuses lines that come late, so records are sent over one connection. Quantiles and distinct values over lines are not
asked where LogQL has no words for them without a range of time steps.
"""

import json

from harness.compare import nanoseconds
from harness.server import Server, free_port

ALL = '{service=~".+"}'
WORD = r"(?i)\\b"

QUESTIONS = {
    "rare_word": ALL + f' |~ "{WORD}$rare_word{WORD}"',
    "phrase": f'sum(count_over_time({ALL} |~ "(?i)$phrase" [$range]))',
    "substring": f'sum(count_over_time({ALL} |= "$substring" [$range]))',
    "regex": f'sum(count_over_time({ALL} |~ "$regex" [$range]))',
    "absent_word": ALL + f' |~ "{WORD}$absent_word{WORD}"',
    "needle_id": ALL + ' | trace_id="$needle_trace_id"',
    "frequent_word": f'sum(count_over_time({ALL} |~ "{WORD}$frequent_word{WORD}" [$range]))',
    "top_services": f"topk(10, sum by (service) (count_over_time({ALL} [$range])))",
    "errors_by_service": f'sum by (service) (count_over_time({ALL} | level="error" [$range]))',
    "last_100": '{service="$busy_service"}',
}
ROWS = ("rare_word", "absent_word", "needle_id", "last_100")

CONFIG = """
auth_enabled: false
server: {{http_listen_address: 127.0.0.1, http_listen_port: {port}, grpc_listen_port: {grpc_port}, log_level: error}}
common:
  path_prefix: {folder}
  replication_factor: 1
  ring: {{instance_addr: 127.0.0.1, kvstore: {{store: inmemory}}}}
  storage: {{filesystem: {{chunks_directory: {folder}/chunks, rules_directory: {folder}/rules}}}}
schema_config:
  configs: [{{from: 2010-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {{prefix: index_, period: 24h}}}}]
limits_config:
  ingestion_rate_mb: 10000
  ingestion_burst_size_mb: 10000
  per_stream_rate_limit: 10GB
  per_stream_rate_limit_burst: 10GB
  reject_old_samples: false
  max_query_length: 0
  max_entries_limit_per_query: 100000
  allow_structured_metadata: true
ingester: {{chunk_idle_period: 10s, max_chunk_age: 48h}}
"""


class System(Server):
    """`loki` on free ports."""

    name = "loki"
    signals = ("logs",)
    forms = {"logs": "jsonl"}

    def __init__(self, binary, folder):
        super().__init__(folder)
        self.binary = binary
        self.config = self.folder.with_suffix(".yaml")

    def command(self) -> list[str]:
        if not self.config.exists():
            self.config.write_text(CONFIG.format(port=self.port, grpc_port=free_port(), folder=self.folder))
        return [str(self.binary), f"-config.file={self.config}"]

    def ready_path(self) -> str:
        return "/ready"

    def version(self) -> str:
        return self.get_json("/loki/api/v1/status/buildinfo").get("version", "")

    def load(self, signal, files, connections=2, form=None) -> None:
        super().load(signal, files, connections=1, form=form)

    def target(self, signal: str, form: str) -> tuple[str, str]:
        return "/loki/api/v1/push", "application/json"

    def send(self, signal: str, form: str, body: bytes) -> None:
        """JSON lines become a push request; this costs time of the sender, not of Loki."""
        streams: dict = {}
        for line in body.splitlines():
            record = json.loads(line)
            moment = nanoseconds(record.pop("time"))
            metadata = {name: str(value) for name, value in record.items() if name not in ("service", "message")}
            streams.setdefault(record["service"], []).append([str(moment), record["message"], metadata])
        push = {"streams": [{"stream": {"service": service}, "values": values} for service, values in streams.items()]}
        super().send(signal, form, json.dumps(push).encode())

    def settle(self) -> None:
        self.post("/flush", b"", "text/plain")
        super().settle()

    def send_question(self, question: str, values: dict) -> bytes:
        start, end = int(values["start_ns"]), int(values["end_ns"]) + 10**9
        seconds = (end - start) // 10**9 + 1
        text = self.fill(QUESTIONS[question], {**values, "range": f"{seconds}s"})
        if question in ROWS:
            limit = 100 if question == "last_100" else 10_000
            return self.get("/loki/api/v1/query_range", {"query": text, "start": start, "end": end, "limit": limit})
        return self.get("/loki/api/v1/query", {"query": text, "time": end})

    def rows(self, question: str, body: bytes) -> list:
        result = json.loads(body)["data"]["result"]
        if question in ROWS:
            columns = (lambda service, m, line: [m, line]) if question == "last_100" else (lambda service, m, line: [m, service, line])
            return [columns(stream["stream"].get("service"), value[0], value[1]) for stream in result for value in stream["values"]]
        if question in ("top_services", "errors_by_service"):
            return [[series["metric"]["service"], int(series["value"][1])] for series in result]
        return [[int(series["value"][1])] for series in result] or [[0]]

"""Grafana Tempo: one binary with a local folder as its store; spans come as OTLP, questions are TraceQL.

Not run when written: no binary was at hand. Tempo searches for traces and shows some spans of each, so only the questions are
asked whose whole answer it can give: a trace by id, and spans found by attributes with the limits raised far enough.
"""

import base64
import json
import threading

from harness.server import Server, free_port

QUESTIONS = {
    "trace_by_id": "$trace_id",
    "rare_attribute": '{ span.customer.tier = "$rare_tier" }',
}
SPANS_MAX = 100

CONFIG = """
server: {{http_listen_address: 127.0.0.1, http_listen_port: {port}, grpc_listen_port: {grpc_port}, log_level: error}}
distributor: {{receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp_port}"}}}}}}}}}}
ingester: {{trace_idle_period: 1s, max_block_duration: 30s, complete_block_timeout: 1m}}
storage:
  trace: {{backend: local, wal: {{path: {folder}/wal}}, local: {{path: {folder}/blocks}}}}
overrides: {{defaults: {{ingestion: {{rate_limit_bytes: 10000000000, burst_size_bytes: 10000000000, max_traces_per_user: 0}}}}}}
"""


class System(Server):
    """`tempo` on free ports."""

    name = "tempo"
    signals = ("spans",)
    forms = {"spans": "otlp"}

    def __init__(self, binary, folder):
        super().__init__(folder)
        self.binary = binary
        self.config = self.folder.with_suffix(".yaml")
        self.otlp_port = free_port()

    def command(self) -> list[str]:
        if not self.config.exists():
            text = CONFIG.format(port=self.port, grpc_port=free_port(), otlp_port=self.otlp_port, folder=self.folder)
            self.config.write_text(text)
        return [str(self.binary), f"-config.file={self.config}"]

    def ready_path(self) -> str:
        return "/ready"

    def version(self) -> str:
        return self.get_json("/api/status/buildinfo").get("version", "")

    def target(self, signal: str, form: str) -> tuple[str, str]:
        kind = "application/json" if form == "otlp-json" else "application/x-protobuf"
        return "/v1/traces", kind

    def send(self, signal: str, form: str, body: bytes) -> None:
        """OTLP has a port of its own."""
        sender = getattr(self.local, "sender", None)
        if sender is None:
            sender = self.local.sender = Sender(self)
        sender.send(signal, form, body)

    def settle(self) -> None:
        self.get("/flush")
        super().settle()

    def send_question(self, question: str, values: dict) -> bytes:
        text = self.fill(QUESTIONS[question], values)
        if question == "trace_by_id":
            return self.get(f"/api/traces/{text}")
        start, end = int(values["start_ns"]) // 10**9, int(values["end_ns"]) // 10**9 + 60
        return self.get("/api/search", {"q": text, "start": start, "end": end, "limit": 10_000, "spss": SPANS_MAX})

    def rows(self, question: str, body: bytes) -> list:
        answer = json.loads(body)
        if question == "rare_attribute":
            return [
                [found["traceID"].rjust(32, "0"), span["spanID"].rjust(16, "0")]
                for found in answer.get("traces", [])
                for spans in found.get("spanSets", [])
                for span in spans["spans"]
            ]
        rows = []
        for resource in answer.get("batches") or answer["trace"]["resourceSpans"]:
            service = next(a["value"]["stringValue"] for a in resource["resource"]["attributes"] if a["key"] == "service.name")
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                    rows.append([_hex(span["spanId"]), _hex(span.get("parentSpanId", "")), service, span["name"], start, end - start])
        return rows


class Sender(Server):
    """A connection to the OTLP port of a running Tempo."""

    name = "tempo"

    def __init__(self, tempo: System):
        self.port, self.target = tempo.otlp_port, tempo.target
        self.local, self.waits, self.process = threading.local(), 0, tempo.process


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()

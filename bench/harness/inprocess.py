"""A system that runs inside a python process of its own (`harness.worker`) and is spoken to over a pipe."""

import importlib.util
import json
import pathlib
import subprocess
import sys

from harness import measure
from harness.server import Refused


class InProcess:
    """The same members as `harness.server.Server`. Wall and processor time are taken around the call, inside the process."""

    in_process = True
    signals = ("logs", "spans")
    forms = {"logs": "jsonl", "spans": "jsonl"}

    def __init__(self, name: str, module: str, folder: pathlib.Path, options: dict | None = None):
        self.name, self.module, self.options = name, module, options or {}
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen | None = None
        self.log = self.folder.with_suffix(".log")
        self._version = ""
        self.questions: list[str] = []

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        command = [sys.executable, "-m", "harness.worker", self.module, str(self.folder / "data"), json.dumps(self.options)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        hello = self._read()
        self._version, self.questions = hello["version"], hello["questions"]

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise Refused(f"{self.name} ended with code {self.process.wait()}:\n{tail}")
        return json.loads(line)

    def call(self, method: str, *arguments) -> dict:
        """Value, wall_ms and cpu_ms."""
        print(json.dumps([method, arguments]), file=self.process.stdin, flush=True)
        answer = self._read()
        if "error" in answer:
            raise Refused(f"{self.name}: {answer['error']}")
        return answer

    def version(self) -> str:
        return self._version

    def program_files(self) -> list[pathlib.Path]:
        """The libraries of the peer."""
        package = {"clickhouse": "chdb", "duckdb": "_duckdb"}[self.module]
        spec = importlib.util.find_spec(package)
        roots = [pathlib.Path(path) for path in spec.submodule_search_locations or [pathlib.Path(spec.origin).parent]]
        return [path for root in roots for path in root.glob("*.so")]

    def cpu_s(self) -> float:
        return measure.cpu_s(self.pid)

    def peak_mb(self) -> float:
        return measure.peak_mb(self.pid)

    def disk_bytes(self) -> int:
        if self.module == "clickhouse":
            return self.call("active_bytes")["value"]
        return measure.disk_bytes(self.folder)

    def create(self) -> None:
        self.call("create")

    def load(self, signal: str, files: list[pathlib.Path], connections: int = 1, form: str | None = None) -> None:
        self.call("load", signal, [str(file) for file in files])

    def settle(self) -> None:
        self.call("settle")

    def count(self, table: str) -> int:
        return self.call("count", table)["value"]

    def can_ask(self, question: str) -> bool:
        return question in self.questions

    def ask(self, question: str, values: dict) -> tuple[list, float, float]:
        """Rows, wall and processor milliseconds."""
        answer = self.call("ask", question, values)
        return answer["value"], answer["wall_ms"], answer["cpu_ms"]

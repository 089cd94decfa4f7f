"""A real server as a child process, with its ports, its folder and its log."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import time

from harness.api import Api, Problem, wait_for
from harness.host import free_port

LISTENERS = ["http", "otlp_grpc", "otlp_http", "raw_tcp", "raw_udp", "syslog"]
FAULT = re.compile(r"\b(WARN|ERROR)\b|panicked at")
ADDRESS_SPACE_MAX = 16 << 30
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def binary() -> str:
    return os.environ["CLEWLINE_BIN"]


def bounded() -> None:
    """A server that runs away dies before it takes the machine with it."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_MAX, ADDRESS_SPACE_MAX))


class Server:
    """`clewline serve` on free ports. May be stopped, killed and started again on the same folder and ports."""

    def __init__(self, folder: pathlib.Path, host: str = "127.0.0.1", settings: dict | None = None, data: pathlib.Path | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.data = data or folder / "data"
        self.log = folder / "server.log"
        self.host = host
        self.ports = {name: free_port() for name in LISTENERS}
        self.settings = dict(settings or {})
        self.allowed: list[re.Pattern] = []
        self.process: subprocess.Popen | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def api(self) -> Api:
        return Api(self.base)

    def address(self, name: str) -> tuple[str, int]:
        return ("127.0.0.1", self.ports[name])

    def command(self) -> list[str]:
        command = [binary(), "serve", "--data.folder", str(self.data)]
        for name, port in self.ports.items():
            command += [f"--listen.{name}", f"{self.host}:{port}"]
        for name, value in self.settings.items():
            command += [f"--{name}", str(value)]
        return command

    def start(self, timeout: float = 60) -> "Server":
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=bounded)
        try:
            wait_for("the server is ready", self._ready, timeout, pause=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()[-3000:]}") from None
        return self

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}\n{self.text()[-3000:]}")
        return self.api.raw("GET", "/ready", timeout=5).status_code == 200

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no goodbye, no flush."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, timeout: float = 60) -> None:
        """SIGTERM and a clean end."""
        if not self.running():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server did not end within {timeout} s of SIGTERM\n{self.text()[-2000:]}") from None
        assert code == 0, f"the server ended with {code} after SIGTERM\n{self.text()[-2000:]}"

    def text(self) -> str:
        return COLOUR.sub("", self.log.read_text(errors="replace")) if self.log.exists() else ""

    def allow(self, pattern: str) -> None:
        """A WARN or ERROR line that a test provokes on purpose."""
        self.allowed.append(re.compile(pattern))

    def faults(self) -> list[str]:
        """Lines of the log nobody expected."""
        lines = [line for line in self.text().splitlines() if FAULT.search(line)]
        return [line for line in lines if not any(pattern.search(line) for pattern in self.allowed)]

    def forget_memory_peak(self) -> None:
        """Starts the count of peak memory anew (proc(5), clear_refs)."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def memory_peak_bytes(self) -> int:
        """Peak resident memory, from /proc/<pid>/status."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def settled(api: Api, timeout: float = 10) -> dict:
    """The status once nothing is on its way any more: two equal looks, half a second apart."""
    deadline = time.monotonic() + timeout
    before = api.status()
    while True:
        time.sleep(0.5)
        now = api.status()
        if now["received"] == before["received"] and now["stored"] == before["stored"] or time.monotonic() > deadline:
            return now
        before = now


def books(api: Api) -> dict[str, dict[str, float]]:
    """What /metrics says happened to the records of each signal, summed over doors and reasons."""
    sums: dict[str, dict[str, float]] = {}
    for sample, value in api.metrics().items():
        match = re.fullmatch(r'clewline_records_(\w+)_total\{.*signal="(\w+)".*\}', sample)
        if match:
            line = sums.setdefault(match[2], dict.fromkeys(("received", "stored", "duplicate", "rejected", "dropped"), 0))
            line[match[1]] += value
    return sums


def check_books(api: Api) -> None:
    """received = stored + duplicate + rejected + dropped, for every signal, in the metrics and in the status alike."""
    status = settled(api)
    for signal_name, line in books(api).items():
        accounted = line["stored"] + line["duplicate"] + line["rejected"] + line["dropped"]
        assert line["received"] == accounted, f"{signal_name}: received {line['received']}, accounted for {line}"
        for part in ("received", "stored", "duplicate", "rejected"):
            assert status[part][signal_name] == line[part], f"{signal_name}: the status says {part} {status[part]}, /metrics {line}"


__all__ = ["Problem", "Server", "binary", "books", "check_books", "settled"]

"""A system that runs as a server of its own and is spoken to over HTTP."""

import http.client
import json
import pathlib
import socket
import string
import subprocess
import sys
import threading
import time
import urllib.parse

from harness import measure

START_TIMEOUT_S = 120
SETTLE_TIMEOUT_S = 300
STOP_TIMEOUT_S = 60
# A busy server is given this long for one request.
REQUEST_TIMEOUT_S = 300
# Before a body is sent again, unless the server says how long; never more than a second.
RETRY_S = 0.2
# At rest: less than this share of a core for this long.
REST_SHARE, REST_S = 0.03, 2.0


class Refused(Exception):
    """The server answered, but not with what was asked for."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Start, stop, send, ask, measure. What differs between systems is in `systems`.

    A system has `name`, `signals` it takes, `forms` (of which files: jsonl, otlp) by signal, and says how to start it
    (`command`), where to send a body (`target`), how to ask a question (`send_question`) and how to read the answer (`rows`).
    """

    in_process = False

    def __init__(self, folder: pathlib.Path):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.log = self.folder.with_suffix(".log")
        self.local = threading.local()
        self.waits = 0
        # Runs in the new process before the program does.
        self.before_start = None

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, preexec_fn=self.before_start
            )
        self.local = threading.local()
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if self.process.poll() is not None:
                raise Refused(f"{self.name} ended with code {self.process.returncode}:\n{self.log_tail()}")
            try:
                self.get(self.ready_path())
                return
            except (OSError, http.client.HTTPException, Refused) as error:
                if time.monotonic() > deadline:
                    self.stop()
                    raise Refused(f"{self.name} was not ready after {START_TIMEOUT_S} s: {error}\n{self.log_tail()}") from None
                time.sleep(0.02)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def program_files(self) -> list[pathlib.Path]:
        return [pathlib.Path(self.command()[0])]

    # Measuring

    def cpu_s(self) -> float:
        return measure.cpu_s(self.pid)

    def peak_mb(self) -> float:
        return measure.peak_mb(self.pid)

    def disk_bytes(self) -> int:
        return measure.disk_bytes(self.folder)

    # HTTP

    def request(self, method: str, target: str, body: bytes | None = None, headers: dict | None = None) -> bytes:
        """The body of a success. One connection for each thread, kept open."""
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
            self.local.connection = connection
        try:
            try:
                connection.request(method, target, body, headers or {})
            except (BrokenPipeError, ConnectionResetError):
                # A busy server may answer before it has read the body, and close: the answer is there all the same.
                pass
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.local.connection = None
            raise
        if response.status >= 300:
            error = Refused(f"{self.name} answered {response.status} to {target[:200]}: {answer[:300].decode(errors='replace')}")
            error.status = response.status
            error.retry_after = response.getheader("Retry-After")
            raise error
        return answer

    def get(self, path: str, parameters: dict | None = None) -> bytes:
        return self.request("GET", path + ("?" + urllib.parse.urlencode(parameters) if parameters else ""))

    def get_json(self, path: str, parameters: dict | None = None):
        return json.loads(self.get(path, parameters))

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        return self.request("POST", path, body, {"Content-Type": content_type})

    @staticmethod
    def lines(body: bytes) -> list:
        return [json.loads(line) for line in body.splitlines() if line]

    @staticmethod
    def fill(text, values: dict):
        """Puts values into $names of a text, or of the texts in a tuple."""
        if isinstance(text, tuple):
            return tuple(Server.fill(member, values) for member in text)
        return string.Template(text).substitute(values) if isinstance(text, str) else text

    # Data in

    def create(self) -> None:
        """Tables are made by the server itself."""

    def send(self, signal: str, form: str, body: bytes) -> None:
        """One body. A server that asks to wait, or breaks off because it is busy, is asked again; `waits` counts that."""
        path, content_type = self.target(signal, form)
        deadline = time.monotonic() + REQUEST_TIMEOUT_S
        while True:
            pause_s = RETRY_S
            try:
                self.post(path, body, content_type)
                return
            except Refused as refused:
                if getattr(refused, "status", 0) not in (429, 503) or time.monotonic() > deadline:
                    raise
                pause_s = min(float(refused.retry_after or RETRY_S), 1.0)
            except (OSError, http.client.HTTPException):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
            self.waits += 1
            time.sleep(pause_s)

    def load(self, signal: str, files: list[pathlib.Path], connections: int = 2, form: str | None = None) -> None:
        """Sends files, each as one body, over some connections at once."""
        form = form or self.forms[signal]
        left, lock, errors = iter(files), threading.Lock(), []

        def work() -> None:
            while not errors:
                with lock:
                    file = next(left, None)
                if file is None:
                    return
                try:
                    self.send(signal, form, pathlib.Path(file).read_bytes())
                except Exception as error:  # noqa: BLE001 - raised again below
                    errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def settled(self) -> bool:
        """Whether the system says that no work on what it took is left, where it can say so."""
        return True

    def settle(self) -> None:
        """Waits until flush and merges are done, so that processor time and bytes count all the work."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while not self.settled() and time.monotonic() < deadline:
            time.sleep(0.25)
        before = self.cpu_s()
        while time.monotonic() < deadline:
            time.sleep(REST_S)
            after = self.cpu_s()
            if after - before < REST_SHARE * REST_S:
                return
            before = after

    # Questions

    def can_ask(self, question: str) -> bool:
        return question in self.questions()

    def questions(self) -> dict:
        return sys.modules[type(self).__module__].QUESTIONS

    def ask(self, question: str, values: dict) -> tuple[list, float, float]:
        """Rows, wall and processor milliseconds. The clock runs from the request to the last byte."""
        cpu, wall = self.cpu_s(), time.perf_counter()
        body = self.send_question(question, values)
        wall, cpu = time.perf_counter() - wall, self.cpu_s() - cpu
        return self.rows(question, body), wall * 1e3, cpu * 1e3

"""Real OpenTelemetry SDKs: what they say they exported is what the API answers."""

import os
import shutil
import subprocess
import sys

import pytest

from harness import host, recorded
from harness.host import free_port

REQUESTS = 40


def run(command: list[str], tmp_path, service: str, endpoint: str, more: dict) -> dict:
    record = tmp_path / "record.jsonl"
    folder = os.path.dirname(sys.executable)
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "RECORD": str(record),
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        **more,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Failed to export" not in done.stderr and "Traceback" not in done.stderr, done.stderr[-3000:]
    return recorded.read(record)


def compressed(how: str) -> dict:
    """The variable; "none" is best said by silence, not every SDK knows the word."""
    return {} if how == "none" else {"OTEL_EXPORTER_OTLP_COMPRESSION": how}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_python(server, name, tmp_path, protocol, compression):
    listener = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    exporters = {f"OTEL_{signal}_EXPORTER": "otlp" for signal in ("TRACES", "LOGS", "METRICS")}
    records = run(
        ["opentelemetry-instrument", sys.executable, str(host.E2E / "programs/shop.py"), str(free_port()), str(REQUESTS)],
        tmp_path,
        name,
        f"http://127.0.0.1:{server.ports[listener]}",
        {**exporters, **compressed(compression), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol},
    )
    assert len(records["span"]) == 3 * REQUESTS, "client, server and inner span of every request"
    assert len(records["log"]) > REQUESTS and len(records["point"]) > 10
    recorded.compare(server.api, name, records)
    recorded.compare_traces(server.api, records)
    rows = server.api.search(f'service:="{name}" "out of stock"', signal="spans", limit=1000)
    assert len(rows) == REQUESTS // 5, "exceptions are found by their text"


@pytest.mark.parametrize("protocol", ["json", "proto"])
def test_javascript(server, name, tmp_path, protocol):
    host.program("node")
    if not (host.E2E / "js/node_modules").is_dir():
        host.missing("the packages of e2e/js are not installed; see e2e/setup.sh")
    records = run(
        ["node", str(host.E2E / "js/shop.mjs"), protocol, str(REQUESTS)],
        tmp_path,
        name,
        f"http://127.0.0.1:{server.ports['otlp_http']}",
        {},
    )
    assert len(records["span"]) == 2 * REQUESTS
    assert len(records["log"]) == REQUESTS + REQUESTS // 5 + 1
    kinds = {point["kind"] for point in records["point"]}
    assert kinds == {"gauge", "sum", "histogram", "exponential_histogram"}
    recorded.compare(server.api, name, records)
    recorded.compare_traces(server.api, records)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_go(server, name, tmp_path, compression):
    """Optional: skipped where no Go is, also in CI."""
    go = shutil.which("go")
    if not go:
        pytest.skip("go is not installed")
    program = host.CACHE / "shop-go"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    built = subprocess.run([go, "build", "-o", str(program), "."], cwd=host.E2E / "go", env=environment, capture_output=True, text=True, timeout=400)
    if built.returncode:
        pytest.skip(f"the Go program cannot be built here: {built.stderr.strip().splitlines()[-1]}")
    more = {**compressed(compression), "OTEL_EXPORTER_OTLP_INSECURE": "true"}
    records = run([str(program), str(REQUESTS)], tmp_path, name, f"http://127.0.0.1:{server.ports['otlp_grpc']}", more)
    assert len(records["span"]) == 2 * REQUESTS and len(records["log"]) == REQUESTS and len(records["point"]) >= 5
    recorded.compare(server.api, name, records)
    recorded.compare_traces(server.api, records)


def test_comparison_can_fail():
    """The canary of this file: one changed type, one missing attribute, one wrong bit of time."""
    with pytest.raises(AssertionError):
        recorded.same(1, 1.0, "x")
    with pytest.raises(AssertionError):
        recorded.same(True, 1, "x")
    with pytest.raises(AssertionError):
        recorded.same_attributes({"a": 1}, {}, "x")
    assert recorded.nanoseconds("2026-11-24T02:00:00.123456789Z") == 1795485600123456789

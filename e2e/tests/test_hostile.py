"""Input that nobody should send: a clear error or a partial success, bounded memory, a server that lives, nothing lost."""

import gzip
import json
import random
import socket
import struct
import time
import zlib

import pytest
import requests
import zstandard
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

from harness.api import wait_for
from harness.otlp import log_request, span_request
from harness.server import LISTENERS, check_books

MIB = 1 << 20
# What the settings allow: records in memory 512 MiB, bodies 256 MiB, one query 512 MiB; and the process with what its
# allocator keeps. Far below what an unbounded reader would take.
MEMORY_MAX = 1_800 * MIB
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A server for the whole file; every test ends with the same questions to it."""
    from conftest import Yard

    yard = Yard(tmp_path_factory.mktemp("hostile"))
    server = yard.server()
    server.allow("(?i)malformed|refus|too large|cut|reset|closed|protocol|handshake|WARN.*(client|sender|connection)")
    server.api.jsonl([{"message": f"kept {number}", "service": "before"} for number in range(1000)])
    yield server
    check_books(server.api)
    yard.close()


@pytest.fixture(autouse=True)
def unharmed(target):
    target.forget_memory_peak()
    yield
    if not target.running():
        last = target.text()[-1000:]
        target.start()  # the tests after this one are about other things
        pytest.fail("the server died:\n" + last)
    assert target.api.raw("GET", "/health", timeout=5).status_code == 200
    assert target.api.count("service:before kept") == 1000, "what was accepted before is still there"
    peak = target.memory_peak_bytes()
    assert peak < MEMORY_MAX, f"peak memory {peak // MIB} MiB"


def post(target, path: str, data: bytes, headers: dict) -> requests.Response | None:
    """The answer; None when the server closed the connection instead."""
    try:
        return target.api.raw("POST", path, data=data, headers=headers, timeout=90)
    except requests.ConnectionError:
        return None


def refused(response: requests.Response | None, *statuses: int) -> None:
    assert response is not None and response.status_code in statuses, response and f"{response.status_code} {response.text[:300]}"
    assert "message" in response.text or response.headers["Content-Type"].startswith("application/x-protobuf"), response.text


@pytest.mark.parametrize("listener", LISTENERS)
def test_garbage_on_every_port(target, listener):
    noise = random.Random(listener)
    for start in (b"", b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"<13>1 ", b"999999999 <1>", b"\x00" * 16):
        data = start + noise.randbytes(200_000)
        if listener == "raw_udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(data[:60_000], target.address(listener))
                client.sendto(b"", target.address(listener))
            continue
        with socket.create_connection(target.address(listener), timeout=5) as client:
            client.settimeout(5)
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass
    if listener == "syslog":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for _ in range(50):
                client.sendto(noise.randbytes(noise.randint(0, 2000)), target.address(listener))


def test_connections_that_say_nothing(target):
    idle = [socket.create_connection(target.address(name), timeout=5) for name in ("http", "otlp_grpc", "otlp_http", "raw_tcp", "syslog") for _ in range(60)]
    assert target.api.count("service:before kept") == 1000
    for connection in idle:
        connection.close()


def test_a_body_that_stops_halfway(target):
    for length in ("100000", "99999999999999999999", "-1", "abc"):
        with socket.create_connection(target.address("http"), timeout=5) as client:
            client.sendall(f"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{".encode())
            time.sleep(0.05)
    for chunk in (b"5\r\nab", b"zz\r\n", b"ffffffffffffffff\r\n"):
        with socket.create_connection(target.address("http"), timeout=5) as client:
            client.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
            time.sleep(0.05)


def test_truncated_bodies(target):
    body = json.dumps(log_request("cut", [{"body": {"stringValue": "x" * 50}}] * 20)).encode()
    message = logs_service_pb2.ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    record.body.string_value = "whole"
    binary = message.SerializeToString()
    for data, headers in ((body, JSON), (binary, PROTOBUF)):
        for end in (1, len(data) // 3, len(data) - 1):
            refused(post(target, "/v1/logs", data[:end], headers), 400)
    compressed = gzip.compress(body)
    refused(post(target, "/v1/logs", compressed[: len(compressed) // 2], {**JSON, "Content-Encoding": "gzip"}), 400)
    damaged = bytearray(compressed)
    damaged[-6] ^= 0xFF
    refused(post(target, "/v1/logs", bytes(damaged), {**JSON, "Content-Encoding": "gzip"}), 400)
    assert target.api.count("service:cut") == 0


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces", "/v1/metrics", "/api/v1/ingest/jsonl", "/api/v1/ingest/text"])
def test_bombs(target, path):
    zeros = b" " * (16 * MIB)
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join([squeeze.compress(zeros) for _ in range(64)] + [squeeze.flush()])
    assert len(bomb) < 2 * MIB, "1 GiB in little"
    refused(post(target, path, bomb, {**JSON, "Content-Encoding": "gzip"}), 413)
    squeeze = zstandard.ZstdCompressor(level=3).compressobj()
    bomb = b"".join([squeeze.compress(zeros) for _ in range(64)] + [squeeze.flush()])
    refused(post(target, path, bomb, {**JSON, "Content-Encoding": "zstd"}), 413)
    window = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=30)).compress(b"{}")
    response = post(target, path, window, {**JSON, "Content-Encoding": "zstd"})
    assert response is not None and response.status_code in (200, 400, 413)


def test_oversized(target):
    for path in ("/v1/logs", "/api/v1/ingest/jsonl"):
        response = post(target, path, b"x" * (70 * MIB), JSON)
        assert response is None or response.status_code == 413, response.text
    head = "POST /v1/logs HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-H{i}: {'v' * 1000}\r\n" for i in range(2000)) + "\r\n"
    with socket.create_connection(target.address("http"), timeout=10) as client:
        try:
            client.sendall(head.encode())
            answer = client.recv(100)
            assert answer == b"" or b" 431 " in answer or b" 400 " in answer, answer
        except OSError:
            pass
    response = target.api.raw("GET", "/api/v1/search", params={"q": "a" * 30_000})
    assert response.status_code in (200, 400, 414, 431)
    response = target.api.raw("POST", "/api/v1/search", json={"q": "a" * 100_000})
    assert response.status_code in (400, 413), response.text


def test_deep_json(target):
    depth = 10_000
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    receipt = target.api.post("/api/v1/ingest/jsonl", deep + b'\n{"message":"beside the deep one"}\n').json()
    assert (receipt["accepted"], receipt["rejected"]) == (1, 1) and "nested" in receipt["errors"][0]["message"]
    refused(post(target, "/v1/logs", b'{"resourceLogs":' + b"[" * depth + b"]" * depth + b"}", JSON), 400)
    value = b'{"arrayValue":{"values":[' * depth + b'{"stringValue":"x"}' + b"]}}" * depth
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + value + b'},{"body":{"stringValue":"shallow neighbour"}}]}]}]}'
    response = post(target, "/v1/logs", body, JSON)
    if response.status_code == 200:
        assert int(response.json()["partialSuccess"]["rejectedLogRecords"]) == 1
        assert target.api.count('"shallow neighbour"') == 1
    else:
        refused(response, 400)
    for text in ("(" * 10_000, "!" * 10_000 + "a", '{"q":' * 5_000, "a | limit 1" * 5_000):
        assert target.api.raw("POST", "/api/v1/search", json={"q": text}).status_code == 400


NESTED_SQL = {
    "parentheses": "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "sum": "SELECT 1" + "+1" * 20_000,
    "short sum": "SELECT 1" + "+1" * 2_000,
    "signs": "SELECT " + "- " * 20_000 + "1",
    "not": "SELECT " + "NOT " * 20_000 + "true",
    "or": "SELECT 1 WHERE " + "true OR " * 20_000 + "true",
    "texts": "SELECT 'a'" + "||'a'" * 20_000,
    "casts": "SELECT 1" + "::int" * 20_000,
    "case": "SELECT " + "CASE WHEN true THEN " * 3_000 + "1" + " END" * 3_000,
    "union": "SELECT 1" + " UNION ALL SELECT 1" * 5_000,
    "subqueries": "SELECT * FROM " + "(SELECT * FROM " * 2_000 + "logs" + ") a" * 2_000,
    "names": "SELECT " + "a." * 20_000 + "b FROM logs",
    "with": "WITH " + ",".join(f"c{i} AS (SELECT * FROM {f'c{i - 1}' if i else 'logs'})" for i in range(1_000)) + " SELECT * FROM c999",
}


@pytest.mark.parametrize("kind", NESTED_SQL)
def test_deep_sql(target, kind):
    response = target.api.raw("POST", "/api/v1/sql", data=NESTED_SQL[kind], headers={"Content-Type": "text/plain"})
    assert response.status_code in (200, 400, 413, 422), response.text[:300]


def length_prefixed(field: int, payload: bytes) -> bytes:
    length, out = len(payload), bytearray([field << 3 | 2])
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    return bytes(out) + bytes([length]) + payload


def test_deep_any_value(target):
    value = common_pb2.AnyValue(string_value="bottom").SerializeToString()
    for _ in range(10_000):
        value = length_prefixed(5, length_prefixed(1, value))  # AnyValue.array_value of ArrayValue.values
    record = length_prefixed(5, value)
    data = length_prefixed(1, length_prefixed(2, length_prefixed(2, record)))
    response = post(target, "/v1/logs", data, PROTOBUF)
    if response.status_code == 200:
        answer = logs_service_pb2.ExportLogsServiceResponse.FromString(response.content)
        assert answer.partial_success.rejected_log_records == 1 and answer.partial_success.error_message
    else:
        assert response.status_code == 400


def test_invalid_utf8(target):
    receipt = target.api.post("/api/v1/ingest/text", b"bad utf8 \xff\xfe here\ngood utf8 here\n", service="utf").json()
    assert receipt["accepted"] == 2
    assert {row["body"] for row in target.api.search("service:utf")} == {"bad utf8 \ufffd\ufffd here", "good utf8 here"}
    receipt = target.api.post("/api/v1/ingest/jsonl", b'{"message":"json \xff utf8","service":"utf2"}\n{"message":"lone \\ud800 surrogate","service":"utf2"}\n').json()
    assert receipt["accepted"] + receipt["rejected"] == 2
    assert target.api.count("service:utf2") == receipt["accepted"]
    record = length_prefixed(5, length_prefixed(1, b"proto \xff utf8")) + b"\x09" + struct.pack("<Q", time.time_ns())
    response = post(target, "/v1/logs", length_prefixed(1, length_prefixed(2, length_prefixed(2, record))), PROTOBUF)
    assert response.status_code == 200
    assert target.api.count('"utf8" proto') == 1
    assert target.api.raw("GET", "/api/v1/search?q=%ff").status_code in (200, 400)


def test_absurd_times_and_ids(target):
    times = ["0", "1", "18446744073709551615", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "-5", "1e30", "abc"]
    for time_text in times:
        response = post(target, "/v1/logs", json.dumps(log_request("odd", [{"timeUnixNano": time_text, "body": {"stringValue": f"time {time_text}"}}])).encode(), JSON)
        assert response.status_code in (200, 400), response.text
    for record in ({"timestamp": "yesterday"}, {"timestamp": 1e308}, {"timestamp": "9999-99-99T99:99:99Z"}, {"timestamp": None}, {"timestamp": {"a": 1}}, {"timestamp": "+292277026596-01-01T00:00:00Z"}):
        assert target.api.jsonl([{"message": "odd time", "service": "odd", **record}])["accepted"] == 1
    spans = [{"traceId": "00" * 16, "spanId": "11" * 8}, {"traceId": "zz" * 16, "spanId": "11" * 8}, {"traceId": "11" * 8, "spanId": "11" * 8}, {"traceId": "22" * 16, "spanId": ""}, {"traceId": "33" * 16, "spanId": "44" * 8, "startTimeUnixNano": "2000", "endTimeUnixNano": "1000"}]
    answer = target.api.post("/v1/traces", span_request("odd", spans)).json()
    assert int(answer["partialSuccess"]["rejectedSpans"]) == 4
    tree = target.api.trace("33" * 16)
    assert tree["spans"][0]["duration_ns"] == 0
    assert target.api.search("service:odd", limit=1000) and target.api.get("/api/v1/hits", q="service:odd").status_code == 200


def test_loops_and_twins_in_a_trace(target):
    trace, now = "55" * 16, time.time_ns()
    loop = [{"traceId": trace, "spanId": f"{a:016x}", "parentSpanId": f"{b:016x}", "name": f"{a}"} for a, b in ((1, 2), (2, 1), (3, 3), (4, 99))]
    twins = [{"traceId": trace, "spanId": f"{7:016x}", "name": "twin", "startTimeUnixNano": str(now + i), "endTimeUnixNano": str(now + i + 10)} for i in range(2)]
    same = [{"traceId": trace, "spanId": f"{8:016x}", "name": "same", "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 10)}] * 3
    target.api.post("/v1/traces", span_request("loop", loop + twins + same))
    tree = target.api.trace(trace)
    assert sorted(span["span_id"][-1] for span in tree["spans"]) == ["1", "2", "3", "4", "7", "7", "8"]
    assert any(span.get("missing_parent") for span in tree["spans"]) and tree["problems"]


def test_long_lines_and_values(target, name):
    line = f"{name} " + "x" * (3 * MIB)
    with socket.create_connection(target.address("raw_tcp"), timeout=30) as client:
        client.sendall(line.encode() + b"\n" + f"after {name}\n".encode())
    wait_for("the next line", lambda: target.api.count(f'"after {name}"') == 1)
    receipt = target.api.jsonl([{"message": "y" * (5 * MIB), "service": name, "big": "z" * (3 * MIB)}])
    assert receipt["accepted"] == 1
    row = target.api.search(f'service:="{name}"')[0]
    assert len(row["body"]) <= 5 * MIB and row["body"].startswith("yyyy")


COSTLY_SEARCHES = ["~'(a+)+$'", "~'(.*){1,1000}'", "~'" + "(a|b|c)" * 2000 + "'", "* | stats by (_msg, _time) count()", "~'['"]
COSTLY_SQL = {
    "cross": "SELECT * FROM logs a, logs b, logs c, logs d ORDER BY 1",
    "wide cross": "SELECT a.body || b.body AS c FROM logs a, logs b ORDER BY c",
    "endless": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "repeat": "SELECT repeat('x', 2000000000)",
    "repeat each": "SELECT repeat(body, 100000) FROM logs",
    "pad": "SELECT lpad('x', 2000000000)",
    "join texts": "SELECT string_agg(body, ',') FROM logs a, (SELECT 1 FROM logs LIMIT 1000) b",
    "collect": "SELECT array_agg(a.body) FROM logs a, (SELECT 1 FROM logs LIMIT 1000) b",
    "distinct": "SELECT count(DISTINCT a.body || b.body) FROM logs a, logs b",
    "series": "SELECT * FROM generate_series(1, 100000000000)",
}


@pytest.mark.parametrize("q", COSTLY_SEARCHES, ids=range(len(COSTLY_SEARCHES)))
def test_costly_searches(target, q):
    response = target.api.raw("POST", "/api/v1/search", json={"q": q}, timeout=60)
    assert response.status_code in (200, 400, 422), response.text[:300]


@pytest.mark.parametrize("kind", COSTLY_SQL)
def test_costly_sql(target, kind):
    """An answer, a refusal or a time-out, within the 30 s of query.timeout_s and a little; never the memory of the machine."""
    started = time.monotonic()
    try:
        response = target.api.raw("POST", "/api/v1/sql", data=COSTLY_SQL[kind], headers={"Content-Type": "text/plain"}, timeout=60, stream=True)
        assert response.status_code in (200, 400, 422, 504), response.text[:300]
        size = 0
        for piece in response.iter_content(MIB):
            size += len(piece)
            if size > 50 * MIB:
                break
        response.close()
    except requests.RequestException as error:
        assert target.running(), f"the server died of {COSTLY_SQL[kind]}: {error}"
    assert time.monotonic() - started < 45


def test_hostile_paths_and_headers(target):
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd", "//etc/passwd", "/%00", "/api/v1/fields/%ff%fe/values", "/api/v1/fields/" + "x" * 5000 + "/values", "/api/v1/traces/" + "f" * 5000):
        with socket.create_connection(target.address("http"), timeout=10) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 ") and b"root:x:" not in answer, path
        assert answer.split()[1] in (b"200", b"400", b"404", b"414"), (path, answer[:200])
    response = target.api.raw("POST", "/api/v1/ingest/jsonl", data=b'{"message":"x"}', headers={"Idempotency-Key": "k" * 10_000})
    assert response.status_code == 400


def test_a_million_names(target):
    """1,000,000 distinct attribute names in requests of 20,000 records; then every question still answers."""
    tenant = target.api.as_tenant("names")
    for batch in range(50):
        lines = "".join(f'{{"message":"wide {batch}","k{batch * 20_000 + i}":{i}}}\n' for i in range(20_000))
        assert tenant.post("/api/v1/ingest/jsonl", lines).json()["accepted"] == 20_000
    assert tenant.count("*") == 1_000_000
    assert tenant.count("k777777:*") == 1
    assert len(tenant.get("/api/v1/fields").json()["fields"]) <= 10_000
    wide = json.dumps({"message": "ten thousand names in one record", **{f"w{i}": i for i in range(10_000)}})
    receipt = tenant.post("/api/v1/ingest/jsonl", wide).json()
    assert receipt["accepted"] + receipt["rejected"] == 1

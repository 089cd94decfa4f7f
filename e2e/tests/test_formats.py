"""Answers in every format, pages, receipts and refusals."""

import gzip
import io
import json
import threading
import time

import grpc
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pytest
import requests
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from harness.api import Problem, lines_of, rows_of, wait_for
from harness.otlp import gauge_request, log_request, span_request

ROWS = 500
START = 1_790_000_000_000_000_000


@pytest.fixture
def filled(api, name):
    """A tenant with 500 log records."""
    tenant = api.as_tenant(name)
    levels = ["INFO", "WARN", "ERROR"]
    records = [
        {
            "timeUnixNano": str(START + number * 1_000_000_007),
            "severityNumber": 9 + 4 * (number % 3),
            "severityText": levels[number % 3],
            "body": {"stringValue": f'line {number}, "quoted", comma; ü\nsecond'},
            "traceId": f"{number + 1:032x}",
            "attributes": [
                {"key": "n", "value": {"intValue": str(2**62 + number)}},
                {"key": "half", "value": {"doubleValue": number / 2}},
                {"key": "even", "value": {"boolValue": number % 2 == 0}},
            ],
        }
        for number in range(ROWS)
    ]
    tenant.post("/v1/logs", log_request("formats", records))
    return tenant


def test_search_formats_agree(filled):
    ndjson = filled.search("*", limit=1000)
    assert len(ndjson) == ROWS
    assert [row["time"] for row in ndjson] == sorted((row["time"] for row in ndjson), reverse=True), "newest first"
    assert filled.search("*", limit=1000, order="asc") == ndjson[::-1]
    answer = filled.get("/api/v1/search", limit=1000, format="json")
    assert answer.json()["rows"] == ndjson and answer.json()["cursor"] is None
    assert answer.json()["stats"]["complete"] is True and answer.json()["stats"]["rows"] == ROWS
    by_body = {row["body"]: row for row in ndjson}
    tables = {
        "arrow": pyarrow.ipc.open_stream(filled.get("/api/v1/search", limit=1000, format="arrow").content).read_all(),
        "parquet": pyarrow.parquet.read_table(io.BytesIO(filled.get("/api/v1/search", limit=1000, format="parquet").content)),
        "csv": pyarrow.csv.read_csv(io.BytesIO(filled.get("/api/v1/search", limit=1000, format="csv").content), parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True)),
    }
    for kind, table in tables.items():
        assert table.num_rows == ROWS, kind
        bodies = table.column("body").to_pylist()
        assert bodies == [row["body"] for row in ndjson], f"{kind}: order and text"
        assert table.column("level").to_pylist() == [row["level"] for row in ndjson], kind
        attributes = [json.loads(text) for text in table.column("attributes").to_pylist()]
        assert attributes == [by_body[body]["attributes"] for body in bodies], f"{kind}: attributes"
        assert [row["n"] for row in attributes] == [2**62 + ROWS - 1 - i for i in range(ROWS)], f"{kind}: all digits"


def test_sql_formats_agree(filled):
    text = "SELECT time, level, body, severity_number FROM logs ORDER BY time"
    ndjson = filled.sql(text)
    assert len(ndjson) == ROWS
    arrow = pyarrow.ipc.open_stream(filled.get("/api/v1/sql", q=text, format="arrow").content).read_all()
    parquet = pyarrow.parquet.read_table(io.BytesIO(filled.get("/api/v1/sql", q=text, format="parquet").content))
    for table in (arrow, parquet):
        assert table.column("body").to_pylist() == [row["body"] for row in ndjson]
        assert table.column("severity_number").to_pylist() == [row["severity_number"] for row in ndjson]
        assert [int(time.value) for time in table.column("time")] == [START + number * 1_000_000_007 for number in range(ROWS)]
    for response in (
        filled.raw("POST", "/api/v1/sql", data=text, headers={"Content-Type": "text/plain"}),
        filled.raw("POST", "/api/v1/sql", json={"q": text}),
        filled.raw("POST", "/api/v1/sql", data={"q": text}),
    ):
        assert response.status_code == 200, response.text
        assert rows_of(response) == ndjson
    assert filled.sql("SELECT level, count(*) AS n FROM logs GROUP BY level ORDER BY level") == [
        {"level": "error", "n": 166},
        {"level": "info", "n": 167},
        {"level": "warn", "n": 167},
    ]


def test_search_by_post_and_pipes(filled):
    for response in (
        filled.raw("POST", "/api/v1/search", json={"q": "level:error", "limit": 7}),
        filled.raw("POST", "/api/v1/search", data={"q": "level:error", "limit": 7}),
    ):
        assert response.status_code == 200, response.text
        assert len(rows_of(response)) == 7
    response = filled.get("/api/v1/search", q="* | stats by (level) count() as n, max(n) as most | sort by (n desc, level)")
    assert "X-Clewline-Cursor" not in response.headers
    assert [(row["level"], row["n"]) for row in rows_of(response)] == [("info", 167), ("warn", 167), ("error", 166)]


def test_time_parameters_mean_the_same(filled):
    start, end = START + 100 * 1_000_000_007, START + 200 * 1_000_000_007
    expect = filled.count("*", start=start, end=end)
    assert expect == 100
    from datetime import datetime, timezone

    text = datetime.fromtimestamp(start // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{start % 10**9:09d}Z"
    assert filled.count("*", start=text, end=end) == 100
    assert filled.count("*", start=start // 1000, end=end // 1000 + 1) in (100, 101)
    assert filled.count("*", start="now-1m") == 0


def test_a_wrong_query_names_its_column(filled):
    response = filled.raw("GET", "/api/v1/search", params={"q": "ümlaut | stast by (host) count()"})
    assert response.status_code == 400 and response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "bad_query" and problem["position"]["column"] == 10 and problem["position"]["offset"] == 10
    assert "stats" in problem["hint"] and problem["request_id"]
    for path, params in (("/api/v1/search", {"limit": "many"}), ("/api/v1/search", {"start": "yesterdayish"}), ("/api/v1/search", {"format": "xls"}), ("/api/v1/search", {"signal": "smells"}), ("/api/v1/search", {"cursor": "zzz"}), ("/api/v1/sql", {"q": "SELEKT 1"}), ("/api/v1/sql", {"q": "SELECT nope FROM logs"}), ("/api/v1/sql", {"q": "DROP TABLE logs"}), ("/api/v1/sql", {"q": "SELECT * FROM '/etc/passwd'"}), ("/api/v1/traces/xyz", {})):
        response = filled.raw("GET", path, params=params)
        assert response.status_code == 400, (path, params, response.text)
        assert response.json()["message"], (path, params)
    assert filled.raw("GET", "/api/v1/nothing").status_code == 404
    assert filled.raw("DELETE", "/api/v1/search").status_code == 405


def test_pages_are_exact_while_ingest_goes_on(api, name):
    """Every record that was there before the first page is given exactly once, equal times included."""
    tenant = api.as_tenant(name)
    for batch in range(20):
        tenant.jsonl([{"message": "old", "id": batch * 100 + i, "time": f"2026-11-20T00:00:{(i // 10) % 60:02d}Z"} for i in range(100)], key=f"old-{batch}")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            tenant.jsonl([{"message": "new", "time": f"2026-11-20T00:00:{number % 60:02d}Z"}] * 20)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for order in ("desc", "asc"):
            pages = list(tenant.pages("*", limit=137, order=order))
            rows = [row for page in pages for row in page]
            ids = [row["attributes"]["id"] for row in rows if row["body"] == "old"]
            assert sorted(ids) == list(range(2000)), order
            times = [row["time"] for row in rows]
            assert times == sorted(times, reverse=order == "desc")
            assert len(pages) > 14
    finally:
        stop.set()
        writer.join()


def test_tail(api, name):
    tenant = api.as_tenant(name)
    response = tenant.raw("GET", "/api/v1/tail", params={"q": "level:error"}, stream=True, timeout=30)
    assert response.status_code == 200 and response.headers["Content-Type"].startswith("text/event-stream")
    events, heartbeat = [], threading.Event()

    def read() -> None:
        event = {}
        for line in lines_of(response):
            if line.startswith(":"):
                heartbeat.set()
            elif not line:
                if event:
                    events.append(event)
                event = {}
            else:
                key, _, value = line.partition(":")
                event[key] = value.strip()

    threading.Thread(target=read, daemon=True).start()
    sent = time.monotonic()
    tenant.jsonl([{"message": f"m{i}", "level": "error" if i % 2 else "info"} for i in range(10)])
    wait_for("five events", lambda: len(events) >= 5)
    assert time.monotonic() - sent < 2, "a tail is prompt"
    assert [json.loads(event["data"])["body"] for event in events] == [f"m{i}" for i in (1, 3, 5, 7, 9)]
    assert all(event["event"] == "record" and event["id"] for event in events)
    wait_for("a heartbeat", heartbeat.is_set, timeout=15)
    response.close()
    with pytest.raises(Problem) as problem:
        tenant.get("/api/v1/tail", q="* | stats count()")
    assert problem.value.status == 400


def test_receipts(api, name):
    receipt = api.post("/api/v1/ingest/jsonl", f'{{"message":"good {name}"}}\nnot json\n{{"message":"better {name}"}}\n[1]\n').json()
    assert (receipt["accepted"], receipt["rejected"]) == (2, 2)
    assert [error["line"] for error in receipt["errors"]] == [2, 4] and all(error["message"] for error in receipt["errors"])
    assert api.count(name) == 2
    assert api.post("/api/v1/ingest/text", f"a {name}t\n\nb {name}t\n", service="x").json()["accepted"] == 2
    assert api.count(f"service:x {name}t") == 2
    spans = [{"traceId": "12" * 16, "spanId": "34" * 8, "name": name}, {"traceId": "00", "spanId": "34" * 8, "name": name}]
    answer = api.post("/v1/traces", span_request(name, spans)).json()
    assert int(answer["partialSuccess"]["rejectedSpans"]) == 1 and "trace_id" in answer["partialSuccess"]["errorMessage"]
    assert api.count(f'service:="{name}"', signal="spans") == 1
    assert api.post("/v1/logs", log_request(name, [{"body": {"stringValue": "fine"}}])).json().get("partialSuccess") in (None, {})
    api.post("/v1/metrics", gauge_request(name, "g", [{"asInt": "3"}, {"asDouble": 2.5}]))
    assert api.count(f'service:="{name}"', signal="metrics") == 2


def test_field_parameters(api, name):
    lines = [{"when": "2026-11-01T10:00:00Z", "text": f"hi {name}", "sev": "error", "app": "a", "tid": "5" * 32}]
    api.jsonl(lines, time_field="when", message_field="text", level_field="sev", service_field="app", trace_id_field="tid")
    row = api.search(name)[0]
    assert (row["time"], row["body"], row["level"], row["service"], row["trace_id"]) == ("2026-11-01T10:00:00Z", f"hi {name}", "error", "a", "5" * 32)


def test_repeats_are_recognised(api, name):
    before = api.status()["duplicate"]["logs"]
    for _ in range(3):
        assert api.jsonl([{"message": f"keyed {name}"}], key=f"key {name}")["accepted"] == 1
    body = json.dumps(log_request(name, [{"body": {"stringValue": f"body {name}"}}]))
    for compress in (False, True, False):
        data = gzip.compress(body.encode()) if compress else body.encode()
        encoding = {"Content-Encoding": "gzip"} if compress else {}
        assert api.raw("POST", "/v1/logs", data=data, headers={"Content-Type": "application/json", **encoding}).status_code == 200
    assert api.count(f"keyed {name}") == 1 and api.count(f'"body {name}"') == 1
    assert api.status()["duplicate"]["logs"] >= before + 4
    for _ in range(2):
        api.post("/api/v1/ingest/text", f"line {name}\n")
    assert api.count(f'"line {name}"') == 2, "text has no identity: two equal lines are two records"
    span = {"traceId": "77" * 16, "spanId": "88" * 8, "name": name, "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000000001000"}
    for more in ({}, {"attributes": []}, {"flags": 1}):
        api.post("/v1/traces", span_request(name, [{**span, **more}]))
    assert len(api.trace("77" * 16)["spans"]) == 1, "a span is unique by trace, id and start"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/logs", b"{", {"Content-Type": "application/json"}, 400),
        ("/v1/logs", b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"}, 400),
        ("/v1/logs", b"x", {"Content-Type": "text/plain"}, 415),
        ("/v1/logs", b"x", {"Content-Type": "application/json", "Content-Encoding": "br"}, 415),
        ("/v1/logs", b"not gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 400),
        ("/v1/logs", b"not zstd", {"Content-Type": "application/json", "Content-Encoding": "zstd"}, 400),
        ("/v1/traces", gzip.compress(b"{}")[:-5], {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 400),
        ("/v1/metrics", b"x" * (65 << 20), {"Content-Type": "application/x-protobuf"}, 413),
        ("/api/v1/ingest/jsonl", b"x" * (65 << 20), {}, 413),
    ],
    ids=lambda value: value if isinstance(value, (str, int)) else None,
)
def test_refused_bodies(api, path, body, headers, status):
    try:
        response = api.raw("POST", path, data=body, headers=headers)
    except requests.ConnectionError:
        assert status == 413, "only a body that is too large may be answered by closing the connection"
        return
    assert response.status_code == status, response.text
    if headers.get("Content-Type") == "application/x-protobuf":
        assert status_pb2.Status.FromString(response.content).message
    else:
        assert response.json()["message"]


def channel(server) -> grpc.Channel:
    return grpc.insecure_channel("127.0.0.1:%d" % server.ports["otlp_grpc"], options=[("grpc.max_send_message_length", -1)])


def test_grpc_status_codes(server, name):
    with channel(server) as connection:
        logs = logs_service_pb2_grpc.LogsServiceStub(connection)
        request = logs_service_pb2.ExportLogsServiceRequest()
        record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
        record.body.string_value = f"by grpc {name}"
        answer = logs.Export(request, timeout=10)
        assert answer.partial_success.rejected_log_records == 0
        assert server.api.count(name) == 1
        tenant = f"{name}-g"
        logs.Export(request, timeout=10, metadata=[("x-scope-orgid", tenant)], compression=grpc.Compression.Gzip)
        assert server.api.as_tenant(tenant).count(name) == 1 and server.api.count(name) == 1
        traces = trace_service_pb2_grpc.TraceServiceStub(connection)
        spans = trace_service_pb2.ExportTraceServiceRequest()
        scope = spans.resource_spans.add().scope_spans.add()
        scope.spans.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8, name="good", start_time_unix_nano=time.time_ns(), end_time_unix_nano=time.time_ns())
        scope.spans.add(trace_id=b"\x01", span_id=b"\x02" * 8, name="bad")
        answer = traces.Export(spans, timeout=10)
        assert answer.partial_success.rejected_spans == 1 and "trace_id" in answer.partial_success.error_message

        def code(method: str, data: bytes, metadata=()) -> grpc.StatusCode:
            call = connection.unary_unary(method, request_serializer=lambda x: x, response_deserializer=lambda x: x)
            with pytest.raises(grpc.RpcError) as error:
                call(data, timeout=30, metadata=metadata)
            assert error.value.details(), "a status says why"
            return error.value.code()

        export = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        assert code(export, b"\xff\xff\xff") == grpc.StatusCode.INVALID_ARGUMENT
        assert code("/opentelemetry.proto.collector.logs.v1.LogsService/Import", b"") == grpc.StatusCode.UNIMPLEMENTED
        assert code("/no.such.Service/Export", b"") == grpc.StatusCode.UNIMPLEMENTED
        assert code(export, b"\n" + b"\x00" * (65 << 20)) == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert code(export, b"", [("x-scope-orgid", "../x")]) == grpc.StatusCode.INVALID_ARGUMENT
        logs.Export(request, timeout=10)


def test_fields_values_hits_services(api, name):
    tenant = api.as_tenant(name)
    tenant.jsonl([{"message": "m", "level": ["info", "error"][i % 2], "service": "front", "http.method": ["GET", "POST", "PUT"][i % 3], "code": i} for i in range(60)])
    fields = {field["name"]: field for field in tenant.get("/api/v1/fields").json()["fields"]}
    assert fields["http.method"]["scope"] == "attribute" and fields["http.method"]["types"] == ["string"]
    assert "code" in fields and "level" in fields and fields["level"]["scope"] == "record"
    assert [f["name"] for f in tenant.get("/api/v1/fields", prefix="http.").json()["fields"]] == ["http.method"]
    values = tenant.get("/api/v1/fields/http.method/values", limit=2).json()
    assert values["values"] == [{"value": "GET", "count": 20}, {"value": "POST", "count": 20}]
    assert tenant.get("/api/v1/fields/http.method/values", prefix="PU").json()["values"] == [{"value": "PUT", "count": 20}]
    hits = tenant.get("/api/v1/hits", by="level", start="now-1h", end="now").json()
    assert hits["total"] == 60 and {group["value"]: group["total"] for group in hits["groups"]} == {"error": 30, "info": 30}
    assert all(sum(group["counts"]) == group["total"] and len(group["counts"]) == hits["buckets"] for group in hits["groups"])
    now = time.time_ns()
    spans = [{"traceId": f"{i + 1:032x}", "spanId": f"{i + 1:016x}", "name": "s", "startTimeUnixNano": str(now - 10**9), "endTimeUnixNano": str(now - 10**9 + (i + 1) * 10**6), "status": {"code": 2 if i < 10 else 0}} for i in range(100)]
    tenant.post("/v1/traces", span_request("front", spans))
    front = tenant.get("/api/v1/services", start="now-1h", end="now").json()["services"][0]
    assert (front["service"], front["spans"], front["errors"], front["logs"], front["log_errors"]) == ("front", 100, 10, 60, 30)
    assert front["error_share"] == pytest.approx(0.1) and front["p50_ms"] == pytest.approx(50, rel=0.05) and front["p99_ms"] == pytest.approx(99, rel=0.05)
    assert sum(front["sparkline"]["spans"]) == 100 and sum(front["sparkline"]["errors"]) == 10


def test_trace_as_otlp_can_be_sent_again(api, name):
    spans = [{"traceId": "9a" * 16, "spanId": f"{i + 1:016x}", "parentSpanId": f"{i:016x}" if i else "", "name": f"s{i}", "kind": 2, "attributes": [{"key": "n", "value": {"intValue": str(i)}}, {"key": "f", "value": {"doubleValue": 1.0}}], "events": [{"name": "e", "timeUnixNano": "1790000000000000500"}], "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000000001000", "status": {"code": 2, "message": "bad"}} for i in range(5)]
    one, two = api.as_tenant(f"{name}-a"), api.as_tenant(f"{name}-b")
    one.post("/v1/traces", span_request("exp", spans))
    exported = one.get(f"/api/v1/traces/{'9a' * 16}", format="otlp").json()
    two.post("/v1/traces", exported)
    first, second = one.trace("9a" * 16), two.trace("9a" * 16)
    assert first["spans"] == second["spans"] and first["span_count"] == 5


def test_operation(api, server):
    assert api.raw("GET", "/health").status_code == 200
    assert api.raw("GET", "/ready").status_code == 200
    version = api.raw("GET", "/version")
    assert version.status_code == 200 and api.status()["version"] in version.text
    document = api.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.") and "/api/v1/search" in document["paths"]
    listeners = {(entry["setting"], int(entry["address"].rpartition(":")[2])) for entry in api.status()["listeners"]}
    assert listeners == {(f"listen.{kind}", port) for kind, port in server.ports.items()}
    page = api.raw("GET", "/", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "<html" in page.text.lower() and "Content-Security-Policy" in page.headers

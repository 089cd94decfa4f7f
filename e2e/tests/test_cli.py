"""The command line against a running server: answers, exit codes, and errors that say what to do."""

import json
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from harness.api import wait_for
from harness.cli import clewline
from harness.host import free_port
from harness.otlp import span_request
from harness.server import Server, binary

TRACE = "4b" * 16


@pytest.fixture(scope="module")
def told(server):
    """A tenant with a few records for the questions of this file."""
    tenant = server.api.as_tenant("cli")
    tenant.jsonl([{"message": f"word{n} \x1b[31mred", "level": ["info", "error"][n % 2], "service": "shop", "n": n} for n in range(250)])
    spans = [
        {"traceId": TRACE, "spanId": "01" * 8, "name": "GET /cart", "kind": 2},
        {"traceId": TRACE, "spanId": "02" * 8, "parentSpanId": "01" * 8, "name": "SELECT", "kind": 3, "status": {"code": 2, "message": "deadline exceeded"}},
        {"traceId": TRACE, "spanId": "03" * 8, "parentSpanId": "77" * 8, "name": "lost"},
    ]
    tenant.post("/v1/traces", span_request("shop", spans))
    return tenant


def ask(server, *arguments: str, **options):
    return clewline(server, *arguments, environment={"CLEWLINE_TENANT": "cli", **options.pop("environment", {})}, **options)


def rows(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_query(server, told):
    assert len(rows(ask(server, "query", "level:error"))) == 100, "100 rows unless told otherwise"
    assert len(rows(ask(server, "query", "level:error", "--limit", "0"))) == 125
    assert rows(ask(server, "query", "word7"))[0]["attributes"]["n"] == 7
    assert rows(ask(server, "query", "* | stats by (level) count() as n | sort by (level)")) == [{"level": "error", "n": 125}, {"level": "info", "n": 125}]
    assert rows(ask(server, "query", "zzzz")) == []
    assert rows(ask(server, "query", "word7", "--since", "1h")) and not rows(ask(server, "query", "word7", "--end", "now-1h"))
    assert [row["name"] for row in rows(ask(server, "query", "--signal", "spans", "status:error"))] == ["SELECT"]
    assert len(json.loads(ask(server, "query", "*", "-n", "0", "-o", "json").stdout)) == 250
    assert ask(server, "query", "*", "-n", "0", "-o", "csv").stdout.count("\n") == 251
    table = ask(server, "query", "word7", "-o", "table").stdout
    assert "word7" in table and "\x1b[31m" not in table, "a table shows no terminal sequences of records"
    parquet = subprocess.run([binary(), "query", "*", "-o", "parquet", "--server", server.base, "--tenant", "cli"], capture_output=True)
    assert parquet.returncode == 0 and parquet.stdout[:4] == b"PAR1" == parquet.stdout[-4:]


def test_sql(server, told):
    assert rows(ask(server, "sql", "SELECT count(*) AS n FROM logs")) == [{"n": 250}]
    done = ask(server, "sql", input="SELECT count(*) AS a FROM logs;\nSELECT count(*) AS b FROM spans;\n")
    assert rows(done) == [{"a": 250}, {"b": 3}]
    done = ask(server, "sql", "SELECT nope FROM logs")
    assert done.returncode == 1 and "nope" in done.stderr


def test_trace(server, told):
    done = ask(server, "trace", TRACE, "-o", "tree")
    assert done.returncode == 0 and "GET /cart" in done.stdout and "deadline exceeded" in done.stdout, done.stdout
    assert json.loads(ask(server, "trace", TRACE, "-o", "json").stdout)["span_count"] == 3
    exported = ask(server, "trace", TRACE, "-o", "otlp")
    assert "resourceSpans" in json.loads(exported.stdout)
    missing = ask(server, "trace", "f" * 32)
    assert missing.returncode == 1 and "f" * 32 in missing.stderr


def test_exported_trace_can_be_imported(server, told, tmp_path):
    file = tmp_path / "trace.json"
    file.write_text(ask(server, "trace", TRACE, "-o", "otlp").stdout)
    done = clewline(server, "import", str(file), "--tenant", "cli-copy", "--state", str(tmp_path / "state"))
    assert done.returncode == 0, done.stderr
    assert server.api.as_tenant("cli-copy").trace(TRACE)["spans"] == told.trace(TRACE)["spans"]


def test_errors_and_exit_codes(server, told):
    done = ask(server, "query", "level:error | stast by (host) count()")
    assert done.returncode == 1
    assert "unknown pipe `stast`" in done.stderr and "did you mean `stats`" in done.stderr
    lines = done.stderr.splitlines()
    assert lines[2].index("^") - (len(lines[1]) - len(lines[1].lstrip())) == 14, "the caret stands under the wrong word"
    assert ask(server, "query", "--limit", "many").returncode == 2
    assert ask(server, "fetch").returncode == 2
    nobody = f"http://127.0.0.1:{free_port()}"
    for command in (["query", "x"], ["sql", "SELECT 1"], ["trace", TRACE], ["tail"], ["doctor"], ["import", "/etc/hostname"]):
        done = clewline(None, *command, "--server", nobody)
        assert done.returncode == 3, (command, done.returncode, done.stderr)
        assert nobody in done.stderr + done.stdout
    assert ask(server, "import", "/no/such/file").returncode in (1, 2)


def test_a_reader_that_goes_away(server, told):
    done = subprocess.run(f"{binary()} query '*' -n 0 --tenant cli --server {server.base} | head -n 1; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash", capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0" and done.stderr == "", done


def test_tail(server, name):
    process = subprocess.Popen([binary(), "tail", "level:error", "-n", "3", "-o", "ndjson", "--server", server.base, "--tenant", name], stdout=subprocess.PIPE, text=True)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            server.api.as_tenant(name).jsonl([{"message": f"t{number}", "level": ["info", "error"][number % 2]}])
            number += 1
            time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        out, _ = process.communicate(timeout=20)
    finally:
        stop.set()
        writer.join()
        process.kill()
    assert process.returncode == 0
    bodies = [json.loads(line) for line in out.splitlines()]
    assert len(bodies) == 3 and all(row["level"] == "error" for row in bodies)


@pytest.fixture(scope="module")
def big_file(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("import") / "big.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        for number in range(200_000):
            file.write(f'{{"message":"request {number} served in {number % 977} ms by a worker of the pool","service":"bulk","id":{number},"level":"info","path":"/v1/items/{number % 1000}"}}\n')
    return path


def exactly_once(api, count: int) -> None:
    assert api.count("service:bulk") == count
    assert api.search("service:bulk | stats count_uniq(id) as n")[0]["n"] == count


def import_of(server, path, state, tenant, *more) -> subprocess.Popen:
    return subprocess.Popen([binary(), "import", str(path), "--server", server.base, "--tenant", tenant, "--state", str(state), *more], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_an_interrupted_import_goes_on(server, name, tmp_path, big_file, how):
    api, state = server.api.as_tenant(name), tmp_path / "state.json"
    process = import_of(server, big_file, state, name, "--connections", "1")
    wait_for("the import has begun", lambda: api.count("service:bulk") > 0, pause=0.02)
    process.send_signal(how)
    _, told = process.communicate(timeout=30)
    assert process.returncode != 0, "the import was over before it could be interrupted: this proves nothing"
    if how == signal.SIGINT:
        assert "interrupted" in told and "same command" in told, told
    assert 0 < api.count("service:bulk") < 200_000
    again = import_of(server, big_file, state, name)
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    if how == signal.SIGINT:
        assert "continuing at line" in told, told
    exactly_once(api, 200_000)
    third = import_of(server, big_file, state, name)
    third.communicate(timeout=120)
    exactly_once(api, 200_000)


def test_an_import_outlives_the_server(yard, tmp_path, big_file, name):
    server = yard.server()
    server.allow("torn|replay|unclean|truncat|incomplete|not closed")
    process = import_of(server, big_file, tmp_path / "state.json", name)
    for _ in range(3):
        wait_for("some records", lambda: server.api.as_tenant(name).count("service:bulk") > 0, pause=0.02)
        server.kill()
        time.sleep(0.3)
        server.start()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    exactly_once(server.api.as_tenant(name), 200_000)


def test_import_formats(server, name, tmp_path):
    import gzip

    import zstandard
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

    def message(number: int) -> bytes:
        request = logs_service_pb2.ExportLogsServiceRequest()
        resource = request.resource_logs.add()
        attribute = resource.resource.attributes.add(key="service.name")
        attribute.value.string_value = "proto"
        record = resource.scope_logs.add().log_records.add(time_unix_nano=1_790_000_000_000_000_000 + number)
        record.body.string_value = f"proto {number}"
        return request.SerializeToString()

    def otlp(number: int) -> str:
        return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "1790000000000000000", "body": {"stringValue": f"otlp {number}"}}]}]}]})

    delimited = b"".join(len(message(n)).to_bytes(1, "big") + message(n) for n in range(5))
    framed = b"".join(len(message(n)).to_bytes(4, "big") + message(n) for n in range(5))
    files = {
        "lines.jsonl": (b'{"message":"j1"}\n{"message":"j2"}\n', 2, []),
        "array.json": (b'[{"message":"a1"},{"message":"a2"},{"message":"a3"}]', 3, []),
        "text.log": (b"line one\nline two\n\nline three", 3, []),
        "otlp.jsonl": ("".join(otlp(n) + "\n" for n in range(4)).encode(), 4, []),
        "document.json": (json.dumps(json.loads(otlp(9)), indent=2).encode(), 1, []),
        "one.bin": (message(1), 1, ["--signal", "logs"]),
        "delimited.bin": (delimited, 5, ["--signal", "logs"]),
        "framed.bin": (framed, 5, ["--signal", "logs"]),
    }
    packers = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
    for file_name, (content, count, options) in files.items():
        for suffix, pack in packers.items():
            path = tmp_path / (file_name + suffix)
            path.write_bytes(pack(content))
            tenant = f"{name}-{path.name}".replace(" ", "")
            done = clewline(server, "import", str(path), "--tenant", tenant, "--state", str(tmp_path / "state"), *options)
            assert done.returncode == 0, f"{path.name}: {done.stderr}"
            assert server.api.as_tenant(tenant).count("*") == count, path.name
    done = clewline(server, "import", "-", "--tenant", f"{name}-stdin", input="from a pipe\n")
    assert done.returncode == 0 and server.api.as_tenant(f"{name}-stdin").count("pipe") == 1
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"message":"ok"}\n{"message":\n{"message":"ok"}\n')
    done = clewline(server, "import", str(bad), "--tenant", f"{name}-bad", "--state", str(tmp_path / "state"))
    assert done.returncode == 1 and "line 2" in done.stderr and "2 records accepted" in done.stderr, done.stderr


def test_doctor(server):
    otlp = f"http://127.0.0.1:{server.ports['otlp_http']}"
    done = clewline(server, "doctor", "--otlp", otlp)
    assert done.returncode == 0 and "✗" not in done.stdout, done.stdout
    findings = json.loads(clewline(server, "doctor", "--otlp", otlp, "--json").stdout)
    assert len(findings) > 7 and {finding["verdict"] for finding in findings} <= {"good", "odd", "skipped"}
    done = clewline(server, "doctor", "--otlp", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1 and "✗" in done.stdout


def test_demo(server, name):
    done = clewline(server, "demo", "--rate", "20", "--duration", "3s", "--seed", "7", "--tenant", name, "--otlp", f"http://127.0.0.1:{server.ports['otlp_http']}")
    assert done.returncode == 0, done.stderr
    tenant = server.api.as_tenant(name)
    assert tenant.count("*", signal="spans") > 100 and tenant.count("*") > 10 and tenant.count("*", signal="metrics") > 10
    traced = tenant.search("trace_id:*", limit=1)[0]["trace_id"]
    assert tenant.trace(traced)["span_count"] > 0 and tenant.trace(traced)["logs"]
    assert len(tenant.get("/api/v1/services", start="now-1h", end="now").json()["services"]) >= 8


def serve(*arguments: str, environment: dict | None = None) -> subprocess.CompletedProcess:
    return clewline(None, "serve", *arguments, environment=environment, timeout=30)


def test_config_print(tmp_path):
    file = tmp_path / "clewline.toml"
    file.write_text('[listen]\nraw_tcp = "127.0.0.1:8111"\n[data]\nfolder = "/var/lib/from-file"\n')
    done = clewline(None, "config", "print", "--origin", "--config", str(file), "--listen.otlp_http", "127.0.0.1:9999", environment={"CLEWLINE_LISTEN__OTLP_GRPC": "127.0.0.1:8888"})
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert "8111" in text and "/var/lib/from-file" in text and "9999" in text and "8888" in text, text
    for address, origin in (("8111", "clewline.toml"), ("8888", "CLEWLINE_LISTEN__OTLP_GRPC"), ("9999", "flag"), ("4300", "default")):
        assert any(address in line and origin in line for line in text.splitlines()), f"{address} from {origin}\n{text}"


def test_an_unknown_setting_is_an_error(tmp_path):
    file = tmp_path / "clewline.toml"
    file.write_text('[listen]\nhtpp = "127.0.0.1:4300"\n')
    done = serve("--config", str(file), "--data.folder", str(tmp_path / "data"))
    assert done.returncode not in (0, None) and "htpp" in done.stderr and "listen.http" in done.stderr and "clewline.toml" in done.stderr, done.stderr
    done = serve(environment={"CLEWLINE_LISTEN__HTPP": "127.0.0.1:4300"})
    assert done.returncode != 0 and "CLEWLINE_LISTEN__HTPP" in done.stderr, done.stderr
    done = serve("--listen.htpp", "127.0.0.1:4300")
    assert done.returncode == 2 and "listen.http" in done.stderr, done.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_names_port_and_setting(server, tmp_path):
    for listener in ("http", "otlp_grpc", "raw_tcp", "raw_udp", "syslog"):
        other = Server(tmp_path / listener)
        other.ports[listener] = server.ports[listener]
        done = clewline(None, *other.command()[1:], timeout=30)
        assert done.returncode != 0, listener
        assert str(server.ports[listener]) in done.stderr and f"listen.{listener}" in done.stderr, done.stderr


def test_a_data_folder_in_use(server, tmp_path):
    other = Server(tmp_path, data=server.data)
    done = clewline(None, *other.command()[1:], timeout=30)
    assert done.returncode != 0 and str(server.data) in done.stderr, done.stderr
    assert "another" in done.stderr or "in use" in done.stderr or "already" in done.stderr, done.stderr
    assert server.api.count("*") >= 0


def test_a_stopped_server_says_goodbye(yard):
    server = yard.server()
    server.api.jsonl([{"message": "before the end"}])
    server.stop()
    server.start()
    assert server.api.count('"before the end"') == 1

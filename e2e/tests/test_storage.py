"""Storage, bytes and deletion from the command line: what a person sees and what is gone afterwards."""

import json

import pytest

from harness.api import wait_for
from harness.cli import clewline
from harness.server import Server


@pytest.fixture(scope="module")
def told(server):
    tenant = server.api.as_tenant("storage")
    tenant.jsonl([{"message": f"user {n % 10} asks", "service": "shop", "user.id": n % 10} for n in range(200)])
    return tenant


def ask(server: Server, *arguments: str, **options):
    return clewline(server, *arguments, environment={"CLEWLINE_TENANT": "storage"}, **options)


def document(done) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_storage_tells_where_records_are_and_pauses_merging(server, told):
    table = document(ask(server, "storage"))["tables"][0]
    assert (table["tenant"], table["signal"], table["rows"] + table["memory_rows"]) == ("storage", "logs", 200)
    assert document(ask(server, "storage", "pause")) == {"compaction": "paused"}
    assert "merging is paused" in ask(server, "storage", "-o", "table", "--days").stdout
    assert document(ask(server, "storage", "resume")) == {"compaction": "running"}
    assert ask(server, "storage", "stop").returncode == 2


def test_delete_is_rehearsed_confirmed_and_final(server, told):
    assert document(ask(server, "delete", "--signal", "logs", "user.id:=4", "--dry-run")) == {"dry_run": True, "matched": 20}
    refused = ask(server, "delete", "--signal", "logs", "user.id:=4", input="")
    assert refused.returncode == 2 and "--yes" in refused.stderr, "nobody at a terminal can be asked"
    assert len(told.search_all("user.id:=4")) == 20
    done = document(ask(server, "delete", "--signal", "logs", "user.id:=4", "--yes", "--wait"))
    assert (done["job"]["state"], done["job"]["deleted"]) == ("done", 20)
    assert told.search_all("user.id:=4") == [] and len(told.search_all("*")) == 180
    jobs = document(ask(server, "delete", "--jobs"))["jobs"]
    assert [job["query"] for job in jobs] == ["user.id:=4"]
    assert ask(server, "delete", "user.id:=4").returncode == 2, "the signal must be named"
    bad = ask(server, "delete", "--signal", "logs", "a:(", "--yes")
    assert bad.returncode == 1 and "error" in bad.stderr


def test_bytes_add_up(server, told):
    wait_for("records are in segments", lambda: document(ask(server, "storage"))["tables"][0]["rows"] > 0, 90, pause=1)
    report = document(ask(server, "bytes", "--signal", "logs", "--top", "100"))["signals"][0]
    stored = sum(column["stored_bytes"] for column in report["columns"])
    assert stored + report["overhead_bytes"] == report["stored_bytes"] > 0
    assert "Columns" in ask(server, "bytes", "-o", "table").stdout

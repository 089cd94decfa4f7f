"""X-Scope-OrgID: what one tenant wrote, no other sees, by any way of asking."""

import json
import threading

import pytest

from harness.api import Problem, lines_of, wait_for
from harness.otlp import log_request, span_request

TRACE = "ab" * 16


@pytest.fixture
def tenants(api, name):
    one, two = api.as_tenant(f"{name}-one"), api.as_tenant(f"{name}-two")
    for tenant, word in ((one, "alpha"), (two, "beta")):
        tenant.jsonl([{"message": f"hello {word}", "service": f"svc-{word}", f"only_{word}": word}])
        tenant.post("/v1/traces", span_request(f"svc-{word}", [{"traceId": TRACE, "spanId": "cd" * 8, "name": f"span {word}"}]))
    return one, two


def test_every_question_is_separate(api, tenants):
    one, two = tenants
    for tenant, word, other in ((one, "alpha", "beta"), (two, "beta", "alpha")):
        assert [row["body"] for row in tenant.search("*")] == [f"hello {word}"]
        assert tenant.search(other) == []
        assert [row["service"] for row in tenant.sql("SELECT service FROM logs")] == [f"svc-{word}"]
        assert [row["service"] for row in tenant.sql("SELECT service FROM spans")] == [f"svc-{word}"]
        names = {field["name"] for field in tenant.get("/api/v1/fields", signal="logs").json()["fields"]}
        assert f"only_{word}" in names and f"only_{other}" not in names
        values = tenant.get("/api/v1/fields/service/values", signal="logs").json()["values"]
        assert values == [{"value": f"svc-{word}", "count": 1}]
        tree = tenant.trace(TRACE)
        assert [span["name"] for span in tree["spans"]] == [f"span {word}"]
        assert tenant.get("/api/v1/hits").json()["total"] == 1
        services = tenant.get("/api/v1/services", start="now-1h", end="now").json()["services"]
        assert {entry["service"] for entry in services} == {f"svc-{word}"}
    assert api.search("alpha only_alpha:*") == [], "the default tenant sees nothing of them"
    with pytest.raises(Problem) as problem:
        api.as_tenant("nobody-wrote-here").trace(TRACE)
    assert problem.value.status == 404


def test_tail_is_separate(api, tenants):
    one, two = tenants
    seen, ready = [], threading.Event()
    response = one.raw("GET", "/api/v1/tail", stream=True, timeout=30)

    def read() -> None:
        ready.set()
        for line in lines_of(response):
            if line.startswith("data:"):
                seen.append(json.loads(line[5:])["body"])

    threading.Thread(target=read, daemon=True).start()
    ready.wait(5)
    two.jsonl([{"message": "secret of two"}])
    one.jsonl([{"message": "seen by one"}])
    wait_for("the record of one", lambda: "seen by one" in seen)
    assert "secret of two" not in seen


def test_keys_and_bodies_of_tenants_do_not_meet(api, name):
    """The same body and the same Idempotency-Key of two tenants are two requests."""
    tenants = [api.as_tenant(f"{name}-k{number}") for number in range(2)]
    body = log_request(name, [{"body": {"stringValue": "same"}, "timeUnixNano": "1700000000000000000"}])
    for tenant in tenants:
        tenant.post("/v1/logs", body)
        tenant.jsonl([{"message": "keyed"}], key="the-key")
    for tenant in tenants:
        assert tenant.count("same") == 1 and tenant.count("keyed") == 1


@pytest.mark.parametrize("bad", ["../../etc", "a/b", "x" * 300, "a b", "naïve", "a|b"])
def test_impossible_names_are_refused(api, bad):
    response = api.raw("GET", "/api/v1/search", headers={"X-Scope-OrgID": bad.encode("utf-8")})
    assert response.status_code == 400, response.text
    assert "X-Scope-OrgID" in response.text or "tenant" in response.text

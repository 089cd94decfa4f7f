"""Compares what an SDK says it exported with what the server answers: every record, member by member.

A recorded line is `{"record": "span" | "log" | "point", …}`; see programs/shop.py.
"""

import json
import pathlib
import re
from datetime import datetime, timezone

from harness.api import Api

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def nanoseconds(text: str) -> int:
    """RFC 3339 in UTC to nanoseconds since 1970."""
    seconds, fraction = TIME.fullmatch(text).groups()
    moment = datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def read(path: pathlib.Path) -> dict[str, list[dict]]:
    records = {"span": [], "log": [], "point": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        records[record.pop("record")].append(record)
    return records


def same(sent, got, where: str) -> None:
    """Equal in value and in type: 1, 1.0 and true are three values."""
    assert type(sent) is type(got) and sent == got, f"{where}: sent {sent!r}, got {got!r}"


def same_attributes(sent: dict, got: dict, where: str) -> None:
    got = got or {}
    assert sorted(sent) == sorted(got), f"{where}: sent {sorted(sent)}, got {sorted(got)}"
    for name, value in sent.items():
        same(value, got[name], f"{where}.{name}")


def same_span(sent: dict, got: dict) -> None:
    where = f"span {sent['span_id']}"
    for name in ("trace_id", "span_id", "name", "kind", "status"):
        same(sent[name], got[name], f"{where}.{name}")
    same(sent["parent_span_id"], got.get("parent_span_id"), f"{where}.parent_span_id")
    same(sent["status_message"], got.get("status_message", ""), f"{where}.status_message")
    same(sent["scope"], got.get("scope_name", ""), f"{where}.scope_name")
    same(sent["start_ns"], nanoseconds(got["time"]), f"{where}.time")
    same(sent["end_ns"] - sent["start_ns"], got["duration_ns"], f"{where}.duration_ns")
    same_attributes(sent["attributes"], got.get("attributes"), f"{where}.attributes")
    same_attributes(sent["resource"], got.get("resource"), f"{where}.resource")
    events = got.get("events") or []
    assert len(events) == len(sent["events"]), f"{where}: events {events}"
    for sent_event, event in zip(sent["events"], events):
        same(sent_event["name"], event["name"], f"{where}.event.name")
        time = event["time_ns"] if "time_ns" in event else nanoseconds(event["time"])
        same(sent_event["time_ns"], time, f"{where}.event.time")
        same_attributes(sent_event["attributes"], event.get("attributes"), f"{where}.event.attributes")
    links = got.get("links") or []
    assert len(links) == len(sent["links"]), f"{where}: links {links}"
    for sent_link, link in zip(sent["links"], links):
        same(sent_link["trace_id"], link["trace_id"], f"{where}.link.trace_id")
        same(sent_link["span_id"], link["span_id"], f"{where}.link.span_id")
        same_attributes(sent_link["attributes"], link.get("attributes"), f"{where}.link.attributes")


def body_text(body) -> str:
    """A structured body is answered as its JSON text."""
    return body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def same_log(sent: dict, got: dict) -> None:
    where = f"log {sent['body']!r:.60}"
    same(sent["time_ns"], nanoseconds(got["time"]), f"{where}.time")
    same(body_text(sent["body"]), got.get("body", ""), f"{where}.body")
    same(sent["severity_number"], got.get("severity_number", 0), f"{where}.severity_number")
    same(sent["severity_text"], got.get("severity_text", ""), f"{where}.severity_text")
    for name in ("trace_id", "span_id"):
        same(sent[name], got.get(name), f"{where}.{name}")
    same(sent["scope"], got.get("scope_name", ""), f"{where}.scope_name")
    same_attributes(sent["attributes"], got.get("attributes"), f"{where}.attributes")
    same_attributes(sent["resource"], got.get("resource"), f"{where}.resource")


def same_point(sent: dict, got: dict) -> None:
    where = f"point {sent['name']} {sent['attributes']}"
    for name in ("name", "kind"):
        same(sent[name], got[name], f"{where}.{name}")
    same(sent["unit"], got.get("unit", ""), f"{where}.unit")
    if "value" in sent:
        assert got["value"] == sent["value"], f"{where}.value: sent {sent['value']}, got {got['value']}"
        if isinstance(sent["value"], int) and not sent.get("double"):
            same(sent["value"], got["value_int"], f"{where}.value_int")
        else:
            assert "value_int" not in got, f"{where}: a float has no value_int"
    else:
        same(sent["count"], got["count"], f"{where}.count")
        for name in ("sum", "min", "max"):
            assert got.get(name) == sent[name], f"{where}.{name}: sent {sent[name]}, got {got.get(name)}"
    if "bounds" in sent:
        assert got["buckets"]["bounds"] == sent["bounds"], f"{where}.bounds"
        same(sent["counts"], got["buckets"]["counts"], f"{where}.counts")
    same_attributes(sent["attributes"], got.get("attributes"), f"{where}.attributes")
    same_attributes(sent["resource"], got.get("resource"), f"{where}.resource")


def compare(api: Api, service: str, records: dict[str, list[dict]]) -> None:
    """Every record once, none more, each as it was sent."""
    spans = {row["span_id"]: row for row in api.search_all(f'service:="{service}"', signal="spans")}
    assert len(spans) == len(records["span"]), f"{len(records['span'])} spans sent, {len(spans)} stored"
    for sent in records["span"]:
        same_span(sent, spans[sent["span_id"]])

    def log_key(time_ns, body):
        return (time_ns, body)

    rows = api.search_all(f'service:="{service}"', signal="logs")
    assert len(rows) == len(records["log"]), f"{len(records['log'])} logs sent, {len(rows)} stored"
    rows.sort(key=lambda row: log_key(nanoseconds(row["time"]), row.get("body", "")))
    for sent, row in zip(sorted(records["log"], key=lambda log: log_key(log["time_ns"], str(log["body"]))), rows):
        same_log(sent, row)

    def point_key(time_ns, name, attributes):
        return (name, json.dumps(attributes or {}, sort_keys=True), time_ns)

    rows = api.search_all(f'service:="{service}"', signal="metrics")
    assert len(rows) == len(records["point"]), f"{len(records['point'])} points sent, {len(rows)} stored"
    by_key = {point_key(nanoseconds(row["time"]), row["name"], row.get("attributes")): row for row in rows}
    for sent in records["point"]:
        same_point(sent, by_key[point_key(sent["time_ns"], sent["name"], sent["attributes"])])


def compare_traces(api: Api, records: dict[str, list[dict]]) -> None:
    """GET /api/v1/traces/{id}: all spans, parents before children, and the logs of the trace."""
    for trace_id in {span["trace_id"] for span in records["span"]}:
        tree = api.trace(trace_id)
        sent = {span["span_id"]: span for span in records["span"] if span["trace_id"] == trace_id}
        assert tree["span_count"] == len(sent)
        assert {span["span_id"] for span in tree["spans"]} == set(sent)
        depths = {}
        for span in tree["spans"]:
            parent = span.get("parent_span_id")
            assert span.get("missing_parent", False) == (parent is not None and parent not in sent), span
            expected = depths[parent] + 1 if parent in sent else 0
            same(expected, span["depth"], f"depth of {span['span_id']}")
            depths[span["span_id"]] = expected
            same_span(sent[span["span_id"]], {"trace_id": trace_id, **span})
        bodies = sorted(body_text(log["body"]) for log in records["log"] if log["trace_id"] == trace_id)
        assert sorted(row["body"] for row in tree["logs"]) == bodies
        errors = sum(span["status"] == "error" for span in sent.values())
        assert tree["error_count"] == errors

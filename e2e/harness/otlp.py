"""OTLP/JSON requests by hand."""

import time


def attribute(name: str, value) -> dict:
    kind = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}[type(value)]
    return {"key": name, "value": {kind: str(value) if kind == "intValue" else value}}


def attributes(values: dict) -> list[dict]:
    return [attribute(name, value) for name, value in values.items()]


def resource(service: str, more: dict | None = None) -> dict:
    return {"attributes": attributes({"service.name": service, **(more or {})})}


def log_request(service: str, records: list[dict]) -> dict:
    """Records in the shape of OTLP/JSON; those without a time get the present one."""
    now = str(time.time_ns())
    records = [record if "timeUnixNano" in record else {"timeUnixNano": now, **record} for record in records]
    return {"resourceLogs": [{"resource": resource(service), "scopeLogs": [{"logRecords": records}]}]}


def span_request(service: str, spans: list[dict]) -> dict:
    now = time.time_ns()
    spans = [{"startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1_000_000), "kind": 1, **span} for span in spans]
    return {"resourceSpans": [{"resource": resource(service), "scopeSpans": [{"spans": spans}]}]}


def gauge_request(service: str, name: str, points: list[dict]) -> dict:
    now = str(time.time_ns())
    points = [{"timeUnixNano": now, **point} for point in points]
    metric = {"name": name, "gauge": {"dataPoints": points}}
    return {"resourceMetrics": [{"resource": resource(service), "scopeMetrics": [{"metrics": [metric]}]}]}

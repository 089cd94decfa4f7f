"""A small Flask shop under `opentelemetry-instrument`. What it hands to the exporters is also written down, as JSON lines
in the file RECORD, so that the test can compare with what the server stored.

Usage: opentelemetry-instrument python shop.py PORT REQUESTS
"""

import json
import logging
import os
import sys
import threading
import traceback

import requests
from flask import Flask
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.trace import Link, Status, StatusCode
from werkzeug.serving import make_server

PORT, REQUESTS = int(sys.argv[1]), int(sys.argv[2])
record_file = open(os.environ["RECORD"], "w", encoding="utf-8")
record_lock = threading.Lock()


def record(record_kind: str, /, **members) -> None:
    with record_lock:
        record_file.write(json.dumps({"record": record_kind, **members}) + "\n")


def hexadecimal(number: int, digits: int) -> str:
    return format(number, f"0{digits}x")


def plain(attributes) -> dict:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in (attributes or {}).items()}


def record_spans(spans) -> None:
    for span in spans:
        record(
            "span",
            trace_id=hexadecimal(span.context.trace_id, 32),
            span_id=hexadecimal(span.context.span_id, 16),
            parent_span_id=hexadecimal(span.parent.span_id, 16) if span.parent else None,
            name=span.name,
            kind=span.kind.name.lower(),
            start_ns=span.start_time,
            end_ns=span.end_time,
            status=span.status.status_code.name.lower(),
            status_message=span.status.description or "",
            attributes=plain(span.attributes),
            events=[{"name": e.name, "time_ns": e.timestamp, "attributes": plain(e.attributes)} for e in span.events],
            links=[
                {"trace_id": hexadecimal(link.context.trace_id, 32), "span_id": hexadecimal(link.context.span_id, 16), "attributes": plain(link.attributes)}
                for link in span.links
            ],
            resource=plain(span.resource.attributes),
            scope=span.instrumentation_scope.name,
        )


def record_logs(batch) -> None:
    for data in batch:
        log = data.log_record
        resource = getattr(data, "resource", None) or log.resource
        record(
            "log",
            time_ns=log.timestamp or log.observed_timestamp,
            severity_number=log.severity_number.value if log.severity_number else 0,
            severity_text=log.severity_text or "",
            body=log.body,
            trace_id=hexadecimal(log.trace_id, 32) if log.trace_id else None,
            span_id=hexadecimal(log.span_id, 16) if log.span_id else None,
            attributes=plain(log.attributes),
            resource=plain(resource.attributes),
            scope=data.instrumentation_scope.name,
        )


def record_points(data) -> None:
    for resource_metrics in data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                for point in metric.data.data_points:
                    members = {"name": metric.name, "unit": metric.unit or "", "kind": type(metric.data).__name__.lower()}
                    members |= {"time_ns": point.time_unix_nano, "attributes": plain(point.attributes), "scope": scope_metrics.scope.name}
                    if hasattr(point, "value"):
                        members["value"] = point.value
                    else:
                        members |= {"count": point.count, "sum": point.sum, "min": point.min, "max": point.max}
                    if hasattr(point, "bucket_counts"):
                        members |= {"counts": list(point.bucket_counts), "bounds": list(point.explicit_bounds)}
                    record("point", resource=plain(resource_metrics.resource.attributes), **members)


def tap(exporter, write) -> None:
    """Writes down every batch that the exporter delivered."""
    export = exporter.export

    def recorded(batch, *arguments, **named):
        result = export(batch, *arguments, **named)
        assert result.name == "SUCCESS", result
        try:
            write(batch)
        except Exception:
            traceback.print_exc()
            raise
        return result

    exporter.export = recorded


def exporter_of(processor):
    inner = getattr(processor, "_batch_processor", processor)
    return getattr(inner, "_exporter", None) or inner.span_exporter


for processor in trace.get_tracer_provider()._active_span_processor._span_processors:
    tap(exporter_of(processor), record_spans)
for processor in get_logger_provider()._multi_log_record_processor._log_record_processors:
    tap(exporter_of(processor), record_logs)
for reader in metrics.get_meter_provider()._metric_readers:
    tap(reader._exporter, record_points)

tracer = trace.get_tracer("shop", "1.2.3")
meter = metrics.get_meter("shop")
orders = meter.create_counter("shop.orders", unit="{order}", description="orders placed")
weight = meter.create_counter("shop.weight", unit="kg")
open_carts = meter.create_up_down_counter("shop.carts")
latency = meter.create_histogram("shop.latency", unit="ms", description="time of an order")
meter.create_observable_gauge("shop.temperature", callbacks=[lambda _: [metrics.Observation(21.5, {"room": "a"})]], unit="Cel")
logger = logging.getLogger("shop.orders")
logging.getLogger().setLevel(logging.INFO)
app = Flask("shop")


@app.get("/order/<int:number>")
def order(number: int):
    attributes = {
        "text": f"order №{number} “héllo” 订单",
        "int": 9007199254740993 + number,
        "negative": -number,
        "float": 0.5 + number,
        "whole.float": float(number),
        "bool": number % 2 == 0,
        "list": ["a", "b", f"c{number}"],
        "ints": [1, 2, number],
        "empty": "",
    }
    link = Link(trace.get_current_span().get_span_context(), {"why": "test"})
    with tracer.start_as_current_span("place", attributes=attributes, links=[link], kind=trace.SpanKind.INTERNAL) as span:
        span.add_event("reserved", {"items": number, "ok": True})
        logger.info("order %d placed", number, extra={"order_number": number, "total": number * 1.25, "express": number % 2 == 0})
        orders.add(1, {"even": number % 2 == 0})
        weight.add(number * 0.75)
        open_carts.add(-1 if number % 3 else 2, {"shelf": number % 3})
        latency.record(number * 7.5, {"route": "/order"})
        if number % 5 == 0:
            try:
                raise ValueError(f"out of stock: {number}")
            except ValueError as error:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, "out of stock"))
                logger.exception("order %d failed", number)
                return {"ok": False}, 500
        span.set_status(Status(StatusCode.OK))
    return {"ok": True}


server = make_server("127.0.0.1", PORT, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
for number in range(REQUESTS):
    requests.get(f"http://127.0.0.1:{PORT}/order/{number}", timeout=10)
logger.warning("outside of any span")
server.shutdown()
for provider in (trace.get_tracer_provider(), get_logger_provider(), metrics.get_meter_provider()):
    provider.shutdown()
record_file.close()

"""kill -9 at random moments while four writers write: what was acknowledged is there, once.

CLEWLINE_E2E_KILLS sets how often (20). Every writer numbers its records and repeats a request until it is acknowledged:
OTLP bodies are recognised by their content, JSON lines by their Idempotency-Key.
"""

import os
import random
import threading
import time

import pytest
import requests

from harness.api import Api
from harness.otlp import log_request

KILLS = int(os.environ.get("CLEWLINE_E2E_KILLS", "20"))
WRITERS = 4
ACKNOWLEDGED = (200,)
RETRYABLE = (429, 502, 503, 504)


class Writer(threading.Thread):
    """Numbers records and sends them until told to stop; remembers what was acknowledged."""

    def __init__(self, number: int, base: str, stop: threading.Event):
        super().__init__(daemon=True)
        self.number, self.base, self.stop_event = number, base, stop
        self.random = random.Random(number)
        self.acknowledged: list[str] = []
        self.retries = 0
        self.failure: str | None = None

    def run(self) -> None:
        sequence = 0
        try:
            while not self.stop_event.is_set():
                ids = [f"w{self.number}-{sequence + i}" for i in range(self.random.randint(1, 60))]
                sequence += len(ids)
                if not self.deliver(ids):
                    return
                self.acknowledged += ids
        except Exception as error:
            self.failure = repr(error)

    def deliver(self, ids: list[str]) -> bool:
        """Repeats one request until it is acknowledged. Never gives up: an unacknowledged request could be stored or not."""
        if self.number % 2:
            body = "".join(f'{{"message":"record {i}","service":"torture","id":"{i}"}}\n' for i in ids)
            send = lambda api: api.raw("POST", "/api/v1/ingest/jsonl", data=body, headers={"Idempotency-Key": f"key-{ids[0]}"}, timeout=20)
        else:
            records = [{"timeUnixNano": str(time.time_ns()), "body": {"stringValue": f"record {i}"}, "attributes": [{"key": "id", "value": {"stringValue": i}}]} for i in ids]
            request = log_request("torture", records)
            send = lambda api: api.raw("POST", "/v1/logs", json=request, timeout=20)
        deadline = time.monotonic() + 120
        while True:
            try:
                response = send(Api(self.base))
                if response.status_code in ACKNOWLEDGED:
                    if self.number % 2:
                        receipt = response.json()
                        assert receipt["rejected"] == 0, receipt
                    return True
                assert response.status_code in RETRYABLE, f"{response.status_code} {response.text}"
            except requests.RequestException:
                pass
            self.retries += 1
            if time.monotonic() > deadline:
                raise AssertionError(f"no acknowledgement within 120 s for {ids[0]}")
            time.sleep(0.03)


def judge(acknowledged: set[str], stored: list[str], when: str) -> None:
    """Every acknowledged record once and no other."""
    assert len(stored) == len(set(stored)), f"{when}: {len(stored) - len(set(stored))} records twice"
    lost = acknowledged - set(stored)
    assert not lost, f"{when}: {len(lost)} acknowledged records lost, such as {sorted(lost)[:5]}"
    extra = set(stored) - acknowledged
    assert not extra, f"{when}: records nobody sent: {sorted(extra)[:5]}"


@pytest.mark.kill
@pytest.mark.parametrize("stored", [["a"], ["a", "b", "b"], ["a", "b", "c"]], ids=["lost", "twice", "invented"])
def test_the_judge_of_kills_can_fail(stored):
    with pytest.raises(AssertionError):
        judge({"a", "b"}, stored, "here")


@pytest.mark.kill
def test_kill_loses_and_doubles_nothing(yard):
    server = yard.server()
    server.allow("torn|replay|unclean|truncat|incomplete|not closed")
    stop = threading.Event()
    writers = [Writer(number, server.base, stop) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    moments = random.Random(os.environ.get("CLEWLINE_E2E_SEED", "clew"))
    for kill in range(KILLS):
        time.sleep(moments.choice([moments.uniform(0.0, 0.1), moments.uniform(0.1, 0.8)]))
        server.kill()
        server.start()
        failed = [writer.failure for writer in writers if writer.failure]
        assert not failed, failed
        if kill % 10 == 9:
            print(f"kill {kill + 1}: {sum(len(w.acknowledged) for w in writers)} acknowledged")
    time.sleep(0.5)
    stop.set()
    for writer in writers:
        writer.join(130)
        assert not writer.is_alive() and writer.failure is None, writer.failure
    acknowledged = {id for writer in writers for id in writer.acknowledged}
    assert len(acknowledged) > 20 * KILLS, "the writers hardly wrote"
    assert sum(writer.retries for writer in writers) > 0, "no kill hit a request: this test proves nothing"
    for attempt in ("from memory", "after a clean restart"):
        stored = [row["attributes"]["id"] for row in server.api.search_all('service:="torture"')]
        judge(acknowledged, stored, attempt)
        server.stop()
        server.start()

"""kill -9 while segments are merged and delete jobs run: nothing that should stay is lost, nothing deleted comes back.

Segments are flushed every second, so that merges run all the time. Writers put a mark on every record and change it now and
then; when all writers have left a mark behind, every record with it is acknowledged and a delete job for it is asked for.
CLEWLINE_E2E_KILLS sets how often the server is killed (20); half of the kills come right after a job was accepted.
"""

import os
import random
import threading
import time

import pytest
import requests

from harness.api import Api, wait_for
from test_kill import ACKNOWLEDGED, RETRYABLE, judge

KILLS = int(os.environ.get("CLEWLINE_E2E_KILLS", "20"))
WRITERS = 3
SETTINGS = {"wal.flush_age_s": "1s", "wal.flush_bytes": "1MiB"}


class Marks:
    """The mark records get now."""

    def __init__(self):
        self.now = 0
        self.in_use: dict[int, int] = {}


class Writer(threading.Thread):
    """Sends numbered records with the present mark; remembers which were acknowledged under which mark."""

    def __init__(self, number: int, base: str, marks: Marks, stop: threading.Event):
        super().__init__(daemon=True)
        self.number, self.base, self.marks, self.stop_event = number, base, marks, stop
        self.random = random.Random(number)
        self.acknowledged: dict[int, list[str]] = {}
        self.failure: str | None = None

    def run(self) -> None:
        sequence = 0
        try:
            while not self.stop_event.is_set():
                mark = self.marks.in_use[self.number] = self.marks.now
                ids = [f"w{self.number}-{sequence + i}" for i in range(self.random.randint(1, 40))]
                sequence += len(ids)
                self.deliver(ids, mark)
                self.acknowledged.setdefault(mark, []).extend(ids)
                time.sleep(0.01)
        except Exception as error:
            self.failure = repr(error)
        self.marks.in_use[self.number] = 1 << 60

    def deliver(self, ids: list[str], mark: int) -> None:
        body = "".join(f'{{"message":"record {i} of mark {mark}","service":"torture","id":"{i}","mark":"m{mark}"}}\n' for i in ids)
        deadline = time.monotonic() + 120
        while True:
            try:
                response = Api(self.base).raw("POST", "/api/v1/ingest/jsonl", data=body, headers={"Idempotency-Key": f"key-{ids[0]}"}, timeout=20)
                if response.status_code in ACKNOWLEDGED:
                    return
                assert response.status_code in RETRYABLE, f"{response.status_code} {response.text}"
            except requests.RequestException:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"no acknowledgement within 120 s for {ids[0]}")
            time.sleep(0.03)


def ask_to_delete(api: Api, mark: int) -> None:
    """Repeats the request until it is accepted; asking twice deletes nothing more."""
    deadline = time.monotonic() + 120
    while True:
        try:
            response = api.raw("POST", "/api/v1/delete", json={"signal": "logs", "query": f'mark:="m{mark}"'}, timeout=20)
            if response.status_code == 202:
                return
            assert response.status_code in RETRYABLE, f"{response.status_code} {response.text}"
        except requests.RequestException:
            pass
        assert time.monotonic() < deadline, "the delete job is not accepted"
        time.sleep(0.05)


def jobs_are_done(api: Api) -> bool:
    return all(job["state"] == "done" for job in api.get("/api/v1/delete").json()["jobs"])


@pytest.mark.kill
def test_kill_during_merges_and_delete_jobs(yard):
    server = yard.server(settings=SETTINGS)
    server.allow("torn|replay|unclean|truncat|incomplete|not closed")
    stop, marks = threading.Event(), Marks()
    writers = [Writer(number, server.base, marks, stop) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    moments = random.Random(os.environ.get("CLEWLINE_E2E_SEED", "clew"))
    deleted: set[int] = set()
    merges = 0
    for kill in range(KILLS):
        time.sleep(moments.uniform(0.2, 2.5))
        merges += server.api.get("/api/v1/storage").json()["compaction"]["done"]
        leaving = marks.now
        marks.now += 1
        wait_for("the writers take the next mark", lambda: min(marks.in_use.values()) > leaving, 30, pause=0.01)
        if leaving % 2 == 0:
            deleted.add(leaving)
            ask_to_delete(server.api, leaving)
            if moments.random() < 0.5:
                time.sleep(moments.uniform(0.0, 0.4))
        server.kill()
        server.start()
        failed = [writer.failure for writer in writers if writer.failure]
        assert not failed, failed
    stop.set()
    for writer in writers:
        writer.join(130)
        assert not writer.is_alive() and writer.failure is None, writer.failure
    of_mark = lambda wanted: {id for writer in writers for mark, ids in writer.acknowledged.items() if wanted(mark) for id in ids}
    staying, gone = of_mark(lambda mark: mark not in deleted), of_mark(lambda mark: mark in deleted)
    assert len(staying) > 5 * KILLS and len(gone) > 5 * KILLS, (len(staying), len(gone))
    wait_for("all delete jobs are done", lambda: jobs_are_done(server.api), 120, pause=0.3)
    merges += server.api.get("/api/v1/storage").json()["compaction"]["done"]
    assert merges > 0, "nothing was merged: this test proves nothing about merges"
    for attempt in ("after the last kill", "after a clean restart"):
        stored = [row["attributes"]["id"] for row in server.api.search_all('service:="torture"')]
        judge(staying, stored, attempt)
        server.stop()
        server.start()
    print(f"{len(staying)} records stay, {len(gone)} are deleted, {merges} merges seen")

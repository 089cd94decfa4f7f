"""The canaries of the harness: what it must not overlook."""

import pytest

from harness import server as harness_server
from harness.server import Server, check_books


def test_an_unexpected_line_of_the_log_is_a_fault(tmp_path):
    server = Server(tmp_path)
    server.log.write_text("INFO all well\n\x1b[33m WARN\x1b[0m something odd\nERROR expected trouble\nthread 'x' panicked at src\n")
    server.allow("expected trouble")
    assert [line.split()[0] for line in server.faults()] == ["WARN", "thread"]


class Crooked:
    """An API whose books do not balance."""

    def __init__(self, stored: int, told: int):
        self.stored, self.told = stored, told

    def status(self):
        return {"received": {"logs": 10}, "stored": {"logs": self.told}, "duplicate": {"logs": 2}, "rejected": {"logs": 0}}

    def metrics(self):
        labels = '{signal="logs",door="jsonl"}'
        return {f"clewline_records_{part}_total{labels}": value for part, value in (("received", 10), ("stored", self.stored), ("duplicate", 2), ("rejected", 0))}


def test_books_that_do_not_balance_are_seen(monkeypatch):
    monkeypatch.setattr(harness_server.time, "sleep", lambda _: None)
    check_books(Crooked(8, 8))
    for crooked in (Crooked(7, 7), Crooked(8, 9)):
        with pytest.raises(AssertionError):
            check_books(crooked)

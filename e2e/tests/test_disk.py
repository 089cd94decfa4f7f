"""A full disk: writes are refused for the moment, reads go on, and ingest resumes by itself."""

import subprocess

import pytest

from harness import host
from harness.api import Problem, wait_for

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own of 512 MiB."""
    host.root()
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run([host.program("mount"), "-t", "tmpfs", "-o", "size=512m", "clewline-e2e", str(folder)], capture_output=True, text=True)
    if done.returncode:
        host.missing(f"cannot mount a tmpfs here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder, leave_bytes: int):
    """A file that leaves so much room."""
    import os

    ballast = folder / "ballast"
    space = os.statvfs(folder)
    size = space.f_bavail * space.f_frsize - leave_bytes
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return ballast


def refused(api, number: int) -> Problem | None:
    try:
        api.jsonl([{"message": f"while full {number}", "padding": "x" * 4000}] * 10, key=f"full-{number}")
    except Problem as problem:
        return problem
    return None


# Room that the server keeps for itself (the default), and a disk that is full to the last byte.
@pytest.mark.parametrize(("reserve", "leave"), [(None, 100 * MIB), (0, 64 << 10)], ids=["reserve", "last-byte"])
def test_full_disk(yard, small_disk, reserve, leave):
    settings = {} if reserve is None else {"storage.free_bytes_min": reserve}
    server = yard.server(data=small_disk / "data", settings=settings)
    server.allow("(?i)full|space|No space|disk")
    api = server.api
    api.jsonl([{"message": f"before {number}"} for number in range(100)], key="before")
    ballast = fill(small_disk, leave)
    attempts = iter(range(10_000))
    problem = wait_for("writes are refused", lambda: refused(api, next(attempts)), timeout=30, pause=0)
    assert problem.status == 503, problem
    assert int(problem.headers["Retry-After"]) >= 1
    assert "disk" in problem.body["message"] or "space" in problem.body["message"], problem.body
    assert api.count("before") == 100, "reads go on"
    assert server.running()
    response = api.raw("POST", "/v1/logs", json={"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "otlp while full"}, "timeUnixNano": "1700000000000000000"}] * 50}]}]})
    assert response.status_code in (200, 503)
    stored_while_full = api.count('"while full"')
    ballast.unlink()
    wait_for("ingest resumes", lambda: not refused(api, 99_999), timeout=30)
    api.jsonl([{"message": "after"}])
    assert api.count("after") == 1 and api.count("before") == 100
    before = api.count('"while full"')
    assert before >= stored_while_full + 10
    server.stop()
    server.start()
    assert (server.api.count("before"), server.api.count("after"), server.api.count('"while full"')) == (100, 1, before)

"""Logs this machine really wrote: every line comes in, and counts agree with counting lines."""

import gzip
import json
import pathlib
import shutil
import subprocess

import pytest

from harness.cli import clewline


def lines_of(path: pathlib.Path) -> list[str]:
    data = path.read_bytes()
    return [line for line in data.decode(errors="replace").split("\n") if line.strip("\r")]


FILES = [pathlib.Path("/var/log") / name for name in ("dpkg.log", "alternatives.log", "syslog", "messages", "kern.log", "auth.log", "apt/history.log", "apt/term.log", "fontconfig.log")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_log_files(server, name, tmp_path, path):
    if not path.is_file() or not path.stat().st_size:
        pytest.skip(f"no {path} on this machine")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    lines = lines_of(copy)
    done = clewline(server, "import", str(copy), "--service", name, "--state", str(tmp_path / "state"))
    assert done.returncode == 0, done.stderr
    assert f"{len(lines):,} records accepted" in done.stderr, done.stderr
    rows = server.api.search_all(f'service:="{name}"')
    assert sorted(row["body"] for row in rows) == sorted(line.removesuffix("\r") for line in lines)
    if path.name == "dpkg.log":
        words = [line for line in lines if " status installed " in line]
        assert server.api.count(f'service:="{name}" "status installed"') == len(words)
        first = min(line[:19] for line in lines).replace(" ", "T")
        assert min(row["time"] for row in rows).startswith(first), "the time at the start of a line is its time"
        compressed = tmp_path / "again.log.gz"
        compressed.write_bytes(gzip.compress(copy.read_bytes()))
        done = clewline(server, "import", str(compressed), "--service", f"{name}-gz", "--state", str(tmp_path / "state"))
        assert done.returncode == 0, done.stderr
        assert server.api.count(f'service:="{name}-gz"') == len(lines)


def test_journal(server, name, tmp_path):
    journalctl = shutil.which("journalctl")
    lines = []
    if journalctl:
        done = subprocess.run([journalctl, "-o", "json", "-n", "5000", "--no-pager"], capture_output=True, text=True, timeout=60)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        pytest.skip("this machine keeps no journal")
    path = tmp_path / "journal.jsonl"
    path.write_text("\n".join(lines) + "\n")
    parameters = ["time_field=__REALTIME_TIMESTAMP", "message_field=MESSAGE", "level_field=PRIORITY"]
    options = [word for parameter in parameters for word in ("--param", parameter)]
    done = clewline(server, "import", str(path), "--service", name, *options, "--state", str(tmp_path / "state"))
    assert done.returncode == 0, done.stderr
    rows = server.api.search_all(f'service:="{name}"')
    assert len(rows) == len(lines)
    texts = [record["MESSAGE"] for record in map(json.loads, lines) if isinstance(record.get("MESSAGE"), str)]
    assert sorted(row["body"] for row in rows if row.get("body")) == sorted(text for text in texts if text)

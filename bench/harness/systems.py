"""Which systems there are on this machine. A server joins when an environment variable names its binary."""

import importlib
import os
import pathlib
import shutil
import subprocess

from harness.inprocess import InProcess

IN_PROCESS = {
    "clickhouse": ("clickhouse", {}),
    "clickhouse-text": ("clickhouse", {"text": True}),
    "duckdb": ("duckdb", {}),
}
SERVERS = ("victorialogs", "victoriatraces", "loki", "tempo")


def variable(name: str) -> str:
    return f"CLEWLINE_BENCH_{name.upper()}"


def names(peers: bool) -> list[str]:
    """Clewline first; servers only where their variable is set."""
    if not peers:
        return ["clewline"]
    return ["clewline", *IN_PROCESS, *(name for name in SERVERS if os.environ.get(variable(name)))]


def find_clewline(given: str | None) -> pathlib.Path:
    """--binary, CLEWLINE_BIN, the repository's release build, PATH."""
    here = pathlib.Path(__file__).resolve().parents[2]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or here / "target")
    candidates = [given, os.environ.get("CLEWLINE_BIN"), target / "release" / "clewline", shutil.which("clewline")]
    for candidate in candidates:
        if candidate and pathlib.Path(candidate).is_file():
            return pathlib.Path(candidate).resolve()
        if candidate and candidate == given:
            raise SystemExit(f"bench: no binary at {given}")
    raise SystemExit("bench: no clewline binary; run `cargo build --release` or name one with --binary or CLEWLINE_BIN")


def version_of(binary: pathlib.Path) -> str:
    """What `clewline --version` says."""
    said = subprocess.run([str(binary), "--version"], capture_output=True, text=True).stdout.split()
    return said[-1] if said else ""


def make(name: str, folder: pathlib.Path, binary: pathlib.Path, settings: dict | None = None):
    """A system that is not started yet, with an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".log").unlink(missing_ok=True)
    if name in IN_PROCESS:
        module, options = IN_PROCESS[name]
        return InProcess(name, module, folder, options)
    module = importlib.import_module(f"systems.{name}")
    if name == "clewline":
        return module.System(binary, folder, settings)
    program = pathlib.Path(os.environ[variable(name)])
    if not program.is_file():
        raise SystemExit(f"bench: {variable(name)} names {program}, which is not a file")
    return module.System(program.resolve(), folder)

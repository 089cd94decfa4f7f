"""What this machine offers: programs, rights, folders. A missing party is a skip for a newcomer and a failure in CI."""

import os
import pathlib
import shutil
import socket

import pytest

CI = os.environ.get("CI", "") not in ("", "0", "false")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "clewline-e2e"
E2E = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = E2E.parent


def missing(what: str) -> None:
    """Ends the test: skipped on a newcomer's machine, failed in CI."""
    if CI:
        pytest.fail(f"{what} (required in CI)", pytrace=False)
    pytest.skip(what)


def program(name: str) -> str:
    """The path of a program that e2e/setup.sh provides."""
    found = shutil.which(name)
    if not found:
        missing(f"{name} is not installed; see e2e/setup.sh")
    return found


def root() -> None:
    """Demands root."""
    if os.geteuid() != 0:
        missing("this test needs root")


def free_port() -> int:
    """A port free for TCP and UDP on all addresses at this moment."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("0.0.0.0", 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind(("0.0.0.0", port))
                except OSError:
                    continue
                return port
    raise OSError("no free port")

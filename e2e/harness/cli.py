"""The command line of the product."""

import os
import subprocess

from harness.server import Server, binary


def clewline(server: Server | None, *arguments: str, input: str | bytes | None = None, environment: dict | None = None, timeout: float = 120):
    """Runs one subcommand against a server to its end."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CLEWLINE_")}
    if server:
        variables["CLEWLINE_SERVER"] = server.base
    variables |= environment or {}
    text = not isinstance(input, bytes)
    return subprocess.run([binary(), *arguments], env=variables, input=input, capture_output=True, text=text, timeout=timeout)

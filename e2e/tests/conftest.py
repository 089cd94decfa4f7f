"""One server for all tests that leave it alive; further servers for those that do not."""

import pathlib
import uuid

import pytest

from harness.server import Server, check_books


class Yard:
    """Starts servers and looks at their logs when it is over."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.servers: list[Server] = []

    def server(self, start: bool = True, **options) -> Server:
        server = Server(self.folder / f"server-{len(self.servers)}", **options)
        self.servers.append(server)
        return server.start() if start else server

    def close(self) -> None:
        for server in self.servers:
            if server.running():
                server.stop()
        faults = {str(server.log): server.faults() for server in self.servers}
        faults = {log: lines for log, lines in faults.items() if lines}
        told = "\n".join(f"{log}:\n  " + "\n  ".join(lines[:20]) for log, lines in faults.items())
        assert not faults, f"the log has lines nobody expected\n{told}"


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Server:
    """The shared server. Tests keep out of each other's way by service names and tenants."""
    yard = Yard(tmp_path_factory.mktemp("shared"))
    server = yard.server()
    yield server
    assert server.running(), "the shared server died"
    check_books(server.api)
    yard.close()


@pytest.fixture
def yard(tmp_path) -> Yard:
    yard = Yard(tmp_path)
    yield yard
    yard.close()


@pytest.fixture
def api(server):
    return server.api


@pytest.fixture
def name() -> str:
    """A name nobody used before: a service, a tenant, a word."""
    return f"t{uuid.uuid4().hex[:12]}"

"""The smallest clients: raw lines over TCP, UDP and broadcast."""

import socket
import subprocess
import threading
import uuid

import pytest

from harness import host
from harness.api import wait_for


def send_tcp(server, data: bytes) -> None:
    with socket.create_connection(server.address("raw_tcp"), timeout=10) as client:
        client.sendall(data)


def test_hello_world_without_a_newline(server, name):
    """b"node_1" + b"Hello, World!", then close: found by a word of it and by the node, the peer's address."""
    word = f"World{name}!"
    send_tcp(server, b"node_1" + f"Hello, {word}".encode())
    row = wait_for("the record", lambda: server.api.search(f"World{name}"))[0]
    assert row["body"] == f"node_1Hello, {word}"
    assert row["node"] == "127.0.0.1"
    assert server.api.search(f'node:="127.0.0.1" World{name}') == [row]


def test_a_tab_names_the_node(server, name):
    send_tcp(server, f"node_1\tHello {name}\nnode_2\t{{\"level\":\"error\",\"message\":\"structured {name}\",\"code\":7}}\n".encode())
    rows = wait_for("two records", lambda: (found := server.api.search(name)) and len(found) == 2 and found)
    by_node = {row["node"]: row for row in rows}
    assert by_node["node_1"]["body"] == f"Hello {name}"
    assert by_node["node_2"]["body"] == f"structured {name}"
    assert by_node["node_2"]["level"] == "error" and by_node["node_2"]["attributes"]["code"] == 7
    assert server.api.search(f"node:node_1 {name}") == [by_node["node_1"]]


def test_equal_lines_are_two_records(server, name):
    send_tcp(server, f"same {name}\n".encode())
    send_tcp(server, f"same {name}\n".encode())
    wait_for("both", lambda: server.api.count(name) == 2)


def test_many_connections_lose_nothing(server, name):
    """20 connections, 500 lines each, cut into odd pieces; the last line has no end."""

    def client(number: int) -> None:
        data = "\n".join(f"{name} client={number} line={line}" for line in range(500)).encode()
        with socket.create_connection(server.address("raw_tcp"), timeout=30) as connection:
            for start in range(0, len(data), 1447):
                connection.sendall(data[start : start + 1447])

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for("10,000 records", lambda: server.api.count(name) >= 10_000, timeout=30)
    bodies = [row["body"] for row in server.api.search_all(name)]
    assert len(bodies) == 10_000 and len(set(bodies)) == 10_000


def test_udp(server, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(f"one {name}".encode(), server.address("raw_udp"))
        client.sendto(f"node_9\ttwo {name}\nthree {name}\n".encode(), server.address("raw_udp"))
    rows = wait_for("three records", lambda: (found := server.api.search(name)) and len(found) == 3 and found)
    assert {(row["node"], row["body"]) for row in rows} == {("127.0.0.1", f"one {name}"), ("node_9", f"two {name}"), ("127.0.0.1", f"three {name}")}


@pytest.fixture
def namespace():
    """A second host: a network namespace with one cable to this one. (its name, our address, its address, broadcast)."""
    host.root()
    ip = host.program("ip")
    tag = uuid.uuid4().hex[:6]
    space, ours, theirs = f"clew-{tag}", f"cl{tag}a", f"cl{tag}b"
    octet = 64 + int(tag[:2], 16) // 4

    def run(*arguments: str) -> None:
        subprocess.run([ip, *arguments], check=True, capture_output=True, text=True)

    try:
        try:
            run("netns", "add", space)
            run("link", "add", ours, "type", "veth", "peer", "name", theirs)
        except subprocess.CalledProcessError as error:
            host.missing(f"no network namespaces here: {error.stderr.strip()}")
        run("link", "set", theirs, "netns", space)
        run("addr", "add", f"10.213.{octet}.1/24", "brd", "+", "dev", ours)
        run("link", "set", ours, "up")
        run("-n", space, "addr", "add", f"10.213.{octet}.2/24", "brd", "+", "dev", theirs)
        run("-n", space, "link", "set", theirs, "up")
        run("-n", space, "link", "set", "lo", "up")
        yield space, f"10.213.{octet}.1", f"10.213.{octet}.2", f"10.213.{octet}.255"
    finally:
        subprocess.run([ip, "link", "del", ours], capture_output=True)
        subprocess.run([ip, "netns", "del", space], capture_output=True)


BROADCAST = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    for number in range(50):
        s.sendto(f"broadcast {number} {sys.argv[3]}".encode(), (sys.argv[1], int(sys.argv[2])))
"""


def test_broadcast_from_another_host(yard, namespace, name):
    space, _, theirs, broadcast = namespace
    server = yard.server(host="0.0.0.0")
    server.allow("not loopback|loopback|0\\.0\\.0\\.0")
    command = ["ip", "netns", "exec", space, "python3", "-c", BROADCAST, broadcast, str(server.ports["raw_udp"]), name]
    subprocess.run(command, check=True, timeout=20)
    wait_for("50 datagrams", lambda: server.api.count(f'node:="{theirs}" {name}') == 50)
    subprocess.run(command, check=True, timeout=20)
    wait_for("50 more", lambda: server.api.count(f'node:="{theirs}" {name}') == 100)

"""rsyslog and syslog-ng as they are shipped, forwarding numbered messages to the syslog listener."""

import os
import shutil
import socket
import subprocess
import time

import pytest

from harness import host
from harness.api import wait_for
from harness.host import CACHE, free_port

UNPACKED = CACHE / "syslog"
MESSAGES = 300
LEVELS = {"err": ("error", 17), "warning": ("warn", 13), "notice": ("info", 10), "info": ("info", 9), "debug": ("debug", 5)}
SEVERITY = {"err": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
LOCAL3 = 19


def daemon(name: str) -> tuple[str, dict]:
    """The daemon's path and environment: unpacked by setup.sh, or installed."""
    unpacked = UNPACKED / "usr/sbin" / name
    if unpacked.exists():
        libraries = ":".join(str(UNPACKED / folder) for folder in ("usr/lib/syslog-ng", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"))
        return str(unpacked), {**os.environ, "LD_LIBRARY_PATH": libraries}
    installed = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not installed:
        host.missing(f"{name} is not there; see e2e/setup.sh")
    return installed, dict(os.environ)


def rsyslog(tmp_path, local: int, target: int, protocol: str, style: str) -> subprocess.Popen:
    path, environment = daemon("rsyslogd")
    modules = next(iter(UNPACKED.glob("usr/lib/*/rsyslog")), None)
    template = {"3164": "RSYSLOG_TraditionalForwardFormat", "5424": "RSYSLOG_SyslogProtocol23Format"}[style]
    framing = 'TCP_Framing="octet-counted"' if protocol == "tcp-counted" else ""
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        f'global(workDirectory="{tmp_path}")\n'
        'module(load="imudp")\n'
        f'input(type="imudp" address="127.0.0.1" port="{local}")\n'
        f'action(type="omfwd" target="127.0.0.1" port="{target}" protocol="{protocol[:3]}" template="{template}" {framing})\n'
    )
    command = [path, "-n", "-f", str(config), "-i", str(tmp_path / "rsyslog.pid")] + (["-M", f"{modules}/"] if modules else [])
    return subprocess.Popen(command, env=environment, stdout=open(tmp_path / "daemon.log", "w"), stderr=subprocess.STDOUT)


def syslog_ng(tmp_path, local: int, target: int, protocol: str, style: str) -> subprocess.Popen:
    path, environment = daemon("syslog-ng")
    modules = next(iter(UNPACKED.glob("usr/lib/syslog-ng/*.*")), None)
    transport = protocol[:3]
    # syslog() counts octets over TCP and writes RFC 5424; network() ends lines and writes RFC 3164 unless told otherwise.
    driver = "syslog" if protocol == "tcp-counted" else "network"
    flags = "flags(syslog-protocol)" if style == "5424" and driver == "network" else ""
    config = tmp_path / "syslog-ng.conf"
    version = next(iter(UNPACKED.glob("usr/lib/syslog-ng/*.*"))).name if modules else "3.38"
    config.write_text(
        f"@version: {version}\n"
        "options { keep-hostname(yes); stats-freq(0); ts-format(iso); };\n"
        f'source s {{ network(ip("127.0.0.1") port({local}) transport("udp")); }};\n'
        f'destination d {{ {driver}("127.0.0.1" port({target}) transport("{transport}") {flags}); }};\n'
        "log { source(s); destination(d); };\n"
    )
    command = [path, "-F", "--no-caps", "-f", str(config), "-R", str(tmp_path / "persist"), "-c", str(tmp_path / "control"), "-p", str(tmp_path / "pid")]
    command += [f"--module-path={modules}"] if modules else []
    return subprocess.Popen(command, env=environment, stdout=open(tmp_path / "daemon.log", "w"), stderr=subprocess.STDOUT)


@pytest.mark.parametrize(
    ("start", "protocol", "style"),
    [
        (rsyslog, "udp", "3164"),
        (rsyslog, "tcp", "3164"),
        (rsyslog, "tcp-counted", "5424"),
        (syslog_ng, "udp", "5424"),
        (syslog_ng, "tcp", "3164"),
        (syslog_ng, "tcp-counted", "5424"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_message_arrives_as_it_was_written(server, name, tmp_path, start, protocol, style):
    local = free_port()
    process = start(tmp_path, local, server.ports["syslog"], protocol, style)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            wait_for("the daemon listens", lambda: listens(local) or process.poll() is not None)
            assert process.poll() is None, (tmp_path / "daemon.log").read_text()
            stamp = time.strftime("%b %e %H:%M:%S")
            names = list(SEVERITY)
            for number in range(MESSAGES):
                priority = LOCAL3 * 8 + SEVERITY[names[number % len(names)]]
                text = f"<{priority}>{stamp} web-{number % 3} {name}[{1000 + number}]: message {number} of {MESSAGES}: grüße \"quoted\" [x] end"
                sender.sendto(text.encode(), ("127.0.0.1", local))
                if number % 20 == 0:
                    time.sleep(0.01)
        api = server.api
        wait_for("all messages are found", lambda: api.count(f'service:="{name}"') >= MESSAGES, timeout=30)
    finally:
        process.terminate()
        process.wait(10)
    rows = api.search_all(f'service:="{name}"')
    assert len(rows) == MESSAGES, "each once"
    # rsyslog's own RFC 5424 template puts a second space before the text.
    by_body = {row["body"].removeprefix(" "): row for row in rows}
    for number in range(MESSAGES):
        row = by_body[f"message {number} of {MESSAGES}: grüße \"quoted\" [x] end"]
        word = names[number % len(names)]
        level, severity_number = LEVELS[word]
        assert (row["level"], row["severity_number"]) == (level, severity_number), row
        assert row["node"] == f"web-{number % 3}", row
        assert row["attributes"]["syslog.facility"] == "local3" and row["attributes"]["syslog.severity"] == SEVERITY[word], row
        assert row["attributes"]["syslog.procid"] == str(1000 + number), row


def listens(port: int) -> bool:
    """Whether somebody bound this UDP port."""
    with open("/proc/net/udp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") for line in list(table)[1:])

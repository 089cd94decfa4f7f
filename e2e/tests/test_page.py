"""The web page in headless Chromium, against the real server: the page's own walk (ui/e2e) with its records sent over OTLP.

SCREENSHOT_DIR=docs/images keeps the pictures.
"""

import os
import subprocess

from harness import host
from harness.api import wait_for
from harness.server import binary


def test_walk(yard):
    node = host.program("node")
    chromium = os.environ.get("CHROMIUM") or host.program("chromium")
    if not (host.REPOSITORY / "ui/node_modules/playwright-core").is_dir():
        host.missing("the packages of ui/ are not installed; see e2e/setup.sh")
    server = yard.server()
    filled = subprocess.run([node, str(host.E2E / "js/fill.mjs"), server.base], capture_output=True, text=True, timeout=120)
    assert filled.returncode == 0, filled.stderr
    demo = subprocess.Popen(
        [binary(), "demo", "--rate", "40", "--duration", "10m", "--otlp", f"http://127.0.0.1:{server.ports['otlp_http']}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("the demo's records", lambda: server.api.count("service:payment", signal="spans") > 20)
        environment = {**os.environ, "BASE_URL": server.base, "CHROMIUM": chromium}
        walk = subprocess.run([node, "e2e/run.mjs"], cwd=host.REPOSITORY / "ui", env=environment, capture_output=True, text=True, timeout=300)
    finally:
        demo.terminate()
        demo.wait(10)
    print(walk.stdout)
    assert walk.returncode == 0, walk.stdout[-3000:] + walk.stderr[-3000:]

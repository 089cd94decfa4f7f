"""The web page in headless Chromium, against the real server: the page's own walk (ui/e2e) with its records sent over OTLP.

SCREENSHOT_DIR=docs/images keeps the pictures.
"""

import os
import subprocess

from harness import host


def test_walk(yard):
    node = host.program("node")
    chromium = os.environ.get("CHROMIUM") or host.program("chromium")
    if not (host.REPOSITORY / "ui/node_modules/playwright-core").is_dir():
        host.missing("the packages of ui/ are not installed; see e2e/setup.sh")
    server = yard.server()
    feed = subprocess.Popen([node, str(host.E2E / "js/fill.mjs"), server.base, "--follow"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert feed.stdout.readline() == "filled\n", feed.communicate(timeout=10)[0]
        environment = {**os.environ, "BASE_URL": server.base, "CHROMIUM": chromium}
        walk = subprocess.run([node, "e2e/run.mjs"], cwd=host.REPOSITORY / "ui", env=environment, capture_output=True, text=True, timeout=300)
    finally:
        feed.kill()
        feed.wait(10)
    print(walk.stdout)
    assert walk.returncode == 0, walk.stdout[-3000:] + walk.stderr[-3000:]

"""The pages in a real browser from file://, with and without JavaScript: no error, every picture shown."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.judges, pytest.mark.slow]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)

VISITOR = """<!DOCTYPE html><html><body><pre id="result">waiting</pre><script>
var pages = PAGES, results = [];
function next() {
  var page = pages.shift();
  if (!page) { document.getElementById('result').textContent = JSON.stringify(results); return; }
  var frame = document.createElement('iframe');
  if (SANDBOX) { frame.setAttribute('sandbox', 'allow-same-origin'); }
  frame.style.cssText = 'width:1280px;height:4000px';
  frame.onload = function () {
    var inside = frame.contentDocument, images = [].slice.call(inside.images);
    images.forEach(function (image) { image.loading = 'eager'; });
    setTimeout(function () {
      results.push({page: page, viewer: inside.querySelectorAll('.stage').length,
        widths: images.map(function (image) { return image.naturalWidth; })});
      document.body.removeChild(frame);
      next();
    }, 300);
  };
  frame.src = page;
  document.body.appendChild(frame);
}
next();
</script></body></html>
"""


def visit(web: Path, folder: Path, *, scripts: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Open all pages; return the contents of each, and the lines of the console."""
    names = json.dumps([path.as_uri() for path in sorted(web.rglob("*.HTM"))])
    visitor = folder / "visitor.html"
    visitor.write_text(VISITOR.replace("PAGES", names).replace("SANDBOX", "false" if scripts else "true"))
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--allow-file-access-from-files", "--enable-logging=stderr", f"--user-data-dir={folder}/profile",
        "--virtual-time-budget=60000", "--dump-dom", visitor.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = re.search('<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    return json.loads(unescape(found[1])), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("scripts", [True, False])
def test_every_picture_is_shown_and_the_console_stays_empty(web: Path, tmp_path: Path, *, scripts: bool) -> None:
    results, console = visit(web, tmp_path, scripts=scripts)
    assert len(results) == len(list(web.rglob("*.HTM")))
    assert all(width > 0 for result in results for width in result["widths"]), results
    assert sum(len(result["widths"]) for result in results) > 10
    # With scripts a series of several pictures has a viewer; in the sandbox the browser reports that it ran none.
    assert sum(result["viewer"] for result in results) == (1 if scripts else 0)
    if scripts:
        assert console == []


class Session:
    """A Chromium that is driven through a pipe (Chrome DevTools Protocol), with the scripts of pages switched off."""

    def __init__(self, folder: Path) -> None:
        ours_out, theirs_in = os.pipe()[::-1]
        theirs_out, ours_in = os.pipe()[::-1]
        options = [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={folder}/profile", "--remote-debugging-pipe",
        ]  # fmt: skip
        command = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *options]
        self.process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.out, self.into = open(ours_out, "wb", buffering=0), open(ours_in, "rb")  # noqa: SIM115  # until `close`
        self.number = 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Emulation.setScriptExecutionDisabled", value=True)
        # High enough for the browser to load all pictures, which it else does when they scroll into view.
        self.ask("Emulation.setDeviceMetricsOverride", width=1280, height=20_000, deviceScaleFactor=1, mobile=False)
        self.ask("Page.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        return self.wait(lambda answer: answer.get("id") == self.number)["result"]  # type: ignore[no-any-return]

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next message that is wanted."""
        while True:
            data = b""
            while not data.endswith(b"\0"):
                piece = self.into.read(1)
                assert piece, "Chromium ended"
                data += piece
            message: dict[str, Any] = json.loads(data[:-1])
            if wanted(message):
                return message

    def visit(self, page: Path) -> dict[str, Any]:
        """Open a page; return the widths of its pictures, and whether its script ran."""
        self.ask("Page.navigate", url=page.as_uri())
        self.wait(lambda message: message.get("method") == "Page.loadEventFired")
        found = self.ask("Runtime.evaluate", expression=SEEN, awaitPromise=True, returnByValue=True)
        return dict(found["result"]["value"])

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        self.process.wait(20)
        self.out.close()
        self.into.close()


SEEN = """
Promise.all([].slice.call(document.images).map(function (image) { return image.decode().catch(function () {}); }))
  .then(function () { return {widths: [].slice.call(document.images).map(function (one) { return one.naturalWidth; }),
                              viewer: document.querySelectorAll('.stage').length}; })
"""


def test_the_pages_are_complete_in_a_browser_without_javascript(web: Path, tmp_path: Path) -> None:
    """The browser itself runs no script of a page; only the test looks into them."""
    session = Session(tmp_path)
    try:
        results = [session.visit(page) for page in sorted(web.rglob("*.HTM"))]
    finally:
        session.close()
    widths = [width for result in results for width in result["widths"]]
    assert len(widths) > 10
    assert all(widths), results
    assert not any(result["viewer"] for result in results)

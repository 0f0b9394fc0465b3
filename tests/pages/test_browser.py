"""The pages in a real browser from file://, with and without JavaScript: no error, every picture shown."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
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
    """Open all pages; what was found on each, and the lines of the console."""
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
    # With scripts a series of several pictures has a viewer; in the sandbox the browser says that it ran none.
    assert sum(result["viewer"] for result in results) == (1 if scripts else 0)
    if scripts:
        assert console == []

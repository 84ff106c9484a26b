"""Makes the README's picture: the first screen of a report, as Chromium shows it.

``python docs/making/picture.py [REPORT]`` writes ``docs/images/report.png``; by default of the
gallery's report of a textbook's softmax, which it makes where it is not there.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from making.gallery import DOCS, make, page_of, run_named

PICTURE = DOCS / "images" / "report.png"
WIDTH, HEIGHT = 1200, 800
COLOURS = 64  # a page of text and lines needs no more, and the file is a quarter of the size


def shown(report: Path, path: Path) -> None:
    """Write the first screen of a report as a PNG."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.screenshot(path=str(path))
        chromium.close()
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        found = Path(sys.argv[1])
    else:
        run = run_named("textbook")
        found = page_of(DOCS, run)
        if not found.exists():
            make(run)
    shown(found, PICTURE)
    print(f"{PICTURE}: {PICTURE.stat().st_size >> 10} KiB")

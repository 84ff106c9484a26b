"""The report in a real browser: it opens offline, shows every picture, and fits its window."""

import os
import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
if BROWSER is None and os.environ.get("SOFTMAX_HARNESS_BROWSER") != "required":
    # .ci/run installs it and sets the variable, so that there it cannot be left out.
    pytest.skip(
        "no chromium here: apt-get install chromium to have it run", allow_module_level=True
    )

from playwright.sync_api import sync_playwright


@pytest.fixture(scope="module")
def page(run_folder):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        context = browser.new_context(viewport={"width": 1100, "height": 900}, offline=True)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto((run_folder / "report.html").as_uri())
        page.wait_for_load_state("load")
        yield page
        browser.close()


def test_nothing_but_the_file_is_asked_for(page):
    outside = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    assert outside == [] and page.complaints == []


def test_every_picture_is_shown(page):
    sizes = page.eval_on_selector_all(
        "img", "all => all.map(each => [each.complete, each.naturalWidth, each.clientWidth])"
    )
    assert len(sizes) >= 5
    assert all(complete and natural > 0 and shown > 600 for complete, natural, shown in sizes)


def test_the_page_is_not_wider_than_its_window(page):
    for width in (1100, 700):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_contents_lead_to_sections(page):
    for link in page.query_selector_all("nav a"):
        assert page.query_selector(link.get_attribute("href")) is not None
    assert page.locator("h2").first.inner_text() == "Which softmax to use"


def test_a_picture_of_the_page_has_ink(page, tmp_path):
    import matplotlib.image

    page.screenshot(path=tmp_path / "page.png", full_page=True)
    pixels = matplotlib.image.imread(tmp_path / "page.png")[..., :3]
    assert 0.02 < (pixels.mean(axis=-1) < 0.9).mean() < 0.6

"""A real browser for tests of pages, and what they ask of each."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def browser():
    """Chromium; where there is none, tests that need it are left out, unless they are required."""
    # Without windows of its own, which take most of its time; what it draws is the same.
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None and os.environ.get("SOFTMAX_HARNESS_BROWSER") != "required":
        # .ci/run installs it and sets the variable, so that there it cannot be left out.
        pytest.skip("no chromium here: apt-get install chromium to have it run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened_page(browser):
    """Opens a file in a context of its own: ``opened_page(path, color_scheme="dark")``."""
    contexts = []

    def open_page(file, fragment="", **options):
        given = {"viewport": {"width": 1280, "height": 900}} | options
        context = browser.new_context(offline=True, **given)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(file.as_uri() + fragment)
        page.wait_for_load_state("load")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def barriers():
    """What axe finds on a page, as text: ``barriers(page, rules)``."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def found_on(page, rules=None):
        page.eval_on_selector_all(
            "details:not(.witness)", "all => all.forEach(each => { each.open = true; })"
        )
        page.eval_on_selector_all(
            "details.witness:first-of-type", "all => all.forEach(each => { each.open = true; })"
        )
        # The rows of a table are alike, and so are the witnesses and what is inside of pictures.
        page.eval_on_selector_all(
            "tbody tr:nth-child(n + 4), details.witness:nth-of-type(n + 4), svg.figure > *",
            "all => all.forEach(each => each.remove())",
        )
        options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
        found = axe.run(page, options=options)
        return found.generate_report() if found.violations_count else ""

    return found_on

"""The report in a real browser: offline, in any width, light, dark and printed, by any means."""

import pytest
from softmax_harness.run.results import Run, read
from softmax_reports.page import write_report

PAPER = {"width": 718, "height": 1047}  # A4 between margins of a centimetre
MARK = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def report(run_folder):
    return run_folder / "report.html"


@pytest.fixture(scope="module")
def opened(opened_page, report):
    """Opens the report in a context of its own: ``opened(color_scheme="dark")``."""

    def open_page(fragment="", file=report, **options):
        return opened_page(file, fragment, **options)

    return open_page


@pytest.fixture(scope="module")
def page(opened):
    return opened()


@pytest.fixture(scope="module")
def phone(opened):
    """The page on a phone."""
    return opened(viewport={"width": 390, "height": 844})


@pytest.fixture
def fresh(page):
    """The same page with no choice made."""
    page.get_by_role("button", name="reset").click()
    return page


def table(page, caption):
    """The table whose caption begins so."""
    return page.locator("table", has=page.locator(f"caption:has-text('{caption}')")).first


def column(page, caption, place):
    """The texts of a column, of the rows that are shown."""
    rows = table(page, caption).locator("tbody tr:not([hidden])")
    return rows.evaluate_all(
        f"all => all.map(each => each.cells[{place}].textContent.replace('≥ ', ''))"
    )


def test_nothing_but_the_file_is_asked_for(page):
    outside = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    assert outside == [] and page.complaints == []


def test_a_request_that_the_page_would_make_is_forbidden(opened):
    page = opened()
    page.evaluate("new Image().src = 'http://127.0.0.1:9/'")
    page.wait_for_timeout(100)
    assert any("Content Security Policy" in each for each in page.complaints)


def test_every_picture_is_shown(page):
    sizes = page.eval_on_selector_all(
        "section > figure svg.figure",
        "all => all.map(each => [each.clientWidth, each.clientHeight, each.children.length])",
    )
    assert len(sizes) >= 10
    assert all(wide > 300 and high > 100 and inside for wide, high, inside in sizes)


def test_the_page_is_not_wider_than_its_window(opened):
    page = opened()
    page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    for width in (1920, 1280, 700, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        narrow = "all => all.filter(each => each.clientWidth < 300).length"
        assert page.eval_on_selector_all("section > figure svg.figure", narrow) == 0


def test_on_a_phone_columns_keep_their_width_and_the_first_stays(phone):
    wide = table(phone, "Largest errors").locator("xpath=..")
    wide.evaluate("each => { each.scrollLeft = 400; }")
    first, last = (
        wide.locator(f"tbody tr:first-child > :{which}-child").evaluate(
            "each => { const box = each.getBoundingClientRect(); return [box.left, box.width]; }"
        )
        for which in ("first", "last")
    )
    assert first[0] < 30 and last[1] > 180


def test_the_first_screen_says_what_to_use(page):
    cards = page.locator(".card")
    assert cards.count() == 2
    for card, dtype in zip(cards.all(), ("float16", "float32"), strict=True):
        assert card.locator("h3").inner_text().startswith(f"{dtype} use ")
        assert "never broke in" in card.inner_text() and card.bounding_box()["y"] < 500


def test_why_and_what_to_avoid_stand_on_the_first_screen(opened):
    page = opened(viewport={"width": 1280, "height": 800})
    for card in page.locator(".card").all():
        assert card.locator("dt").all_inner_texts()[:2] == ["Reliable", "Avoid"]
        label = card.locator("dt").nth(1)
        box = label.locator("xpath=following-sibling::dd[1]").bounding_box()
        assert box["y"] + box["height"] < 800
    assert page.locator(".left-out details").get_attribute("open") is None


def test_what_to_use_stands_on_the_first_screen_of_a_phone(phone):
    box = phone.locator(".card dt + dd").first.bounding_box()
    assert box["y"] + box["height"] < 844


def test_each_word_of_a_card_that_a_newcomer_lacks_is_explained(page):
    words = {each.lower() for each in page.locator(".card a.t").all_inner_texts()}
    assert {"ulp", "logits", "families", "seed", "probable", "of the value"} <= words


def test_contents_lead_to_sections(page):
    for link in page.query_selector_all("nav a"):
        assert page.query_selector(link.get_attribute("href")) is not None
    assert page.locator("h2").first.inner_text() == "Which softmax to use"


def test_a_table_sorts_numbers_as_numbers_both_ways(fresh):
    button = table(fresh, "All implementations of softmax").get_by_role(
        "button", name="largest error (ulp)"
    )
    head = button.locator("xpath=..")
    for order in ("descending", "ascending"):
        button.click()
        assert head.get_attribute("aria-sort") == order
        texts = column(fresh, "All implementations of softmax", 6)
        numbers = [float(each.replace(",", "")) for each in texts if each != "–"]
        assert numbers == sorted(numbers, reverse=order == "descending")
        assert numbers != sorted(numbers, key=str) and texts[len(numbers) :] == ["–"] * (
            len(texts) - len(numbers)
        )


def test_choices_filter_and_stand_in_the_address(fresh, opened):
    fresh.get_by_role("button", name="float32", exact=True).click()
    fresh.get_by_label("family", exact=True).select_option("normal-10")
    fresh.get_by_label("implementation", exact=True).fill("naive")
    assert column(fresh, "Results by family", 0) == ["naive"]
    assert set(column(fresh, "All implementations of softmax", 1)) == {"float32"}
    assert fresh.locator(".card:visible").count() == 1
    address = fresh.url
    assert "dtype=float32" in address and "family=normal-10" in address and "name=naive" in address
    other = opened("#" + address.partition("#")[2])
    assert column(other, "Results by family", 0) == ["naive"]
    assert (
        other.get_by_role("button", name="float32", exact=True).get_attribute("aria-pressed")
        == "true"
    )
    assert other.complaints == []


def test_the_metric_is_a_choice(fresh):
    matrix = fresh.locator("table.matrix")
    before = matrix.inner_text()
    fresh.get_by_label("metric", exact=True).select_option("over input rounding")
    assert matrix.inner_text() != before and "metric=over" in fresh.url
    fresh.get_by_role("button", name="naive on masked").first.click()
    assert column(fresh, "Results by family", 0) == ["naive"]
    assert "family=masked" in fresh.url


def test_a_maximum_leads_to_its_witness_and_its_command_is_copied(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    row = table(page, "All implementations of softmax").locator("tbody tr", has_text="max-shifted")
    row.first.locator("a").first.click()
    witness = page.locator("details.witness[open]")
    assert witness.count() == 1 and witness.is_visible()
    text = witness.inner_text()
    for part in ("max-shifted in float16", "exact value", "next above", "its steps to element"):
        assert part in text
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    witness.get_by_role("button", name="copy the command").click()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("softmax-harness explain float16:")
    assert command == witness.locator("code.command").inner_text()
    again = opened("#" + page.url.partition("#")[2])
    assert again.locator("details.witness[open]").count() == 1


def test_a_word_is_explained_on_hover_and_on_focus(fresh):
    word = fresh.locator(".card a.t", has_text="ulp").first
    for point in (word.hover, word.focus):
        fresh.mouse.move(0, 0)
        fresh.evaluate("document.activeElement.blur()")
        assert fresh.locator("#tip").is_hidden()
        point()
        assert "Unit in the last place" in fresh.locator("#tip").inner_text()
    fresh.keyboard.press("Escape")
    assert fresh.locator("#tip").is_hidden()


def test_the_keyboard_reaches_what_a_pointer_does(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    head = table(page, "All implementations of softmax").get_by_role("button", name="mean")
    head.focus()
    page.keyboard.press("Enter")
    assert head.locator("xpath=..").get_attribute("aria-sort") == "descending"


@pytest.mark.parametrize("scheme, rules", [("light", None), ("dark", ["color-contrast"])])
def test_axe_finds_no_barrier(opened, barriers, scheme, rules):
    assert barriers(opened(color_scheme=scheme), rules) == ""


def test_dark_is_dark_and_light_is_light(opened):
    page = opened()
    for scheme, is_dark in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        channels = [int(each) for each in paper.strip("rgb()").split(",")]
        assert (max(channels) < 64) is is_dark
        ink = page.eval_on_selector(
            "svg.figure [fill='#1b1f24']", "each => getComputedStyle(each).fill"
        )
        assert (min(int(each) for each in ink.strip("rgb()").split(",")) > 128) is is_dark


def test_without_a_script_the_page_is_complete(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#choices").is_hidden() and page.locator("section").count() >= 10
    assert "max-shifted" in table(page, "Results by family").text_content()
    page.locator("details.witness").first.locator("xpath=../summary").click()
    assert page.locator("details.witness summary").first.is_visible()


def test_print_has_what_is_folded_and_no_controls(opened):
    page = opened(viewport=PAPER)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#choices").is_hidden()
    assert table(page, "Handwritten digits").is_visible()
    # A head with a button's box in it is not repeated on a table's second page.
    boxes = "all => all.filter(each => getComputedStyle(each).display !== 'contents').length"
    assert page.eval_on_selector_all("th > button", boxes) == 0
    over = page.eval_on_selector_all(
        "table", "all => all.filter(each => each.offsetWidth > innerWidth).length"
    )
    assert over == 0


def test_names_from_outside_stay_text(opened, run_folder, tmp_path):
    run = read(run_folder)
    results = run.results.replace({"implementation": {"naive": MARK}, "family": {"masked": MARK}})
    results = results[results["dtype"] == "float16"]
    about = run.info["implementations"] | {MARK: {"summary": MARK, "dtypes": ["float16"]}}
    info = run.info | {"families": {MARK: MARK}, "implementations": about}
    write_report(Run(info, {"results": results}), tmp_path)
    page = opened(file=tmp_path / "report.html")
    page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
    page.get_by_label("implementation", exact=True).fill("<img")
    assert set(column(page, "All implementations of softmax", 0)) == {MARK}
    page.wait_for_timeout(50)
    assert page.complaints == [] and page.locator("img").count() == 0

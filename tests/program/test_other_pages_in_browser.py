"""The pages of two runs and of many, in a real browser."""

import pandas as pd
import pytest
from softmax_harness.run.compare import Compared, changes
from softmax_harness.run.results import Run, read
from softmax_reports.comparing import comparison_html
from softmax_reports.history import Moment, history_html

PAPER = {"width": 718, "height": 1047}  # A4 between margins of a centimetre
NAMES = ("comparison", "history")


def altered(run):
    """The run with larger errors of one implementation, smaller ones of another, and less cells."""
    results = run.results.copy()
    results.loc[results["implementation"] == "max-shifted", "max_ulp"] *= 3
    results.loc[results["implementation"] == "scipy", "max_ulp"] /= 3
    gone = (results["implementation"] == "naive") & (results["family"] == "masked")
    made = run.info.get("made", {}) | {"date": "2099-01-01 00:00 UTC", "commit": "0" * 40}
    return Run(run.info | {"made": made}, run.tables | {"results": results[~gone]})


@pytest.fixture(scope="module")
def files(run_folder, tmp_path_factory):
    """Each page in a file."""
    before = read(run_folder)
    now = altered(before)
    compared = Compared(("before", "now"), before, now, changes(before, now), "")
    asv = pd.DataFrame(
        {
            "date": pd.to_datetime(["2098-01-01T12:00Z", "2098-01-02T12:00Z"]),
            "commit": ["aaaabbbbcccc", "ddddeeeeffff"],
            "measure": "ns_per_element",
            "operation": "softmax",
            "implementation": "naive",
            "dtype": "float16",
            "n": 1000,
            "value": [3.5, 3.6],
        }
    )
    moments = [Moment("a run with a name that is longer than most", before), Moment("later", now)]
    texts = (comparison_html(compared), history_html(moments, asv))
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in NAMES}
    for path, text in zip(paths.values(), texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme, rules", [("light", None), ("dark", ["color-contrast"])])
def test_axe_finds_no_barrier(files, opened_page, barriers, name, scheme, rules):
    assert barriers(opened_page(files[name], color_scheme=scheme), rules) == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_not_wider_than_its_window_and_asks_for_nothing(files, opened_page, name):
    page = opened_page(files[name])
    page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    for width in (1920, 1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        narrow = "all => all.filter(each => each.clientWidth < 300).length"
        assert page.eval_on_selector_all("figure svg.figure", narrow) == 0
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert page.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_on_a_phone_the_first_column_stays(files, opened_page, name):
    page = opened_page(files[name], viewport={"width": 390, "height": 844})
    page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    wide = page.locator(".wide").last
    wide.evaluate("each => { each.scrollLeft = 300; }")
    first = wide.locator("tbody th").first
    assert first.bounding_box()["x"] < 40 and first.bounding_box()["width"] > 60


def test_a_comparison_sorts_n_as_a_number_and_copies_the_command(files, opened_page):
    page = opened_page(files["comparison"], permissions=["clipboard-read", "clipboard-write"])
    page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    table = page.locator("table", has=page.locator("caption:has-text('worse in B')"))
    heads = table.locator("thead th").all_inner_texts()
    place = [each.replace("\u2195", "").strip() for each in heads].index("n")
    table.get_by_role("button", name="n", exact=True).click()
    texts = table.locator("tbody tr").evaluate_all(
        f"all => all.map(each => each.cells[{place}].innerText)"
    )
    numbers = [int(each.replace(",", "")) for each in texts]
    assert numbers == sorted(numbers, reverse=True) and len({*numbers}) > 3
    table.get_by_role("button", name="copy the command").first.click()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("softmax-harness explain float")


@pytest.mark.parametrize("name", NAMES)
def test_printed_no_table_is_cut_off(files, opened_page, name):
    page = opened_page(files[name], viewport=PAPER)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#choices").is_hidden()
    over = "all => all.filter(each => each.offsetWidth > innerWidth).length"
    assert page.eval_on_selector_all("table", over) == 0

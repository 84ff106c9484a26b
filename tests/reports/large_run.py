"""A made-up run of 50 implementations, 4 dtypes and 40 families: how large its page is, how fast.

python tests/reports/large_run.py FOLDER writes its report there, and says how long that took, how
large the page is and, where Chromium is installed, how long the page takes to open.
"""

import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.run.results import COLUMNS, Run
from softmax_reports.page import write_report

DTYPES, LENGTHS = ("float16", "bfloat16", "float32", "float64"), (16, 256, 4096)
GOLDEN = Path(__file__).parent / "golden"


def large_run(implementations=50, families=40, info=None):
    """Results of each combination, of which no two are alike."""
    rng = np.random.default_rng(0)
    names = [f"kernel-{place}" for place in range(implementations)]
    kinds = ["normal-1", *(f"family-{place}" for place in range(1, families))]
    index = pd.MultiIndex.from_product([["softmax"], names, DTYPES, kinds, LENGTHS])
    table = index.to_frame(index=False, name=list(COLUMNS[:5]))
    elements = 64 * table["n"]
    table = table.assign(rows=64, elements=elements, **dict.fromkeys(OUTCOMES, 0))
    worst = np.exp(rng.normal(1.0, 1.5, len(table)))
    table["inaccurate"] = np.where(worst > 40, rng.integers(1, 60, len(table)), 0)
    table["overflow"] = np.where(worst > 80, 64, 0)
    table["correctly_rounded"] = elements - table["inaccurate"] - table["overflow"]
    table = table.assign(max_ulp=worst, max_ulp_probable=worst / 3, mean_ulp=worst / 20)
    table = table.assign(p99_ulp=worst / 2, bias_ulp=0.0, max_vs_input_rounding=worst / 2)
    table = table.assign(bound_ulp=20 * table["n"], sum_defect=1e-4, order_inversions=0)
    table = table.assign(argmax_flips=0, total_variation=1e-5)
    table["witness"] = [
        f"{row.dtype}:{row.family},n={row.n},rows=64,seed=0@{row.Index % 64},{row.Index % 16}"
        for row in table.itertuples()
    ]
    about = {"summary": "A kernel that was made up.", "dtypes": list(DTYPES)}
    info = info | {
        "implementations": dict.fromkeys(names, about),
        "families": dict.fromkeys(kinds, "Made up."),
        "faults": {},
    }
    return Run(info, {"results": table[list(COLUMNS)]})


def opened_in(path):
    """Seconds until the page has loaded and drawn, and the errors that it told."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page, told = browser.new_page(), []
        page.on("console", lambda message: told.append(message.text))
        begun = time.perf_counter()
        page.goto(path.absolute().as_uri())
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        seconds = time.perf_counter() - begun
        browser.close()
    return seconds, told


def main():
    from softmax_harness.run.results import read

    folder = Path(sys.argv[1])
    folder.mkdir()
    run = large_run(info=read(GOLDEN).info)
    begun = time.process_time()
    write_report(run, folder)
    page = folder / "report.html"
    print(f"written in {time.process_time() - begun:.1f} s of processor time")
    print(f"{page.stat().st_size / 1e6:.2f} MB, {len(run.results):,} cells")
    if shutil.which("chromium"):
        seconds, told = opened_in(page)
        print(f"opened in {seconds:.2f} s; the page told {told or 'no error'}")


if __name__ == "__main__":
    main()

"""From the page of ten implementations to the outlier's witness, replayed in a terminal.

The page alone is looked at: it names the outlier, whose largest error leads to the input, whose
command is copied and run.
"""

import shlex

import pytest

OTHERS = ("max-shifted", "accurate", "wide", "blocked", "reciprocal")
OTHERS += ("scipy", "neumaier-sum", "blocked-lazy", "exact")
KERNEL = """import numpy as np


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    total = np.sum(np.float16(e), axis=axis, keepdims=True, dtype=np.float16)  # of one type too few
    return (e / total).astype(x.dtype)
"""


@pytest.fixture
def folder(tmp_path, command):
    (tmp_path / "outlier.py").write_text(KERNEL)
    names = [*OTHERS[:4], "outlier.py:softmax", *OTHERS[4:]]
    options = ("--dtype", "float32", "--family", "normal-10,rising", "--asv", "none")
    # In a process of its own: what other tests leave in theirs must not make another outlier.
    done = command("run", *names, *options, "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_three_clicks_lead_from_the_page_to_a_replay_in_a_terminal(folder, opened_page, command):
    page = opened_page(
        folder / "run" / "report.html", permissions=["clipboard-read", "clipboard-write"]
    )
    card = page.locator(".card")
    to_avoid = card.locator("dd").nth(1)  # behind what is reliable
    assert to_avoid.inner_text().startswith("In float32 outlier.py:softmax")
    card.locator("summary").click()
    outlier = card.locator("tbody tr").first
    assert outlier.locator("th").inner_text() == "outlier.py:softmax"
    outlier.locator("a").click()
    witness = page.locator("details.witness[open]")
    assert witness.count() == 1 and "outlier.py:softmax in float32" in witness.inner_text()
    witness.get_by_role("button", name="copy the command").click()
    program, *words = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert program == "softmax-harness"
    replayed = command(*words, cwd=folder)
    assert replayed.returncode == 0
    facts = dict(
        zip(
            witness.locator("dt").all_inner_texts(),
            witness.locator("dd").all_inner_texts(),
            strict=True,
        )
    )
    computed = facts["computed"].split()[0]
    assert f"{computed} (+" in replayed.stdout and facts["exact value"] in replayed.stdout

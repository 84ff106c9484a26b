"""Makes the reports of the gallery, and the list of them.

``python docs/making/gallery.py`` runs each command of `RUNS` and keeps its report in
``docs/_gallery``, which the site takes up; with names, only those.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import split

DOCS = Path(__file__).parents[1]
_RIGHT = """\
import numpy as np


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""
_FAULTY = _RIGHT.replace(
    "    e = ", "    # One maximum for all rows: what lies far below it gives 0 / 0.\n    e = "
).replace("x.max(axis=axis, keepdims=True)", "x.max()")
_HALF = _RIGHT.replace(
    "e.sum(axis=axis, keepdims=True)", "e.sum(axis=axis, keepdims=True, dtype=np.float16)"
)
_NAIVE = _RIGHT.replace("x - x.max(axis=axis, keepdims=True)", "x")


@dataclass(frozen=True)
class Run:
    """A report of the gallery and the commands that make it.

    Attributes
    ----------
    name, title, about : str
    commands : tuple of str
        Of this program or of the shell, in an empty folder.
    page : str
        What they make there.
    files : dict of str to str
        What lies in that folder first, by name.
    """

    name: str
    title: str
    about: str
    commands: tuple[str, ...]
    page: str = "softmax-report/report.html"
    files: tuple[tuple[str, str], ...] = ()


RUNS = (
    Run(
        "built-in",
        "Every built-in softmax",
        "What `make report` shows, without times: which softmax to use in float16, float32 and "
        "float64, and where each one overflows or underflows.",
        ("softmax-harness run",),
    ),
    Run(
        "textbook",
        "A textbook's softmax beside the right one, with times",
        "`naive` is what many textbooks print. It is fast, and it breaks. The report says where.",
        ("softmax-harness run naive max-shifted accurate --time",),
    ),
    Run(
        "sixteen-bits",
        "The formats of 16 bits",
        "The same logits in float16 and bfloat16: one has more digits, the other more range.",
        ("softmax-harness run --dtype fp16,bf16",),
    ),
    Run(
        "attention",
        "Attention",
        "Attention with masks: which form keeps the weights that matter.",
        ("softmax-harness run --operation attention --dtype float32",),
    ),
    Run(
        "log-softmax",
        "Log-softmax",
        "The logarithm by itself, and the logarithm of a softmax, which loses what is small.",
        ("softmax-harness run --operation log_softmax --dtype float32",),
    ),
    Run(
        "log-softmax-relative",
        "Log-softmax, held to two standards",
        "What `check` prints. Where an error may be measured beside the largest logit, as is "
        "usual, `shifted` passes. Where it is relative to each result, also to one near 0, "
        "`shifted` fails and `compensated` passes.",
        (
            "softmax-harness check shifted compensated --operation log_softmax "
            "--dtype float32 --standard usual --markdown usual.md",
            "softmax-harness check shifted compensated --operation log_softmax "
            "--dtype float32 --standard relative --markdown relative.md",
        ),
        "",
    ),
    Run(
        "faulty",
        "A faulty kernel beside its right twin",
        "`faulty.py` subtracts one maximum from all rows. A test of one row sees nothing. The page "
        "shows in which cells it is worse than `right.py`, and links each to its input.",
        (
            "softmax-harness run right.py:softmax faulty.py:softmax --dtype float32",
            "softmax-harness compare softmax-report:right.py:softmax "
            "softmax-report:faulty.py:softmax --html compared.html",
        ),
        "compared.html",
        (("right.py", _RIGHT), ("faulty.py", _FAULTY)),
    ),
    Run(
        "history",
        "Three states of a kernel",
        "A kernel begins as `naive`, is mended, and then sums in float16: one run of each, and "
        "how its errors went.",
        (
            "cp first.py kernel.py",
            "softmax-harness run kernel.py:softmax --dtype float32 --time --out runs/1",
            "cp second.py kernel.py",
            "softmax-harness run kernel.py:softmax --dtype float32 --time --out runs/2",
            "cp third.py kernel.py",
            "softmax-harness run kernel.py:softmax --dtype float32 --time --out runs/3",
            "softmax-harness report --history runs",
        ),
        "runs/history.html",
        (("first.py", _NAIVE), ("second.py", _RIGHT), ("third.py", _HALF)),
    ),
)


def run_named(name: str) -> Run:
    """The one of that name."""
    return next(run for run in RUNS if run.name == name)


def folder_of(docs: Path, run: Run) -> Path:
    """Where its commands run; the site has it under ``reports/NAME``."""
    return docs / "_gallery" / "reports" / run.name


def page_of(docs: Path, run: Run) -> Path:
    """The page that they make, or else what they print."""
    return folder_of(docs, run) / (run.page or "printed.txt")


def make(run: Run, docs: Path = DOCS) -> None:
    """Run its commands in a folder of their own, and keep what they write."""
    folder = folder_of(docs, run)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in run.files:
        (folder / name).write_text(text, encoding="utf-8")
    bin = str(Path(sys.executable).parent)
    own = os.environ | {"PATH": os.pathsep.join((bin, os.environ["PATH"])), "COLUMNS": "100"}
    printed = []
    for command in run.commands:
        print(f"{run.name}: {command}", flush=True)
        told = subprocess.PIPE if not run.page else None
        done = subprocess.run(
            split(command), check=False, cwd=folder, env=own, stdout=told, text=True
        )
        # A check or comparison that finds something exits with 1: here it is to.
        if done.returncode not in ((0, 1) if _finds(command) else (0,)):
            raise SystemExit(f"{command}: exit code {done.returncode}")
        printed += [f"$ {command}", (done.stdout or "").rstrip(), ""]
    if not run.page:
        page_of(docs, run).write_text("\n".join(printed), encoding="utf-8")


def _finds(command: str) -> bool:
    return split(command)[1] in ("check", "compare")


def write_list(docs: Path = DOCS) -> None:
    """The list of reports in ``docs/_made/gallery.md``: those that were made are linked.

    The surveys' pages stand first, since they are there in every clone.
    """
    (docs / "_gallery").mkdir(exist_ok=True)
    lines = _surveys(docs)
    for run in RUNS:
        lines += [f"## {run.title}", "", run.about, ""]
        lines += [*(f"    {command}" for command in run.commands), ""]
        for name, text in run.files:
            lines += ["```python", f"# {name}", text.rstrip(), "```", ""]
        lines += _shown(docs, run)
    path, text = docs / "_made" / "gallery.md", "\n".join(["# Gallery of reports", "", *lines])
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _surveys(docs: Path) -> list[str]:
    """Links to the pages of the surveys, which the site takes up as they are."""
    pages = sorted((docs.parent / "reports" / "survey").glob("*/report.html"))
    lines = ["## The survey of libraries", "", "Its tables as pages, by date.", ""]
    for page in pages:
        name = page.parent.name
        kept = docs / "_gallery" / "reports" / f"survey-{name}" / "report.html"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, kept)
        machine = "a GPU" if name.endswith("-cuda") else "processors"
        text = f"The libraries on {machine}, {name.removesuffix('-cuda')}"
        lines += _link(f"{kept.parent.name}/report.html", text)
    return lines if pages else []


def _link(path: str, text: str) -> list[str]:
    """A link out of the page to one that Sphinx does not know."""
    return ["```{raw} html", f'<p><a href="../reports/{path}">{text}</a></p>', "```", ""]


def _shown(docs: Path, run: Run) -> list[str]:
    """A link to what was made, or that it was not."""
    if not page_of(docs, run).exists():
        return ["This report is not made here: `make gallery` makes it.", ""]
    if not run.page:
        return ["```text", page_of(docs, run).read_text(encoding="utf-8").rstrip(), "```", ""]
    return _link(f"{run.name}/{run.page}", "Open the report")


if __name__ == "__main__":
    for run in RUNS:
        if not sys.argv[1:] or run.name in sys.argv[1:]:
            make(run)

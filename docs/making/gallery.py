"""Makes the reports of the gallery, and the list of them.

``python docs/making/gallery.py`` runs each command of `RUNS` and keeps its report in
``docs/_gallery``, which the site takes up; with names, only those.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import split

DOCS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """A report of the gallery and the command that makes it."""

    name: str
    title: str
    about: str
    command: str


RUNS = (
    Run(
        "built-in",
        "Every built-in softmax",
        "What `make report` shows, without times: which softmax to use in float16, float32 and "
        "float64, and where each one overflows or underflows.",
        "softmax-harness run --asv none",
    ),
    Run(
        "textbook",
        "A textbook's softmax beside the right one, with times",
        "`naive` is what many textbooks print. It is fast, and it breaks. The report says where.",
        "softmax-harness run naive max-shifted accurate --time --asv none",
    ),
    Run(
        "sixteen-bits",
        "The formats of 16 bits",
        "The same logits in float16 and bfloat16: one has more digits, the other more range.",
        "softmax-harness run --dtype fp16,bf16 --asv none",
    ),
    Run(
        "attention",
        "Attention",
        "Attention with masks: which form keeps the weights that matter.",
        "softmax-harness run --operation attention --dtype float32 --asv none",
    ),
    Run(
        "log-softmax",
        "Log-softmax",
        "The logarithm by itself, and the logarithm of a softmax, which loses what is small.",
        "softmax-harness run --operation log_softmax --dtype float32 --asv none",
    ),
)


def run_named(name: str) -> Run:
    """The one of that name."""
    return next(run for run in RUNS if run.name == name)


def folder_of(docs: Path, run: Run) -> Path:
    """Where its report lies; the site has it under ``reports/NAME``."""
    return docs / "_gallery" / "reports" / run.name


def make(run: Run, docs: Path = DOCS) -> None:
    """Run its command, and keep what it writes."""
    out = folder_of(docs, run)
    shutil.rmtree(out, ignore_errors=True)  # what was broken off lies beside it, and goes on
    out.parent.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).parent / "softmax-harness"
    words = [str(program), *split(run.command)[1:], "--out", str(out)]
    print(run.command, flush=True)
    subprocess.run(words, check=True, cwd=out.parent)


def write_list(docs: Path = DOCS) -> None:
    """The list of reports in ``docs/_made/gallery.md``: those that were made are linked."""
    (docs / "_gallery").mkdir(exist_ok=True)
    lines = []
    for run in RUNS:
        lines += [f"## {run.title}", "", run.about, "", f"    {run.command}", ""]
        if (folder_of(docs, run) / "report.html").exists():
            link = f"../reports/{run.name}/report.html"
            lines += ["```{raw} html", f'<p><a href="{link}">Open the report</a></p>', "```", ""]
        else:
            lines += ["This report is not made here: `make gallery` makes it.", ""]
    path, text = docs / "_made" / "gallery.md", "\n".join(["# Gallery of reports", "", *lines])
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for run in RUNS:
        if not sys.argv[1:] or run.name in sys.argv[1:]:
            make(run)

"""Writes the page of a survey: ``python -m softmax_reports.survey DIR``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from softmax_harness.ground.errors import HarnessError

from softmax_reports.page import write_page
from softmax_reports.rendering import Page
from softmax_reports.section import Section
from softmax_reports.sections.glossary import words
from softmax_reports.survey.accuracy import by_family, worst
from softmax_reports.survey.answers import bits, flushed, refused, special
from softmax_reports.survey.made import environment, header, is_of_device, surprises
from softmax_reports.survey.read import Survey, read

TITLE = "The softmaxes that ship, on the same inputs, judged by the same truth"


def sections(survey: Survey, beside: Path) -> list[Section]:
    """All sections, in order; `beside` is the folder of surprises."""
    found = [surprises(beside, survey)]
    found += [worst(survey, operation) for operation in survey.operations]
    found += [refused(survey), special(survey), flushed(survey), bits(survey)]
    found += [by_family(survey, operation) for operation in survey.operations]
    found += [environment(survey), words()]
    return [section for section in found if section is not None]


def main() -> int:
    """The exit code: 2 where there is no survey."""
    folder = Path(sys.argv[1])
    try:
        survey = read(folder)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    title = f"{TITLE}, on a GPU" if is_of_device(survey) else TITLE
    page = Page(title, header(survey), sections(survey, folder.parent / "surprises"))
    with TemporaryDirectory(dir=folder) as scratch:  # the page of an earlier survey is replaced
        write_page(page, Path(scratch))
        for name in ("report.html", "report.md"):
            (Path(scratch) / name).replace(folder / name)
    print(f"{folder / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

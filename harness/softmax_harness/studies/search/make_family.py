"""Makes the file of the family `searched` again.

``python -m softmax_harness.studies.search.make_family FOLDER`` writes searched.csv.

Each built-in softmax is searched in each of its formats, with seed 0. The file holds the row on
which it erred most, where that is more than what one rounding costs, and the smallest row with a
broken result.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from softmax_implementations import Implementation

from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.ground.workers import Here
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.inputs.witness import parse
from softmax_harness.studies.search.make import Asked, Witness, searched
from softmax_harness.subjects.named import available

COLUMNS = ("implementation", "dtype", "ulp", "row")
LONGEST = 8
ROUNDED_ONCE = 0.51


def main(folder: Path) -> None:
    """Write the file into `folder`."""
    del FAMILIES["searched"]  # or the searches would begin at what they found the last time
    with open(folder / "searched.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        rows = dict.fromkeys(row for each in available() for row in rows_of(each))
        table.writerows(rows)


def rows_of(implementation: Implementation) -> Iterator[tuple[str, str, str, str]]:
    """The rows worth keeping of an implementation that is the project's own."""
    if implementation.library is not None or implementation.name == "exact":
        return
    for dtype in (*DEFAULT_DTYPES, "bfloat16"):
        if dtype in implementation.dtypes:
            asked = Asked(implementation.name, dtype, n=LONGEST)
            found = searched(asked, Here(), lambda what, done, total: None)
            if found.worst is not None and found.worst.error > ROUNDED_ONCE:
                yield implementation.name, dtype, f"{found.worst.error:.4g}", told(found.worst)
            if found.broken is not None:
                yield implementation.name, dtype, "broken", told(found.broken)


def told(witness: Witness) -> str:
    """The numbers of a witness's row."""
    return " ".join(float(each).hex() for each in parse(witness.text).block[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

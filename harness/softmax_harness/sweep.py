"""Every implementation on every family, format and length; the truth of a batch is made once."""

from __future__ import annotations

import pandas as pd
from softmax_implementations import Implementation

from softmax_harness.families import FAMILIES
from softmax_harness.formats import format_named
from softmax_harness.measure import measure
from softmax_harness.operations import OPERATIONS
from softmax_harness.truth import judge

LENGTHS = (1, 2, 3, 7, 8, 9, 16, 33, 100, 1000)
LIMIT_ULP = 8.0


def sweep(
    chosen: list[Implementation], dtypes: tuple[str, ...], seed: int, rows: int = 9
) -> pd.DataFrame:
    """One row per implementation, dtype, family and n."""
    records = []
    for dtype in dtypes:
        format = format_named(dtype)
        users = [each for each in chosen if dtype in each.dtypes]
        for family in FAMILIES.values():
            for n in LENGTHS:
                x = family.rows(format, n, rows, seed)
                truth = judge(OPERATIONS["softmax"], x, format)
                for each in users:
                    cell = {
                        "operation": "softmax",
                        "implementation": each.name,
                        "dtype": dtype,
                        "family": family.name,
                        "n": n,
                        "rows": rows,
                        "elements": x.size,
                    }
                    records.append(cell | measure(each, x, truth, LIMIT_ULP))
    return pd.DataFrame(records)

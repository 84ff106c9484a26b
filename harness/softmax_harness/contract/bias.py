"""A mean error where honest kernels have none, which no single element shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from softmax_harness.contract.accuracy import Judged
from softmax_harness.contract.finding import Finding
from softmax_harness.contract.subject import Subject

FAMILY = "near-pairs"
# Of two logits at most 1 apart honest kernels err by 0.05 ulp in the mean, a truncated result by
# -0.5, one that is an ulp off by 1; a mean over 10**4 rows spreads by less than 0.01.
LIMIT = 0.25
_FEWEST_ROWS = 10_000


class Bias:
    """Adds up the signed errors of the rows of `FAMILY`, for each length of them."""

    def __init__(self) -> None:
        self._sums: dict[int, float] = {}
        self._counts: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self._texts: dict[int, str] = {}

    def see(self, judged: Judged) -> None:
        """Note the errors of a block; what is masked has none."""
        if judged.recipe.family.name != FAMILY:
            return
        n, batch = judged.recipe.n, judged.found.batch
        errors = np.where(batch.truth.fixed, np.nan, batch.ulp_error)
        self._sums[n] = self._sums.get(n, 0.0) + float(np.nansum(errors))
        self._counts[n] = self._counts.get(n, 0) + int((~np.isnan(errors)).sum())
        self._rows[n] = self._rows.get(n, 0) + len(errors)
        row, index = np.argwhere(~batch.truth.fixed)[0].tolist()
        self._texts.setdefault(n, judged.text(row, index))

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """One for each length whose mean error is beyond `LIMIT`."""
        for n, total in self._sums.items():
            mean = total / max(self._counts[n], 1)
            if self._rows[n] >= _FEWEST_ROWS and abs(mean) > LIMIT:
                yield Finding(
                    "bias",
                    f"a mean error of {mean:+.3f} ulp over {self._counts[n]} results of two logits "
                    f"at most 1 apart in rows of {n}, where honest kernels stay within 0.05",
                    "bias_ulp",
                    mean,
                    LIMIT,
                    self._texts[n],
                    f"softmax-harness check {subject.known.name} --dtype {subject.format.name} "
                    "--only accuracy",
                )

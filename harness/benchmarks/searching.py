"""Search against random sampling of equal cost, on every built-in softmax.

    python harness/benchmarks/searching.py

Prints the largest error in ulp that each finds among as many rows, sampled from the families or
searched, and exits with 1 if a search is ever worse, or no better where the error is above 0.51.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from softmax_harness.ground.formats import DEFAULT_DTYPES as DTYPES
from softmax_harness.ground.workers import Here
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.operations import Problem
from softmax_harness.studies.search.judged import judged
from softmax_harness.studies.search.make import Asked, problem_asked, searched
from softmax_harness.studies.search.sampling import sampled
from softmax_harness.subjects.named import available, subject_named

# What rounds once errs by little more than half an ulp, which leaves nothing to search for.
_ROUNDED_ONCE = 0.51


def of_sample(asked: Asked, problem: Problem) -> float:
    """The largest error among as many rows as a search judges, drawn from the families."""
    subject = subject_named(asked.implementation, problem, asked.said)
    blocks = sampled(
        problem.operation, problem.input_format, asked.n, asked.evaluations, asked.seed
    )
    return max(float(judged(subject, block).error.max()) for _, block in blocks)


def measured(
    n: int, evaluations: int, seed: int, only: list[str] | None
) -> Iterator[tuple[Asked, float, float]]:
    """What each finds: of every built-in softmax in each dtype."""
    for each in available():
        if only and each.name not in only:
            continue
        for dtype in DTYPES:
            if dtype in each.dtypes and each.name != "exact":  # whose errors are known
                asked = Asked(each.name, dtype, n=n, evaluations=evaluations, seed=seed)
                problem = problem_asked(asked)
                found = searched(asked, Here(), lambda what, done, total: None)
                worst = found.worst.error if found.worst else -1.0
                yield asked, of_sample(asked, problem), worst


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--evaluations", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="implementations; all if none are named")
    given = parser.parse_args()
    del FAMILIES["searched"]  # or both would begin at what earlier searches found
    print("| implementation | dtype | sampled, ulp | searched, ulp | ratio |")
    print("| --- | --- | --- | --- | --- |")
    failed = 0
    for asked, sample, search in measured(given.n, given.evaluations, given.seed, given.only):
        is_worse = search < sample or (sample > _ROUNDED_ONCE and search == sample)
        failed += is_worse
        ratio = f"{search / sample:.3g}" + (" **not better**" if is_worse else "")
        print(
            f"| {asked.implementation} | {asked.dtype} | {sample:.6g} | {search:.6g} | {ratio} |",
            flush=True,
        )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

"""A run takes NaN or 0 for a row of which a mask hides everything, as `check` does."""

import pytest
from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.run.measuring import measuring_jobs

KERNEL = """
import numpy as np

def masked(x, mask, axis=-1):
    e = np.where(mask, np.exp(x - x.max(axis=axis, keepdims=True)), 0)
    total = e.sum(axis=axis, keepdims=True)
    share = e / np.where(total == 0, 1, total)
    return np.where(total == 0, {given}, share).astype(x.dtype)
"""


@pytest.mark.parametrize("given, wrong", [("0", False), ("np.nan", False), ("0.5", True)])
def test_nan_or_zero_is_right_for_a_row_that_sees_nothing(tmp_path, given, wrong):
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL.format(given=given), encoding="utf-8")
    name = f"{path}:masked"
    problem = Problem.of(OPERATIONS["softmax_masked"], FORMATS["float32"])
    recipe = Recipe(FAMILIES["normal-1"], problem.input_format, 8, 64, 0)
    (job,) = measuring_jobs(problem, recipe, (name,), "screened")
    found = job.do().measured[name].tally.outcomes[Outcome.WRONG_SPECIAL.code]
    assert (found > 0) == wrong


def test_only_shares_of_1_can_be_uniform():
    policy = Policy.parse(("all-masked=uniform",))
    Problem(OPERATIONS["softmax_masked"], *2 * (FORMATS["float32"],), policy=policy)
    with pytest.raises(HarnessError, match="logsumexp are no shares of 1"):
        Problem(OPERATIONS["logsumexp"], *2 * (FORMATS["float32"],), policy=policy)

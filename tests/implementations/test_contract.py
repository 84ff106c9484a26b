"""Every registered softmax that can run here passes the contract suite.

Each in one format and a ninth of the contract, the next in the next; who takes others than
NumPy's, in one of those, and in one of NumPy's on the families that tell formats apart. All of each
would take thirty times as long. ``softmax-harness check`` checks all that is registered, in CI too.
"""

import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.ground.formats import FORMATS
from softmax_harness.subjects.catalogue import catalogue

pytestmark = [pytest.mark.usefixtures("truths_kept"), pytest.mark.slow]


FAMILIES = ("normal-10", "near-ties", "rising", "masked", "offset-positive", "uniform-wide")


def held(dtypes, place):
    """The dtype in which one passes the whole suite, and those in which it passes a part of it."""
    own = [name for name in dtypes if FORMATS[name].is_default]
    others = [name for name in dtypes if name not in own]
    first, *rest = (names[place % len(names)] for names in (others, own) if names)
    return first, tuple(rest)


AVAILABLE = {
    each.name: held(each.dtypes, place)
    for place, each in enumerate(catalogue().values())
    if not each.unavailable
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.place(place)) for place, name in enumerate(AVAILABLE)],
)
@pytest.mark.usefixtures("ninth_of_contract")
def test_check_passes(name):
    dtype, others = AVAILABLE[name]
    (result,) = checked(name, Contract((dtype,)))
    assert result.dtype == dtype
    assert result.verdict == "pass", result.findings
    assert result.elements > 140_000  # a ninth of the recipes, of those with short rows alone too
    if others:
        few = Contract(others, ("accuracy", "axes"), families=FAMILIES)
        (result,) = checked(name, few)
        assert result.verdict == "pass" and result.elements > 4000, result.findings


@pytest.mark.parametrize("seed", [1, 3, 5])
@pytest.mark.parametrize("name", ["max-shifted", "scipy"])
@pytest.mark.usefixtures("long_axes")
def test_a_sum_one_by_one_along_another_axis_passes_with_other_seeds_too(name, seed):
    """As NumPy adds there, and the README's kernel with it."""
    for result in checked(name, Contract(("float32", "float64"), ("axes",), seed=seed)):
        assert result.verdict == "pass", result.findings


def test_what_is_declared_beside_a_name_exists():
    """A misspelt capability or finding would silently promise nothing."""
    from softmax_harness.judgement.outcomes import OUTCOMES
    from softmax_harness.operations.bounds import BOUNDS
    from softmax_implementations.registry import CAPABILITIES, SAME_BITS

    parts = {"axis", "batch", "default_axis", "layout", "permutation"}
    known = {*OUTCOMES, *parts, "died", "nondeterminism"}
    for each in catalogue().values():
        assert {*each.capabilities} <= {*CAPABILITIES}
        assert {*each.same_bits} <= {*SAME_BITS}
        assert {kind.partition(" in ")[0] for kind in each.expected_findings} <= known
        assert each.bound in {None, "exact", "wide", *BOUNDS}

"""Every registered softmax that can run here passes the contract suite.

Each has one of NumPy's formats and one of the others that it takes, the next the next: all of each
would take five times as long. ``softmax-harness check`` checks all that is registered in all.
"""

import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.ground.formats import FORMATS
from softmax_harness.subjects.catalogue import catalogue

pytestmark = [pytest.mark.usefixtures("truths_kept"), pytest.mark.slow]


def held(dtypes, place):
    """The dtypes in which one is checked."""
    own = [name for name in dtypes if FORMATS[name].is_default]
    others = [name for name in dtypes if name not in own]
    return tuple(names[place % len(names)] for names in (own, others) if names)


AVAILABLE = {
    each.name: held(each.dtypes, place)
    for place, each in enumerate(catalogue().values())
    if not each.unavailable
}


@pytest.mark.parametrize("name", AVAILABLE)
def test_check_passes(name):
    results = checked(name, Contract(AVAILABLE[name]))
    assert [each.dtype for each in results] == [*AVAILABLE[name]]
    for result in results:
        assert result.verdict == "pass", (result.dtype, result.findings)
        assert result.elements > 1_000_000


def test_what_is_declared_beside_a_name_exists():
    """A misspelt capability or finding would silently promise nothing."""
    from softmax_harness.judgement.outcomes import OUTCOMES
    from softmax_harness.operations.bounds import BOUNDS
    from softmax_implementations.registry import CAPABILITIES, SAME_BITS

    known = {*OUTCOMES, "axis"}
    for each in catalogue().values():
        assert {*each.capabilities} <= {*CAPABILITIES}
        assert {*each.same_bits} <= {*SAME_BITS}
        assert {kind.partition(" in ")[0] for kind in each.expected_findings} <= known
        assert each.bound in {None, "exact", "wide", *BOUNDS}

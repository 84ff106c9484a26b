"""Who checks the checker: every broken softmax fails for its reason, no right one fails."""

import ast
from pathlib import Path

import pytest
import softmax_faults.softmax
from softmax_faults.labels import listed
from softmax_harness.check.contract import PARTS, Contract, checked
from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Limits

from .telling import telling_first

pytestmark = [pytest.mark.usefixtures("truths_kept"), pytest.mark.slow]
FOLDER = Path(softmax_faults.softmax.__path__[0])
_NOT_SUBJECTS = ("good.py", "__init__.py")
_SECONDS_TO_HANG = 5.0  # enough for any of them that does end
_SECONDS_OF_A_HANG = 0.4  # for one that never ends


def subjects():
    """Each public function of the files here, with what its docstring says of it."""
    for path in sorted(set(FOLDER.glob("*.py")) - {FOLDER / name for name in _NOT_SUBJECTS}):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield path, node.name, ast.get_docstring(node)


def one_of(names, place):
    """One of the names, the next at the next place."""
    return (names[place % len(names)],)


ALL = list(subjects())
MUTANTS = [
    pytest.param(path, name, text, id=f"{path.stem}-{name}", marks=pytest.mark.place(place))
    for place, (path, name, text) in enumerate(ALL)
    if path.stem != "right"
]
# Batches take as long as all else that is no accuracy: each second one has these, the others have
# the rest.
HALVES = (("accuracy", "batches"), tuple(part for part in PARTS if part != "batches"))
# Each in one of its formats, in turn, and in a ninth of the contract: all of each would take
# twenty times as long.
RIGHT = [
    pytest.param(
        path,
        name,
        one_of(listed("dtypes", text) or DEFAULT_DTYPES, place),
        HALVES[place % 2],
        Said(standard=next(iter(listed("standard", text)), None)),
        id=name,
        marks=pytest.mark.place(place),
    )
    for place, (path, name, text) in enumerate(each for each in ALL if each[0].stem == "right")
]


# All kinds of findings: some are what no docstring names, and yet must not end a verdict before it.
KINDS = {kind for _, _, text in ALL for kind in listed("Found as", text)} | {*OUTCOMES}
KINDS |= {"permutation", "default_axis", "limit", "bias", "printed", "side_effect", "memory"}


def test_there_are_enough_of_them():
    assert len(MUTANTS) >= 60
    assert len({each.values[1] for each in RIGHT}) >= 12


@pytest.mark.parametrize("path, name, text", [m for m in MUTANTS if m.values[0].stem != "deaths"])
@pytest.mark.usefixtures("few_shrunk")
def test_a_broken_softmax_fails_for_the_right_reason(path, name, text):
    """The suite up to the first finding of a kind that the docstring names."""
    (dtype, *_) = listed("dtypes", text) or ("float32",)
    kinds = listed("Found as", text)
    others = tuple(KINDS.difference(kinds))
    parts = PARTS if kinds[0] in OUTCOMES else telling_first(PARTS, kinds)
    contract = Contract((dtype,), parts=parts, fail_fast=True, borne=others)
    (result,) = checked(f"{path}:{name}", contract)
    assert result.verdict == "fail"
    assert {*kinds} & {finding.kind for finding in result.findings}, result.findings
    assert all(each.replay.startswith("softmax-harness ") for each in result.findings)


@pytest.mark.parametrize("path, name, text", [m for m in MUTANTS if m.values[0].stem == "deaths"])
@pytest.mark.usefixtures("ninth_of_contract")
def test_a_softmax_that_ends_its_process_or_never_ends_is_one_finding(path, name, text):
    kinds = listed("Found as", text)
    limits = Limits(_SECONDS_OF_A_HANG if kinds[0] == "timeout" else _SECONDS_TO_HANG)
    (result,) = checked(f"{path}:{name}", Contract(("float32",), process=limits))
    assert result.verdict == "fail"
    (finding,) = result.findings
    assert finding.kind in kinds


@pytest.mark.parametrize("path, name, dtypes, parts, said", RIGHT)
@pytest.mark.usefixtures("ninth_of_contract")
def test_a_right_softmax_passes(path, name, dtypes, parts, said):
    results = checked(f"{path}:{name}", Contract(dtypes, parts, said=said))
    assert [each.dtype for each in results] == [*dtypes]
    for result in results:
        assert result.verdict == "pass", (result.dtype, result.findings)

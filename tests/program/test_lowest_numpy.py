"""Only names are used that the lowest admitted NumPy has, with which few tests are run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What NumPy's own namespace has had since a version after 1.26.
NEWER = (
    "acosh?|asinh?|atanh?|atan2|astype|bitwise_(?:count|invert|left_shift|right_shift)|concat|"
    "cumulative_(?:prod|sum)|isdtype|u?long|matrix_transpose|matvec|permute_dims|pow|strings|"
    "trapezoid|unique_(?:all|counts|inverse|values)|unstack|vecdot|vecmat"
)
USED = re.compile(rf"\b(?:np|numpy)\.({NEWER})\b")


def test_a_newer_name_is_noticed():
    assert USED.findall("np.vecdot(a, b) + numpy.pow(a, 2)") == ["vecdot", "pow"]
    assert not USED.findall('getattr(np, "vecdot") + np.longdouble(1) + x.astype(float)')


@pytest.mark.parametrize("wing", ["harness", "implementations", "reports"])
def test_the_lowest_numpy_has_every_name_that_is_used(wing):
    assert '"numpy>=1.26"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    newer = {
        path.relative_to(ROOT).as_posix(): found
        for path in (ROOT / wing).rglob("*.py")
        if (found := USED.findall(path.read_text(encoding="utf-8")))
    }
    assert not newer

"""Rounding, spacing and neighbours of each format against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from softmax_harness.ground.errors import BadData, UnknownName
from softmax_harness.ground.formats import FORMATS, format_named, format_of

ALL = [pytest.param(format, id=name) for name, format in FORMATS.items()]
EXACT = st.tuples(st.integers(0, 2**90), st.integers(-1200, 60))


def grid(format, exponent):
    """Spacing of the format in the binade of 2**exponent, as a fraction."""
    return Fraction(2) ** (max(exponent, format.emin) - format.precision + 1)


def nearest(value, format):
    """The nearest number of the format by the definition: multiples of the spacing, ties to even."""
    if value == 0:
        return Fraction(0)
    exponent = 0
    while Fraction(2) ** (exponent + 1) <= value:
        exponent += 1
    while Fraction(2) ** exponent > value:
        exponent -= 1
    spacing = grid(format, exponent)
    return round(value / spacing) * spacing  # Python rounds fractions half to even


@pytest.mark.parametrize("format", ALL)
@given(EXACT)
def test_rounding_is_to_nearest_ties_to_even(format, exact):
    man, exp = exact
    value = Fraction(man) * Fraction(2) ** exp
    expected = nearest(value, format)
    found = format.round(man, exp)
    if value >= format.overflow_threshold:
        assert found == np.inf
    else:
        assert Fraction(found) == expected


def test_one_rounding_where_two_would_differ():
    man, exp = 2**80 + 2**56 + 1, -80  # 1 + 2**-24 + 2**-80
    assert FORMATS["float32"].round(man, exp) == 1 + 2.0**-23
    assert np.float32(FORMATS["float64"].round(man, exp)) == 1.0


@pytest.mark.parametrize("format", ALL)
def test_limits_agree_with_numpy(format):
    if format.name == "bfloat16":
        ml_dtypes = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
        info = ml_dtypes.finfo(ml_dtypes.bfloat16)
    else:
        info = np.finfo(format.name)
    assert format.largest == float(info.max)
    assert format.smallest_normal == float(info.smallest_normal)
    assert format.smallest_subnormal == float(info.smallest_subnormal)
    assert 2 * format.unit_roundoff == float(info.eps)
    assert format.dtype.itemsize * 8 == info.bits


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
@given(st.data())
def test_neighbours_and_spacing_agree_with_numpy(name, data):
    format = FORMATS[name]
    width = int(name[-2:])
    value = np.float64(data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False)))
    for toward in (-np.inf, np.inf):
        with np.errstate(over="ignore"):
            neighbour = np.nextafter(format.dtype.type(value), format.dtype.type(toward))
        assert format.next_after(float(value), toward) == neighbour
    if abs(value) < format.largest:
        spacing = np.spacing(np.abs(format.dtype.type(value)))
        assert format.ulp(np.array([abs(value)]))[0] == spacing


def test_a_wrong_name_or_type_is_told():
    with pytest.raises(UnknownName, match="did you mean bfloat16"):
        format_named("bfloat61")
    with pytest.raises(BadData, match="complex64"):
        format_of(np.zeros(2, np.complex64))

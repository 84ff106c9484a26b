"""Rounding, spacing and neighbours of each format against exact fractions."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from softmax_harness.ground.errors import BadData, UnknownName
from softmax_harness.ground.formats import (
    ALIASES,
    DEFAULT_DTYPES,
    FORMATS,
    OTHER_DTYPES,
    Format,
    dtype_name,
    format_named,
    format_of,
)
from softmax_harness.ground.npy import read_npy, write_npy
from softmax_harness.operations import Enclosure
from softmax_harness.truth.rounding import decide
from softmax_implementations import registry

ALL = [pytest.param(format, id=name) for name, format in FORMATS.items()]
# Those of the table, and three more that an entry of it could describe.
OF_A_BYTE = [
    *(format for format in FORMATS.values() if format.precision < 8),
    Format("float8_e4m3", 4, -6, 7, "float32", package="ml_dtypes"),
    Format("float8_e3m4", 5, -2, 3, "float32", package="ml_dtypes"),
    Format("float8_e4m3b11fnuz", 4, -10, 4, "float32", has_infinity=False, package="ml_dtypes"),
]
EXACT = st.tuples(st.integers(0, 2**90), st.integers(-1200, 60))


def grid(format, exponent):
    """Spacing of the format in the binade of 2**exponent, as a fraction."""
    return Fraction(2) ** (max(exponent, format.emin) - format.precision + 1)


def nearest(value, format):
    """The nearest number by definition: a multiple of the spacing, ties to even."""
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
    if expected > format.largest:
        assert same(found, format.overflow_value)
        assert value >= format.overflow_threshold
    else:
        assert Fraction(found) == expected


def test_one_rounding_where_two_would_differ():
    man, exp = 2**80 + 2**56 + 1, -80  # 1 + 2**-24 + 2**-80
    assert FORMATS["float32"].round(man, exp) == 1 + 2.0**-23
    assert np.float32(FORMATS["float64"].round(man, exp)) == 1.0


@pytest.mark.parametrize("format", [*FORMATS.values(), *OF_A_BYTE], ids=lambda format: format.name)
def test_limits_agree_with_numpy(format):
    if format.package == "numpy":
        info = np.finfo(format.name)
    else:
        ml_dtypes = pytest.importorskip(format.package, reason=f"pip install {format.package}")
        info = ml_dtypes.finfo(format.dtype)
    assert format.largest == float(info.max)
    assert format.smallest_normal == float(info.smallest_normal)
    assert format.smallest_subnormal == float(info.smallest_subnormal)
    assert 2 * format.unit_roundoff == float(info.eps)
    assert format.dtype.itemsize * 8 == info.bits


def numbers(format):
    """Every finite number of a format of one byte, as floats in order, 0 once."""
    codes = np.arange(256, dtype=np.uint8).view(format.dtype).astype(np.float64)
    return np.unique(np.abs(codes[np.isfinite(codes)])).tolist()


def man_exp(value):
    """A fraction whose denominator is a power of two as man and exp: man * 2**exp."""
    return value.numerator, 1 - value.denominator.bit_length()


def same(found, expected):
    return found == expected or (np.isnan(found) and np.isnan(expected))


@pytest.mark.parametrize("format", OF_A_BYTE, ids=lambda format: format.name)
def test_rounding_to_a_byte_is_that_of_ml_dtypes_for_every_number_and_middle(format):
    pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    own = numbers(format)
    beyond = format.dtype.type(np.inf).astype(np.float64)  # what overflow gives
    assert own[1] == format.smallest_subnormal and own[-1] == format.largest
    assert same(beyond, format.overflow_value)
    after = float(2 * format.overflow_threshold - Fraction(format.largest))
    for low, high in zip(own, [*own[1:], after], strict=True):
        above = high if high <= format.largest else beyond
        middle = (Fraction(low) + Fraction(high)) / 2
        at_middle = format.dtype.type(float(middle)).astype(np.float64)
        assert same(format.round(*man_exp(middle)), at_middle)
        assert format.round(*man_exp(Fraction(low))) == low
        # Two roundings, by way of float32, would take both for the middle (ml_dtypes#401).
        step = Fraction(1, 2**80)
        assert format.round(*man_exp(middle - step)) == low
        assert same(format.round(*man_exp(middle + step)), above)
        decided = decide(Enclosure(*man_exp(middle + step), 0), format)
        assert decided is not None and same(decided[0], above)
    assert middle == format.overflow_threshold
    assert same(decide(Enclosure(*man_exp(Fraction(after)), 0), format)[0], beyond)
    for power in range(format.emax + 1, 1100):
        assert same(format.round(1, power), beyond)
        assert same(decide(Enclosure(1, power, 0), format)[0], beyond)


@pytest.mark.parametrize("format", OF_A_BYTE, ids=lambda format: format.name)
def test_conversions_that_saturate_give_the_largest_number_beyond_it(format):
    saturating = format.saturating
    for man, exp in ((1, format.emax + 1), (1, 2000), man_exp(format.overflow_threshold + 1)):
        assert saturating.round(man, exp) == saturating.overflow_value == format.largest
        assert decide(Enclosure(-man, exp, 0), saturating)[:2] == (-format.largest, 0.0)
    assert saturating.round(*man_exp(Fraction(format.largest))) == format.largest


@pytest.mark.parametrize("format", ALL)
def test_what_lies_beyond_the_largest_number_is_known_by_how_far(format):
    """As far as that is a float64."""
    unit = Fraction(2) ** format.largest_spacing_exponent
    for ulps in (Fraction(3, 4), Fraction(1001, 8), Fraction(2) ** 40):
        z = Fraction(format.largest) + ulps * unit
        found = decide(Enclosure(*man_exp(z), 0), format)
        is_float64 = abs(z) <= np.finfo(np.float64).max
        assert same(found[0], format.overflow_value) and np.isinf(found[1]) == (not is_float64)
        assert not is_float64 or found[1] == float(ulps)
        negative = decide(Enclosure(-man_exp(z)[0], man_exp(z)[1], 0), format)
        assert negative[1] == -found[1] and np.signbit(negative[0])


@pytest.mark.parametrize("format", OF_A_BYTE, ids=lambda format: format.name)
def test_neighbours_in_a_byte_are_those_of_ml_dtypes(format):
    pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    kind = format.dtype.type
    own = numbers(format)
    for value in (*own, *(-each for each in own)):
        for toward in (-format.largest, format.largest):
            expected = np.nextafter(kind(value), kind(toward)).astype(np.float64)
            assert format.next_after(value, toward) == expected
    for value, toward in ((own[-1], np.inf), (-own[-1], -np.inf)):
        expected = np.nextafter(kind(value), kind(toward)).astype(np.float64)
        assert same(format.next_after(value, toward), expected)
    spacings = np.diff(own)
    assert (format.ulp(np.array(own[:-1])) == spacings).all()


def test_each_list_of_formats_is_the_table():
    sizes = [format.dtype.itemsize for format in FORMATS.values()]
    assert sizes == sorted(sizes)
    assert {*DEFAULT_DTYPES, *OTHER_DTYPES} == {*FORMATS}
    assert all(hasattr(np, name) for name in DEFAULT_DTYPES)
    # What is measured may not import the harness.
    assert registry.NUMPY_DTYPES == DEFAULT_DTYPES
    assert {*registry.LIBRARY_DTYPES} <= {*FORMATS}


def test_no_other_list_of_formats_stands_in_the_code(root):
    quoted = f'"(?:{"|".join(FORMATS)})"'
    two = re.compile(rf"{quoted}\s*[,:]\s*{quoted}")
    sources = [*(root / "harness").rglob("*.py"), *(root / "reports").rglob("*.py")]
    assert sources and not [path for path in sources if two.search(path.read_text("utf-8"))]


@pytest.mark.parametrize("format", ALL)
def test_what_numpy_saved_is_read_as_what_it_was(format, tmp_path):
    if format.package != "numpy":
        pytest.importorskip(format.package, reason=f"pip install {format.package}")
    saved = np.array([1.0, -0.5, np.nan], format.dtype)
    np.save(tmp_path / "saved.npy", saved)
    is_lost = [each.loaded_as for each in FORMATS.values()].count(format.loaded_as) > 1
    if is_lost and format.loaded_as:
        with pytest.raises(BadData, match=f"holds raw bytes.*{format.name}.*--x-dtype"):
            read_npy(tmp_path / "saved.npy")
    write_npy(tmp_path / "written.npy", saved)
    for path in tmp_path.iterdir():
        read = read_npy(path, format.name)
        assert read.dtype == format.dtype and read.tobytes() == saved.tobytes()


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), ()])
def test_a_type_that_numpy_saves_but_does_not_load_is_read(shape, tmp_path):
    kind = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes").float8_e5m2
    saved = np.full(shape, 1.5, kind, order="F")
    np.save(tmp_path / "saved.npy", saved)
    read = read_npy(tmp_path / "saved.npy")
    assert read.dtype == kind and read.shape == shape and (read == saved).all()


@pytest.mark.parametrize("name", DEFAULT_DTYPES)
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


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_the_nearest_numbers_are_those_of_the_exact_rounding(format):
    rng = np.random.default_rng(1)
    spread = np.ldexp(rng.standard_normal(500), rng.integers(-1074, 1020, 500))
    near = np.ldexp(rng.standard_normal(500), rng.integers(format.emin - 9, format.emax, 500))
    ends = np.ldexp(1.0 - 2.0 ** -np.arange(2.0, 54.0), format.emax + 1)
    ends = np.concatenate([ends, [0.0, format.largest, format.smallest_subnormal / 2]])
    values = np.concatenate([spread, near, ends, -ends])
    found = format.nearest(values)
    for value, nearest in zip(values.tolist(), found.tolist(), strict=True):
        fraction, exponent = math.frexp(abs(value))
        exactly = format.round(int(math.ldexp(fraction, 53)), exponent - 53)
        assert str(nearest) == str(math.copysign(exactly, value)).replace("-nan", "nan")
    beyond = format.overflow_value
    special = format.nearest([np.inf, -np.inf, np.nan])
    assert np.array_equal(special, [beyond, -beyond, np.nan], equal_nan=True)
    assert format.nearest(1.0).shape == ()


def test_every_format_has_short_names_and_no_two_share_one():
    aliases = [alias for format in FORMATS.values() for alias in format.aliases]
    assert len({*aliases, *FORMATS}) == len(aliases) + len(FORMATS) and {*aliases} == {*ALIASES}
    for short, name in (("fp16", "float16"), ("half", "float16"), ("bf16", "bfloat16")):
        assert format_named(short) is FORMATS[name] and dtype_name(short) == name
    assert dtype_name("float") == "float"  # 32 bits in C, 64 in Python: nobody knows
    with pytest.raises(UnknownName, match="'float'"):
        format_named("float")

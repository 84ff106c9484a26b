"""Results of two logits from their difference, against ball arithmetic that is not ours."""

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS
from softmax_harness.operations.screen import difference

PRECISION = 400


@pytest.fixture(autouse=True)
def _precise():
    before = ctx.prec
    ctx.prec = PRECISION
    yield
    ctx.prec = before


def _distances(format, rng):
    """Of every size, and on either side of where the tables change."""
    largest = min(format.largest, 4.0 * difference.far(format))
    steps = np.arange(1, 40) / 256.0
    sizes = np.geomspace(format.smallest_subnormal, largest, 300) * rng.uniform(1.0, 1.1, 300)
    return np.concatenate([steps, np.nextafter(steps, 0.0), sizes])


def _exact(operation, distance):
    """z at the larger and at the smaller logit."""
    d = arb(fmpq(*distance.as_integer_ratio()))
    log = (-d).exp().log1p()
    if operation == "softmax":
        return (-log).exp(), (-log - d).exp()
    return -log, -log - d


@pytest.mark.parametrize("operation", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_both_sides_are_within_their_error(operation, dtype):
    format, rng = FORMATS[dtype], np.random.default_rng(5)
    own = OPERATIONS[operation].of_difference
    distances = _distances(format, rng)
    blur = own.error_ulp(format, is_exact=True)
    for index, side in enumerate(own.sides(distances, format)):
        base = np.broadcast_to(side.base, distances.shape)
        per_ulp = np.broadcast_to(side.per_ulp, distances.shape)
        for place, distance in enumerate(distances.tolist()):
            z = _exact(operation, distance)[index]
            found = arb(base[place]) + arb(side.rest[place])
            assert abs(found - z) * arb(per_ulp[place]) <= blur
            if side.open is None or not side.open[place]:
                k = int(-np.log2(per_ulp[place]))
                binade = arb(2) ** (k + format.precision - 1)
                assert not abs(z) >= 2 * binade
                assert not abs(z) < binade or k == format.spacing_exponent


def test_of_far_differences_the_nearest_numbers_are_known():
    format = FORMATS["float16"]
    beyond = np.array([np.nextafter(difference.far(format), 1e9), 1e4])
    for operation, due in (("softmax", (1.0, 0.0)), ("log_softmax", (0.0, None))):
        own = OPERATIONS[operation].of_difference
        for side, expected in zip(own.sides(beyond, format), due, strict=True):
            z = format.nearest(side.z)
            assert (z == (format.nearest(-beyond) if expected is None else expected)).all()
        assert own.rounded(beyond)[0] == due[0]

"""Values of every scale, and such as show which key they belong to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.attention.kinds import drawn
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import powers_of_two

_FEW_POWERS = 100  # emax of float16 and float8 is below, of all others above
_POISON = 64.0
"""How much larger the values of keys may be that are hidden; a result must not show it."""


def values(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """v of shape (rows, n, c), of magnitudes that the format holds."""
    v = np.empty(shape)
    for make, chosen in drawn(_KINDS, shape[0], rng):
        v[chosen] = make((len(chosen), *shape[1:]), format, rng)
    return v


def poisoned(
    v: Array, hidden: NDArray[np.bool_], format: Format, rng: np.random.Generator
) -> Array:
    """In half of the rows, values of hidden keys that are much larger than the others.

    As far as all of a column together stay in the format: where an honest kernel may overflow,
    nothing is judged.
    """
    chosen = (rng.random((len(v), 1)) < 0.5) & hidden
    some = v[chosen]
    size, room = np.abs(some), format.largest / (4.0 * max(v.shape[1], 1))
    size = np.maximum(size, _POISON * np.minimum(size, room / _POISON))
    found = v.copy()
    found[chosen] = np.copysign(size, some) + 1.0
    return found


def _normal(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    return rng.standard_normal(shape)


def _scaled(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """Each row of its own scale: from 1e-3 to 1e3, or any in which the format has numbers."""
    of_rows = shape[0], 1, 1
    far = powers_of_two(format, of_rows, rng, _room(format) + shape[1].bit_length())
    near = 10.0 ** rng.uniform(-3, 3, of_rows)
    return np.asarray(rng.standard_normal(shape) * np.where(rng.random(of_rows) < 0.4, far, near))


def _near_2000(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """All of one sign: a sum of 33 of them is beyond the range of float16, their mean is not."""
    sign = rng.choice([-1.0, 1.0], (shape[0], 1, 1))
    return np.asarray(sign * rng.uniform(1900.0, 2100.0, shape))


def _large(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """So large that a sum of all of them hardly stays finite."""
    most = format.largest / (np.ldexp(1.0, _room(format) - 2) * max(shape[1], 1))
    return np.asarray(rng.uniform(-1.0, 1.0, shape) * most)


def _room(format: Format) -> int:
    """Powers of two to the largest number that a sum of weights times values may take up.

    A kernel that rescales only where the maximum has risen by e**8 or so has weights up to that. In
    a format of few powers of two such kernels add in a wider one.
    """
    return 16 if format.emax > _FEW_POWERS else 4


def _one_hot(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """1 for one key, 0 for the others: the result is the weight of that key."""
    place = rng.integers(0, max(shape[1], 1), (shape[0], 1, shape[2]))
    return np.where(np.arange(shape[1])[:, None] == place, 1.0, 0.0)


def _alternating(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """1 and -1 in turns, which cancel."""
    signs = np.where(np.arange(shape[1])[:, None] % 2 == 0, 1.0, -1.0)
    return np.asarray(signs * rng.choice([-1.0, 1.0], (shape[0], 1, shape[2])))


def _constant(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """The same for all keys: the result is that, whatever the weights are."""
    return np.broadcast_to(rng.standard_normal((shape[0], 1, shape[2])), shape)


def _apart(shape: tuple[int, int, int], format: Format, rng: np.random.Generator) -> Array:
    """Of one sign, each of another magnitude from 1e-2 to 1e2."""
    return np.asarray(10.0 ** rng.uniform(-2.0, 2.0, shape))


_KINDS = (
    (0.32, _normal),
    (0.14, _scaled),
    (0.12, _near_2000),
    (0.06, _large),
    (0.08, _one_hot),
    (0.08, _alternating),
    (0.06, _constant),
    (0.14, _apart),
)

"""Hypothesis strategies that draw from the families of inputs that break kernels.

from hypothesis import given
from softmax_harness.testing import assert_close, strategies

@given(strategies.logits("float32", allow_nan=False))
def test_softmax(x):
    assert_close(my_softmax(x), x)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from softmax_harness.ground.errors import HarnessError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["arguments", "logits"]


def logits(
    dtype: str = "float32",
    *,
    families: Sequence[str] = (),
    max_rows: int = 8,
    max_n: int = 256,
    allow_nan: bool = True,
    allow_infinity: bool = True,
) -> SearchStrategy[Any]:
    """Arrays of logits, shape (rows, n), from the families that ``softmax-harness list`` names.

    What fails shrinks to few rows, few logits and simple families.

    Parameters
    ----------
    dtype : str
        The format; of bfloat16 the arrays have the type of ml_dtypes.
    families : sequence of str
        Only these families; all by default that have rows of up to `max_n`.
    max_rows, max_n : int
        The most rows, and the longest.
    allow_nan, allow_infinity : bool
        Whether NaN, and infinite logits such as those that mask, may occur.

    Raises
    ------
    HarnessError
        If a name does not exist, no family fits, or Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, database=None, deadline=None)
    ... @given(logits("float16", families=["ties"], max_n=20))
    ... def test(x):
    ...     assert x.dtype == "float16" and 1 <= x.shape[-1] <= 20
    >>> test()
    """
    drawn = arguments(
        "softmax",
        dtype,
        families=families,
        max_rows=max_rows,
        max_n=max_n,
        allow_nan=allow_nan,
        allow_infinity=allow_infinity,
    )
    return drawn.map(lambda given: given["x"])


def arguments(
    operation: str,
    dtype: str = "float32",
    *,
    families: Sequence[str] = (),
    max_rows: int = 8,
    max_n: int = 256,
    allow_nan: bool = True,
    allow_infinity: bool = True,
) -> SearchStrategy[dict[str, Any]]:
    """The arguments of an operation by name: ``{"x": ..., "target": ...}``.

    They are what `softmax_harness.testing.assert_close` takes, ``x`` and operands. Parameters other
    than `operation` are as in `logits`, and so is what is raised; of an operation that takes no
    logits, arrays are made from logits of which they hold.
    """
    try:
        from hypothesis import strategies  # where it is drawn from, and nowhere else
    except ImportError:
        raise HarnessError(
            "strategies need Hypothesis, which is not installed: pip install hypothesis"
        ) from None
    from softmax_harness.testing.drawing import Allowed, Wanted, drawn

    wanted = Wanted.of(operation, dtype, families, max_rows, max_n)
    allowed = Allowed(allow_nan, allow_infinity)
    made = strategies.composite(drawn)(wanted)
    return made if allow_nan and allow_infinity else made.filter(allowed.holds)

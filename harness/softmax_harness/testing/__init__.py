"""What tests of a softmax use: `assert_close`, `exact` and `strategies`.

    import torch
    from softmax_harness.testing import assert_close

    def test_softmax():
        x = torch.randn(64, 1000, dtype=torch.bfloat16)
        assert_close(torch.softmax(x, -1), x)

Nothing else is loaded before the first call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from softmax_harness.testing import strategies

__all__ = ["assert_close", "exact", "strategies"]


def assert_close(
    y: Any,
    x: Any = None,
    *,
    operation: str = "softmax",
    axis: int = -1,
    max_ulp: float | None = None,
    standard: str | None = None,
    policy: Mapping[str, str] | str | None = None,
    without: str | Sequence[str] = (),
    **operands: Any,
) -> None:
    """Hold results that were computed already to the exact results of their inputs.

    Arrays may be NumPy's, torch's, JAX's, CuPy's or any that speak ``__array__`` or DLPack, in any
    format that is judged, on any device and in any layout. They are taken bit for bit, and are not
    changed. Neither a file nor a process is made.

    Parameters
    ----------
    y : array
        The results. They are judged in their own format, which may be another than that of x.
    x : array, optional
        The logits, as the function under test got them. Integers count as float64. Of an operation
        that takes no logits, such as attention, all arguments are given by name.
    operation : str
        What was computed, as ``softmax-harness list`` names it.
    axis : int
        The axis of the operation.
    max_ulp : float, optional
        The largest error, in ulp of each exact result, in place of the standard's limit.
    standard : str, optional
        How near the results have to come: ``rounded``, ``wide`` (worked in a wider type, rounded
        once), ``native`` (every step in the format, as `jax.nn.softmax` takes them) and, for
        logarithms, ``relative`` and ``usual``. By default ``wide`` in formats of 16 bits and fewer,
        ``native`` in float32 and float64, ``usual`` for logarithms.
    policy : mapping or str, optional
        What special values must give: ``{"all_masked": "zero"}`` or ``"all-masked=zero"``. The
        lines are ``nan``, ``positive-infinity``, ``all-masked`` and ``zero-temperature``, the
        choices ``nan``, ``zero``, ``uniform`` and ``any``. Without it a row that holds a NaN or
        +inf, or nothing but -inf, is NaN; a row of which a mask hides everything is NaN or 0, the
        same in all such rows.
    without : str or sequence of str
        What the results need not have: ``("subnormals",)`` where subnormal numbers count as 0, in
        operands and on the way, too, as on hardware that flushes them, and in JAX on a CPU.
    **operands : array or number
        What the operation takes besides the logits, by name: ``target=``, ``mask=``, ``q=, k=,
        v=``. A Python number is taken in the format of the logits, an array as it is.

    Raises
    ------
    AssertionError
        If a result is wrong: it tells how many are, by how much, which, and how to see why.
    HarnessError
        If the arrays do not fit each other, or a name does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[2.0, 1.0, 0.1]])
    >>> e = np.exp(x - x.max(-1, keepdims=True))
    >>> assert_close(e / e.sum(-1, keepdims=True), x)
    >>> assert_close(e, x)
    Traceback (most recent call last):
    ...
    AssertionError: softmax in float64 is not close to the exact results, by the standard native
    ...
    """
    __tracebackhide__ = True  # so that pytest shows the user's own line
    from softmax_harness.ground.guest import as_guest

    with as_guest():
        from softmax_harness.testing.closeness import Limits, told_apart

        limits = Limits.of(max_ulp, standard, policy, without)
        told = told_apart(y, x, operands, operation, axis, limits)
    if told:
        raise AssertionError(told)


def exact(
    x: Any = None,
    *,
    operation: str = "softmax",
    axis: int = -1,
    dtype: Any = None,
    **operands: Any,
) -> Any:
    """The exact results, each rounded once: what no implementation can be nearer to.

    Parameters
    ----------
    x : array, optional
        The logits, as `assert_close` takes them.
    operation : str
    axis : int
    dtype : str or dtype, optional
        The format of the results; by default that of x, or float64 for integers.
    **operands : array or number
        As `assert_close` takes them.

    Returns
    -------
    array
        Of the kind of x, on its device, in the shape that the operation gives.

    Raises
    ------
    HarnessError
        If the arrays do not fit each other, a name does not exist, or the library of x has no
        type for the results.

    Examples
    --------
    >>> import numpy as np
    >>> exact(np.array([0.0, 0.0, -np.inf], np.float32))
    array([0.5, 0.5, 0. ], dtype=float32)
    >>> exact(np.array([[0.0, 0.0]]), operation="logsumexp", dtype="float16")
    array([0.6934], dtype=float16)
    """
    from softmax_harness.ground.guest import as_guest

    with as_guest():
        from softmax_harness.testing.exactly import exact_array

        return exact_array(x, operands, operation, axis, dtype)

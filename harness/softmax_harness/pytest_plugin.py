"""pytest plugin: ``assert_softmax_accurate``, also as the fixture ``softmax_harness``.

    from softmax_harness.pytest_plugin import assert_softmax_accurate

    def test_my_kernel():
        assert_softmax_accurate(my_kernel, dtype="float32")

pytest loads this module in every project that the harness is installed for, whether its tests use
it or not, so nothing of the harness is imported before the first call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from softmax_harness.check.asserted.asserted import Softmax

_PROCESS = "softmax_harness.check.asserted.client"
_ASSERTED = "softmax_harness.check.asserted.asserted"


def assert_softmax_accurate(
    f: Softmax,
    dtype: Any = "float32",
    limit: float | Mapping[str, float] | None = None,
    *,
    policy: Mapping[str, str] | None = None,
    families: Sequence[str] = (),
    without: Sequence[str] = (),
    largest_n: int | None = None,
    seed: int = 0,
    output_dtype: Any = None,
    standard: str | None = None,
    arrays: str | None = None,
    device: str | None = None,
) -> None:
    """Call a softmax on the inputs of ``softmax-harness check`` and judge every element.

    It is called here, and judged in a process of its own, so that libraries which it loads cannot
    change the truth.

    Parameters
    ----------
    f : callable
        ``f(x, axis=-1)``, or ``f(x)`` along the last axis: takes an array of shape (rows, n) and
        returns one of the same shape and dtype. What it declares with ``@implementation`` holds.
    dtype : str or dtype
        Of x: one of `softmax_harness.ground.formats.FORMATS`; all but NumPy's need ml_dtypes.
    limit : float or mapping, optional
        The largest error in ulp, in place of that of the standard; or limits by
        metric, as ``--limit`` takes them: ``{"max_ulp": 4, "sum_defect": 1e-6}``.
    policy : mapping, optional
        What special values must give, as ``--policy`` takes it: ``{"all-masked": "zero"}``.
    families : sequence of str
        Only these families of inputs, as ``softmax-harness list`` names them.
    without : sequence of str
        What it need not do: ``("subnormals",)`` for hardware that flushes them to zero.
    largest_n : int, optional
        The longest row it takes: 65504 for a plain sum in float16, which is infinite beyond.
    seed : int
        Of the inputs.
    output_dtype : str or dtype, optional
        Of the result of a callable that declares nothing, where it is not that of x.
    standard : str, optional
        The standard of accuracy: ``rounded``, ``wide`` (worked in a wider type, rounded once) or
        ``native`` (every step in the format). By default ``wide`` in formats of 16 bits and
        fewer, else ``native``.
    arrays, device : str, optional
        The library whose arrays the callable takes and returns, ``torch``, ``jax`` or ``cupy``, and
        where these lie, such as ``cuda``. By default NumPy's, or what it declares.

    Raises
    ------
    AssertionError
        If it is not accurate: with the witness, the exact value and the computed one.
    """
    __tracebackhide__ = True
    from softmax_harness.check.asserted.asserted import check
    from softmax_harness.subjects.convention import Convention

    convention = Convention(None, arrays, device)
    check(
        f,
        dtype,
        limit,
        policy or {},
        families,
        without,
        largest_n,
        seed,
        output_dtype,
        standard,
        convention,
    )


@pytest.fixture(name="softmax_harness", scope="session")
def _fixture() -> Callable[..., None]:
    """`softmax_harness.pytest_plugin.assert_softmax_accurate`, with nothing to import."""
    return assert_softmax_accurate


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell which callables were too slow for the whole suite, and how much they were judged on."""
    if _ASSERTED in sys.modules and (slow := sys.modules[_ASSERTED].SLOW):
        terminalreporter.section("softmax-harness")
        for line in slow:
            terminalreporter.write_line(line)


def pytest_unconfigure() -> None:
    """End the judge's process, where a test has begun one."""
    if _PROCESS in sys.modules:
        sys.modules[_PROCESS].CLIENT.close()

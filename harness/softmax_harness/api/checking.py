"""`softmax_harness.check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softmax_implementations.registry import CAPABILITIES

from softmax_harness.api.shown import (
    Shown,
    check_whole,
    dtype_names,
    fit_in,
    known,
    limit_texts,
    names,
)
from softmax_harness.ground.errors import BadImplementation, BadLimit
from softmax_harness.ground.guest import as_guest

if TYPE_CHECKING:
    import pandas as pd

    from softmax_harness.check.contract import Checked
    from softmax_harness.check.plan import Done, Options

_LEAST_MEMORY = 64  # MiB, less than which no process of Python and NumPy starts with


@dataclass(frozen=True, repr=False)
class CheckResult(Shown):
    """The verdicts on implementations, one for each and each dtype.

    Attributes
    ----------
    results : tuple of Checked
        Each with its verdict, its findings and what is only reported.
    notes : tuple of str
        On waivers, on the baseline, and on what could not be judged.
    passed : bool
        Whether all that was asked for was judged, and nothing fails.
    """

    results: tuple[Checked, ...]
    notes: tuple[str, ...]
    passed: bool

    @property
    def text(self) -> str:
        """What the verb prints."""
        from softmax_harness.check.documents.terminal import text_document
        from softmax_harness.check.gate.gated import Gated

        return text_document(Gated([*self.results], [*self.notes]))

    @property
    def table(self) -> pd.DataFrame:
        """A row for each verdict; ``findings`` and ``expected`` are the kinds of findings."""
        import pandas as pd

        columns = ("operation", "implementation", "dtype", "verdict", "findings", "expected")
        rows = [_row(each) for each in self.results]
        return pd.DataFrame(rows, columns=[*columns, "elements", "standard", "reached", "cause"])


def _row(result: Checked) -> dict[str, Any]:
    kinds = {
        "findings": ", ".join(each.kind for each in result.findings),
        "expected": ", ".join(each.kind for each in result.expected),
    }
    return vars(result) | kinds


def check(
    *implementations: str | Callable[..., Any],
    operation: str | None = None,
    dtypes: str | Sequence[str] = (),
    limits: Mapping[str, float] | None = None,
    standard: str | None = None,
    policy: Mapping[str, str] | str | None = None,
    only: str | Sequence[str] = (),
    without: str | Sequence[str] = (),
    seed: int = 0,
    fail_fast: bool = False,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    baseline: str | Path | None = None,
    strict: bool | None = None,
    output_dtype: str | None = None,
    signature: str | None = None,
    arrays: str | None = None,
    device: str | None = None,
    shapes: Mapping[str, int] | None = None,
) -> CheckResult:
    """Check whether implementations keep the contract of their operation and are accurate.

    It does what ``softmax-harness check`` does, and writes nothing.

    Parameters
    ----------
    *implementations : str or callable
        Names as the command takes them, each of which runs in a process of its own; or callables
        ``f(x, axis=-1)``, which are called in this process, as they are, and judged in another.
        Without any, what the settings of the project in the working folder name, or else all that
        are registered.
    operation : str, optional
        Softmax by default.
    dtypes : str or sequence of str
        float16, float32 and float64 by default, as far as a callable takes them.
    limits : mapping, optional
        What metrics must not exceed: ``{"max_ulp": 2}``.
    standard, policy
        As in `softmax_harness.testing.assert_close`.
    only : str or sequence of str
        Only these parts of the contract, such as ``accuracy``.
    without : str or sequence of str
        Capabilities that need not be there, such as ``subnormals``.
    seed : int
    fail_fast : bool
        Whether each verdict ends at its first finding.
    time_limit : float, optional
        In seconds, and `memory_limit` in MiB: of what runs in a process of its own.
    baseline : path, optional
        Fail where a result is worse than in this file.
    strict : bool, optional
        Whether what an implementation declares as known about itself counts as a finding; by
        default it does, but for what is built in.
    output_dtype : str, optional
        Of the results of a plain function that answers in another format.
    signature : str, optional
        How the functions of shared libraries are called that are named, as ``--signature`` takes
        it.
    arrays, device : str, optional
        The library whose arrays other functions take, such as ``torch``, and where these lie.
    shapes : mapping, optional
        In what shapes alone the operation is asked, as options of the command say it:
        ``{"head_dim": 64, "causal": True}``.

    Returns
    -------
    CheckResult

    Raises
    ------
    HarnessError
        If a name does not exist, or settings of the project are wrong.

    Examples
    --------
    >>> import numpy as np
    >>> import softmax_harness
    >>> def naive(x, axis=-1):
    ...     e = np.exp(x)
    ...     return e / e.sum(axis=axis, keepdims=True)
    >>> found = softmax_harness.check(naive, dtypes="float32", only="accuracy", fail_fast=True)
    >>> found.passed, found.results[0].verdict
    (False, 'fail')
    """
    check_whole(0, seed=seed)
    check_whole(_LEAST_MEMORY, memory_limit=memory_limit)
    if time_limit is not None and not time_limit > 0:
        raise BadLimit(f"time_limit={time_limit!r}: expected seconds, more than 0")
    named = tuple(each for each in implementations if isinstance(each, str))
    called = [each for each in implementations if not isinstance(each, str)]
    with as_guest():
        from softmax_harness.check.contract import PARTS, Contract
        from softmax_harness.check.contract.promises import parsed_limit
        from softmax_harness.check.plan import Options, limits_of_process
        from softmax_harness.operations import Policy
        from softmax_harness.subjects.declaration import Said

        stated = Policy.of(policy)
        contract = Contract(
            parts=known("part", names(only), PARTS) or PARTS,
            seed=seed,
            policy=stated,
            limits=tuple(parsed_limit(text, "limits:") for text in limit_texts(limits)),
            without=known("capability", names(without), CAPABILITIES),
            process=limits_of_process(time_limit, memory_limit),
            fail_fast=fail_fast,
            said=Said(
                output_dtype, standard, signature, arrays, device, fit_in(shapes), stated.stated
            ),
        )
        path = None if baseline is None else Path(baseline)
        options = Options(named, dtype_names(dtypes), operation, contract, path, strict)
        parts = [_of_names(options)] if named or not called else []
    if called:
        parts.append(_of_callables(options, called))
    return CheckResult(
        tuple(each for part in parts for each in part.gated.results),
        tuple(note for part in parts for note in (*part.gated.notes, *part.not_judged)),
        all(part.passed for part in parts),
    )


def _of_names(options: Options) -> Done:
    from softmax_harness.check.gate.stored import read
    from softmax_harness.check.plan import carried_out, plan_of

    plan = plan_of(options)
    accepted = None if plan.baseline is None else read(plan.baseline)
    return carried_out(plan, accepted, lambda what, done, total: None)


def _of_callables(options: Options, called: list[Callable[..., Any]]) -> Done:
    """They are called with the arithmetic of this process as it is; nothing is judged here."""
    from softmax_harness.check.called import called_out
    from softmax_harness.check.gate.stored import read

    for each in called:
        if not callable(each):
            raise BadImplementation(f"{each!r}: expected a name or a callable")
    accepted = None if options.baseline is None else read(options.baseline)
    return called_out(options, called, accepted)

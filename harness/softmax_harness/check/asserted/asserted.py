"""A callable of this process, held to the bound of a well-made softmax."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.registry import declared

from softmax_harness.check.asserted.client import CLIENT
from softmax_harness.check.asserted.messages import Assertion, Verdict
from softmax_harness.explain.command import explaining
from softmax_harness.ground.formats import dtype_name
from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.binding import bound, parameters_of
from softmax_harness.subjects.call import answered
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.device import DeviceLost, check_device
from softmax_harness.subjects.isolation import Reply, Request

if TYPE_CHECKING:  # the contract is the judge's, who alone loads it
    from softmax_harness.check.contract import Checked, Contract, Finding

Softmax = Callable[..., NDArray[Any]]

# What a call may raise and the test goes on. An interrupt is the user's, and what skips or ends a
# test is its library's; but by an exit a whole script would end, with 0 and no verdict.
_ACCIDENTS = (Exception, SystemExit)
SLOW: list[str] = []  # of each that was too slow for the whole suite, how much it was judged on


class _Called:
    """Calls the callable in this process, and keeps the first exception that it raised."""

    def __init__(self, function: Softmax, names: tuple[str, ...] = ()) -> None:
        self._function = bound(function, names)
        self.raised: BaseException | None = None

    def __call__(self, *arguments: NDArray[Any], **named: Any) -> Any:
        # NumPy's warnings are its own business, even where a test turns warnings into errors.
        with np.errstate(all="ignore"):
            try:
                return self._function(*arguments, **named)
            except _ACCIDENTS as error:
                self.raised = self.raised or error
                raise


def check(
    f: Softmax,
    dtype: Any,
    limit: float | Mapping[str, float] | None,
    policy: Mapping[str, str],
    families: Sequence[str],
    without: Sequence[str],
    largest_n: int | None,
    seed: int,
    output_dtype: Any,
    standard: str | None,
    convention: Convention,
) -> None:
    """Raise `AssertionError` if the softmax is not accurate."""
    __tracebackhide__ = True  # so that pytest shows the user's own line
    declaration = f if isinstance(f, Implementation) else declared(f)
    assertion = Assertion(
        declaration.name if declaration else _name(f),
        _plain(declaration) if declaration else None,
        _dtype(dtype),
        _limits(limit),
        tuple(f"{name}={choice}" for name, choice in policy.items()),
        tuple(families),
        tuple(without),
        largest_n,
        seed,
        loadable_name(f),
        None if output_dtype is None else _dtype(output_dtype),
        standard,
        arrays=convention.arrays,
        device=convention.device,
    )
    called = _Called(f)
    verdict = CLIENT.verdict(assertion, _answering(called, declaration, convention))
    if verdict.slow:
        SLOW.append(f"{assertion.name} {assertion.dtype}: {verdict.slow}")
    if verdict.faults:
        raise AssertionError(_message(assertion, verdict)) from called.raised


def checked_here(f: Softmax, contract: Contract) -> list[Checked]:
    """The verdicts on a callable of this process, one for each dtype of a contract.

    It is called here, and judged in another process, on all of the contract that needs no process
    of its own.
    """
    from softmax_harness.operations import operation_named  # which an assertion can do without
    from softmax_harness.subjects.meant import fit_of

    declaration = f if isinstance(f, Implementation) else declared(f)
    operation = declaration.operation if declaration else contract.operation
    loadable = loadable_name(f)
    parameters = {} if declaration else parameters_of(f)
    fit = contract.said.fit
    if declaration is None:
        fit = fit_of(fit, parameters, operation_named(operation))
    about = operation_named(operation, fit)
    shared = Assertion(
        name=loadable or (declaration.name if declaration else _name(f)),
        declared=_plain(declaration) if declaration else None,
        dtype="",
        limits=tuple(f"{each.metric}={each.number}" for each in contract.limits),
        policy=contract.policy.assignments,
        without=contract.without,
        seed=contract.seed,
        loadable=loadable,
        output_dtype=contract.said.output_dtype,
        standard=contract.said.standard,
        operation=operation,
        parts=tuple(part for part in contract.parts if part != "repeats"),
        names_dtype=contract.names_dtypes,
        fail_fast=contract.fail_fast,
        is_shown=False,
        arrays=contract.said.arrays,
        device=contract.said.device,
        parameters=parameters,
        fit=fit,
    )
    called = _Called(f, tuple(each for each in about.parameters if each not in about.left_out))
    said = Convention(None, contract.said.arrays, contract.said.device)
    answer = _answering(called, declaration, said)
    asked = (replace(shared, dtype=dtype) for dtype in contract.dtypes)
    found = [CLIENT.verdict(each, answer).checked for each in asked]
    return [each if loadable else _unnamed(each) for each in found if each is not None]


def _unnamed(result: Checked) -> Checked:
    """A verdict on a callable that no command can find: its findings are shown without it."""

    def replayed(finding: Finding) -> Finding:
        text = finding.witness
        return replace(finding, replay=explaining(text, None, result.operation) if text else "")

    return replace(
        result,
        findings=tuple(map(replayed, result.findings)),
        expected=tuple(map(replayed, result.expected)),
    )


def loadable_name(f: Softmax) -> str | None:
    """The name by which a command finds a callable again; None for one made inside another."""
    function = f.function if isinstance(f, Implementation) else f
    name = getattr(function, "__qualname__", None)
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    path = getattr(module, "__file__", None)
    if name is None or path is None or not name.replace(".", "").isidentifier():
        return None
    if module is not None and module.__package__ and "." in module.__name__:
        return f"{module.__name__}:{name}"
    return f"{os.path.relpath(path)}:{name}"


def _dtype(dtype: Any) -> str:
    return dtype_name(dtype) if isinstance(dtype, str) else np.dtype(dtype).name


def _answering(
    called: _Called, declaration: Implementation | None, said: Convention
) -> Callable[[Request], Reply]:
    """What answers requests by a callable, with the arrays that are said or else declared."""
    own = said if said.arrays is not None else Convention.of(declaration)
    return partial(_answer, own.adapted(called))


def _answer(called: Callable[..., Any] | Adapted, request: Request) -> Reply:
    reply = answered(called, request.call, _ACCIDENTS)
    try:
        check_device(reply)
    except DeviceLost as lost:
        x = request.x
        raise DeviceLost(
            f"called with {x.dtype.name} of shape {x.shape}, it broke the device of this process, "
            f"which computes nothing more: {lost}. softmax-harness check has a process for it"
        ) from None
    return reply


def _name(f: Softmax) -> str:
    return getattr(f, "__qualname__", type(f).__qualname__)


def _plain(declaration: Implementation) -> dict[str, Any]:
    """The declaration as plain data, without the function, which stays in this process."""
    fields = {key: value for key, value in vars(declaration).items() if key != "function"}
    return fields | {"largest_n": dict(declaration.largest_n), "limits": dict(declaration.limits)}


def _limits(limit: float | Mapping[str, float] | None) -> tuple[str, ...]:
    if limit is None:
        return ()
    numbers = limit if isinstance(limit, Mapping) else {"max_ulp": limit}
    return tuple(f"{metric}={number}" for metric, number in numbers.items())


def _message(assertion: Assertion, verdict: Verdict) -> str:
    kinds = ", ".join(fault.kind for fault in verdict.faults)
    size = f" on {verdict.elements:,} elements" if verdict.elements else ""
    head = f"{assertion.name} is not an accurate softmax in {assertion.dtype}: {kinds}{size}"
    head += f"; {verdict.slow}" * bool(verdict.slow)
    return "\n\n".join([head, *(f"{fault.kind}: {fault.message}" for fault in verdict.faults)])

"""A check of callables of this process, which no name leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from softmax_harness.check.asserted.asserted import checked_here
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.gated import Gated, held_against
from softmax_harness.check.gate.settings import Settings
from softmax_harness.check.plan import Done, Options, known_dtypes, not_judged
from softmax_harness.ground.adapters import adapter_named
from softmax_harness.operations import DEFAULT_OPERATION


def called_out(
    options: Options, callables: Sequence[Callable[..., Any]], accepted: Baseline | None
) -> Done:
    """Check each callable as `options` say, and hold it against a baseline.

    The settings of a project do not speak of them.
    """
    _check_said(options)
    contract = replace(
        options.contract,
        operation=options.operation or DEFAULT_OPERATION,
        dtypes=known_dtypes(options.dtypes) or options.contract.dtypes,
        names_dtypes=bool(options.dtypes),
    )
    # None of them is what is built in, of which alone a declaration is taken at its word.
    settings = Settings(strict=options.strict is not False)
    done = Done([], Gated([], []), [])
    for each in callables:
        own = checked_here(each, contract)
        found = held_against(own, accepted, settings, contract.seed, contract.parts)
        done.add(own, found, not_judged((own[0].implementation,), own))
    return done


def _check_said(options: Options) -> None:
    """Refuse what concerns no callable; the library and device of arrays concern each."""
    said = options.contract.said
    if said.arrays is not None:
        adapter_named(said.arrays)
        said = replace(said, arrays=None, device=None)
    said.check_concerns(options.implementations)

"""What the Tab key offers: names of implementations, formats and families as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import click
from click.shell_completion import CompletionItem

from softmax_harness.ground.formats import FORMATS

Completing = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def of_implementations(
    context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem]:
    """Registered implementations of the operation that is given already, and files."""
    from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
    from softmax_harness.subjects.catalogue import catalogue

    operation = context.params.get("operation") or DEFAULT_OPERATION
    known = catalogue(operation) if operation in OPERATIONS else {}
    named = [CompletionItem(name) for name in known if name.startswith(typed)]
    return [*named, CompletionItem(typed, type="file")]


def among(names: Callable[[], Iterable[str]]) -> Completing:
    """Completes the last of several names between commas; each is offered once."""

    def completed(
        context: click.Context, parameter: click.Parameter, typed: str
    ) -> list[CompletionItem]:
        before, comma, last = typed.rpartition(",")
        fitting = (each for each in names() if each.startswith(last))
        left = [each for each in fitting if each not in before.split(",")]
        return [CompletionItem(f"{before}{comma}{each}") for each in left]

    return completed


def _families() -> Mapping[str, object]:
    from softmax_harness.inputs.families import FAMILIES

    return FAMILIES


of_dtypes = among(lambda: FORMATS)
of_families = among(_families)

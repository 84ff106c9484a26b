"""Rows of several queries that share their keys, for kernels that take them in blocks.

An operation of one query a row becomes one of L queries a row, whose results stand one query after
another. All that it knows of a query it knows of a row, query by query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Inputs, Operand, Operands, WholeCall
from softmax_harness.operations.operation import CheapLimit, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactStep, ExactSteps
from softmax_harness.operations.truth import Truth

_PLAIN = Policy()


def of_blocks(operation: Operation, queries: int) -> Operation:
    """The operation with rows of so many queries; operands have them on their first axis but one.

    What counts for the outcome of a row, as its effective logits do, is that of its last query.
    """
    if queries == 1:
        return operation
    split = _Split(operation.operands, queries)

    def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
        whole = tuple(each[None] for each in operands)
        found: list[Enclosure | None] = []
        for place in range(queries):
            own = split.query(whole, place)
            fixed, _ = operation.special_values(x[None], _PLAIN, own)
            if fixed.all():  # of which nothing is enclosed, as of one that sees no key
                found += [None] * fixed.size
            else:
                found += operation.enclose(x, tuple(each[0] for each in own), precision)
        return found

    def special_values(
        x: Array, policy: Policy, operands: Operands
    ) -> tuple[NDArray[np.bool_], Array]:
        fixed, expected = operation.special_values(split.x(x), policy, split.operands(operands))
        return split.whole(fixed), split.whole(expected)

    def screen(
        x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
    ) -> Screened:
        assert operation.screen is not None
        apart = split.operands(operands)
        found = operation.screen(
            split.x(x), apart, split.apart(fixed), split.apart(expected), format
        )
        own = found.truth
        arrays = (own.rounded, own.offset, own.ulp, own.fixed)
        truth = Truth(own.format, *map(split.whole, arrays))
        undecided = np.asarray(found.undecided.reshape(-1, queries).any(axis=-1))
        return Screened(truth, undecided, found.error_ulp)

    def of_operands(normal: NDArray[np.bool_], operands: Operands) -> Array:
        assert operation.cheap_limit is not None and operation.cheap_limit.of_operands is not None
        found = operation.cheap_limit.of_operands(
            np.repeat(normal, queries), split.operands(operands)
        )
        return np.asarray(found.reshape(-1, queries).min(axis=-1))

    def effective_logits(x: Array, operands: Operands) -> Array:
        return operation.effective_logits(x, split.query(operands, queries - 1))

    def make_operands(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
        return split.several(operation.make_operands(stored, rng), rng)

    def seeing_nothing(format: Format) -> Inputs:
        assert operation.seeing_nothing is not None
        x, operands = operation.seeing_nothing(format)
        return Inputs(x, split.several(operands, np.random.default_rng(0)))

    def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
        assert operation.steps is not None
        one = split.query(tuple(each[None] for each in operands), queries - 1)
        return operation.steps.before(logits, tuple(each[0] for each in one))

    def reach(operands: Operands) -> tuple[Array, Array]:
        assert operation.reach is not None
        least, most = operation.reach(split.operands(operands))
        return split.whole(least), split.whole(most)

    def whole_calls(format: Format, seed: int) -> Iterator[WholeCall]:
        assert operation.whole_calls is not None
        for call in operation.whole_calls(format, seed):
            yield call._replace(blocks=tuple(map(split.grouped, call.blocks)))

    cheap = operation.cheap_limit
    steps = operation.steps
    return replace(
        operation,
        enclose=enclose,
        special_values=special_values,
        error_bound=split.bound(operation.error_bound),
        narrowed_bound=operation.narrowed_bound and split.bound(operation.narrowed_bound),
        input_sensitivity=operation.input_sensitivity and split.of_z(operation.input_sensitivity),
        lost_by_flushing=operation.lost_by_flushing and split.of_z(operation.lost_by_flushing),
        screen=screen if operation.screen else None,
        cheap_limit=cheap and CheapLimit(cheap.of_rows, of_operands=of_operands),
        effective_logits=effective_logits,
        make_operands=make_operands,
        seeing_nothing=seeing_nothing if operation.seeing_nothing else None,
        steps=steps and ExactSteps(exact_steps, steps.last),
        reach=reach if operation.reach else None,
        whole_calls=whole_calls if operation.whole_calls else None,
        numbers_per_logit=operation.numbers_per_logit * queries,
    )


class _Split:
    """Rows of several queries as rows of one, and back."""

    def __init__(self, about: tuple[Operand, ...], queries: int) -> None:
        self._about, self._queries = about, queries

    def x(self, x: Array) -> Array:
        """The logits of each query."""
        return np.repeat(x, self._queries, axis=0)

    def operands(self, operands: Operands) -> Operands:
        """Those of each query: keys and values again and again."""
        return tuple(
            np.repeat(each, self._queries, axis=0)
            if about.entries == 0
            else each.reshape(len(each) * self._queries, 1, each.shape[-1])
            for about, each in zip(self._about, operands, strict=True)
        )

    def grouped(self, inputs: Inputs) -> Inputs:
        """Rows of one query each, those of a block one after another, as rows of several."""
        count = self._queries
        operands = (
            each[::count]
            if about.entries == 0
            else each.reshape(len(each) // count, count, each.shape[-1])
            for about, each in zip(self._about, inputs.operands, strict=True)
        )
        return Inputs(inputs.x[::count], tuple(operands))

    def query(self, operands: Operands, place: int) -> Operands:
        """Those of one query of each row."""
        return tuple(
            each if about.entries == 0 else each[:, place : place + 1]
            for about, each in zip(self._about, operands, strict=True)
        )

    def several(self, operands: Operands, rng: np.random.Generator) -> Operands:
        """Operands of rows of one query with others before it, which are multiples of it."""
        q, *others = operands
        factors = rng.choice((1.0, 0.5, -1.0), (len(q), self._queries, 1))
        factors[:, -1] = 1.0
        block = (q.astype(np.float64) * factors).astype(q.dtype)
        return (
            block,
            *(
                each if about.entries == 0 else np.repeat(each, self._queries, axis=1)
                for about, each in zip(self._about[1:], others, strict=True)
            ),
        )

    def apart(self, results: NDArray[Any]) -> NDArray[Any]:
        """Results of rows by query."""
        return results.reshape(len(results) * self._queries, results.shape[1] // self._queries)

    def whole(self, results: NDArray[Any]) -> NDArray[Any]:
        """Results of queries by row."""
        return results.reshape(len(results) // self._queries, results.shape[1] * self._queries)

    def of_z(self, function: Callable[..., Array]) -> Callable[..., Array]:
        """``function(x, operands, z, format)`` of rows of one query for rows of several."""

        def of_rows(x: Array, operands: Operands, z: Array, format: Format) -> Array:
            found = function(self.x(x), self.operands(operands), self.apart(z), format)
            return self.whole(found)

        return of_rows

    def bound(self, function: Callable[..., Array]) -> Callable[..., Array]:
        """The same of an `ErrorBound`."""

        def of_rows(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
            rows = self.x(x), self.operands(operands)
            return self.whole(function(*rows, self.apart(z), self.apart(ulp), format))

        return of_rows

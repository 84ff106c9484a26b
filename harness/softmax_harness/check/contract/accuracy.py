"""Holds every element to the error bound; gives each kind of fault its smallest witness."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.elements import Judgement, asked_of, judge
from softmax_harness.check.contract.finding import Finding, key_of, lost_if_unknown, sizes
from softmax_harness.check.contract.shrink import Place, smallest
from softmax_harness.check.contract.together import alike, parts_of
from softmax_harness.inputs.families import Recipe
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.operations import Inputs, joined
from softmax_harness.subjects.isolation import Fault, Reply
from softmax_harness.subjects.subject import Subject

_ELEMENTS_TOGETHER = 1 << 18
_FIRST_TOGETHER = 1 << 14  # since a fault may show at once, and be the last that is asked for

_Block = tuple[Recipe, int]  # and its first row


def never(kinds: list[str]) -> bool:
    """Whether findings of these kinds are enough: whatever they are, all others are looked for."""
    return False


@dataclass(frozen=True)
class JudgedBlock:
    """One block of a recipe, called and judged.

    Attributes
    ----------
    recipe : Recipe
    start : int
        Its first row.
    found : Judgement
    """

    recipe: Recipe
    start: int
    found: Judgement

    def text(self, row: int, index: int) -> str:
        """The witness of an element of the block."""
        return recipe_text(self.recipe, self.recipe.row(self.start, row), index)


class JudgedBlocks(NamedTuple):
    """Blocks that were judged, those of rows of one length together.

    Attributes
    ----------
    blocks : tuple of JudgedBlock
        In the order of the suite.
    wholes : tuple of Judgement
        Of all their rows, as they were judged.
    """

    blocks: tuple[JudgedBlock, ...]
    wholes: tuple[Judgement, ...]

    @classmethod
    def of(cls, block: JudgedBlock) -> JudgedBlocks:
        """A block that was judged alone."""
        return cls((block,), (block.found,))


@dataclass
class Stream:
    """The blocks of a suite as they are called and judged, and the faults of the calls.

    Attributes
    ----------
    fail_fast : bool
        Whether no block is given once `ends_at` says so. Of a group that has a fault, blocks are
        then given one by one.
    has_limits : bool
        Whether a block without a fault can be a finding too: then all are given one by one.
    ends_at : callable
        Whether faults of these kinds are enough.
    faults : list of (Fault, str)
        What was wrong with calls, each with a witness of the input.
    elements : int
        Judged so far.
    """

    subject: Subject
    recipes: list[Recipe]
    fail_fast: bool = False
    has_limits: bool = False
    ends_at: Callable[[list[str]], bool] = never
    faults: list[tuple[Fault, str]] = field(default_factory=list)
    elements: int = 0

    def __iter__(self) -> Generator[JudgedBlocks]:
        # Closed here and not when it is forgotten: whoever asks next must be the only one.
        with closing(self._answered()) as answered:
            for blocks, asked_for, replies in answered:
                answers = [
                    _Answer(*block, inputs, reply)
                    for block, inputs, reply in zip(blocks, asked_for, replies, strict=True)
                ]
                judged = self._judged(answers)
                if not self._one_by_one(answers, judged):
                    self._note_faults(answers)
                    self.elements += sum(each.codes.size for each in judged.wholes)
                    yield judged
                    continue
                found = {(each.recipe, each.start): each for each in judged.blocks}
                for each in answers:
                    self._note_faults([each])
                    if self.ends_at([fault.kind for fault in each.reply.faults]):
                        return
                    if (block := found.get((each.recipe, each.start))) is not None:
                        self.elements += block.found.codes.size
                        yield JudgedBlocks.of(block)

    def _one_by_one(self, answers: list[_Answer], judged: JudgedBlocks) -> bool:
        if not self.fail_fast:
            return False
        has_faults = any(each.reply.faults for each in answers)
        return self.has_limits or has_faults or any(each.is_fault.any() for each in judged.wholes)

    def _note_faults(self, answers: list[_Answer]) -> None:
        self.faults += [
            (fault, recipe_text(each.recipe, each.start, 0))
            for each in answers
            for fault in each.reply.faults
        ]

    def _judged(self, answers: list[_Answer]) -> JudgedBlocks:
        """Those that gave something to judge."""
        blocks: dict[int, JudgedBlock] = {}
        wholes = []
        for places in alike(each.inputs for each in answers):
            given = [place for place in places if answers[place].reply.y is not None]
            if not given:
                continue
            # The truth is that of all, since the next implementation is asked the same.
            asked = asked_of(self.subject, *joined([answers[place].inputs for place in places]))
            if len(given) < len(places):
                parts = parts_of(len(answers[place].inputs.x) for place in places)
                rows = [
                    np.arange(part.start, part.stop)
                    for place, part in zip(places, parts, strict=True)
                    if answers[place].reply.y is not None
                ]
                asked = asked.rows(np.concatenate(rows))
            y = np.concatenate([answers[place].y for place in given])
            judged = judge(asked, y, not self.subject.promises("subnormals"))
            wholes.append(judged)
            parts = parts_of(len(answers[place].inputs.x) for place in given)
            for place, part in zip(given, parts, strict=True):
                own = judged if len(given) == 1 else judged.rows(part)
                blocks[place] = JudgedBlock(answers[place].recipe, answers[place].start, own)
        return JudgedBlocks(tuple(blocks[place] for place in sorted(blocks)), tuple(wholes))

    def _answered(self) -> Generator[tuple[list[_Block], list[Inputs], list[Reply]]]:
        """Blocks with inputs and replies; the next calls run while these are judged."""
        executor = ThreadPoolExecutor(1)
        with ExitStack() as stack:
            stack.callback(executor.shutdown, cancel_futures=True)  # of those that nobody awaits
            waiting: deque[tuple[list[_Block], list[Inputs], Future[list[Reply]]]] = deque()
            operation = self.subject.problem.operation
            for blocks in _together(self.recipes, operation.numbers_per_logit):
                inputs = [recipe.inputs(operation, start) for recipe, start in blocks]
                requests = [self.subject.request(*each) for each in inputs]
                waiting.append((blocks, inputs, executor.submit(self.subject.ask, requests)))
                if len(waiting) > 1:
                    yield _awaited(*waiting.popleft())
            while waiting:
                yield _awaited(*waiting.popleft())


def _awaited(
    blocks: list[_Block], inputs: list[Inputs], future: Future[list[Reply]]
) -> tuple[list[_Block], list[Inputs], list[Reply]]:
    return blocks, inputs, future.result()


def _together(recipes: list[Recipe], share: int) -> Iterator[list[_Block]]:
    """Blocks in groups that are asked for at once, of so many numbers for each logit.

    Each has twice as many elements as the one before, up to a number.
    """
    group: list[_Block] = []
    size, most = 0, _FIRST_TOGETHER
    for recipe in recipes:
        for start in recipe.starts:
            group.append((recipe, start))
            size += share * recipe.n * min(recipe.rows_per_block, recipe.rows - start)
            if size >= most:
                yield group
                group, size, most = [], 0, min(2 * most, _ELEMENTS_TOGETHER)
    if group:
        yield group


class _Answer(NamedTuple):
    """A block of a recipe with what an implementation gave for it."""

    recipe: Recipe
    start: int
    inputs: Inputs
    reply: Reply

    @property
    def y(self) -> NDArray[Any]:
        """The results, a row for each row of the inputs."""
        assert self.reply.y is not None
        return self.reply.y.reshape(len(self.inputs.x), -1)


@dataclass
class _Kind:
    """What is known of one kind of fault."""

    smallest: JudgedBlock
    place: tuple[int, int]
    worst: float
    worst_text: str
    elements: int = 0
    families: dict[str, None] = field(default_factory=dict)


Placing = Callable[[Subject, str, JudgedBlock, int, int], Place | None]
"""``placed(subject, kind, block, row, index)``: the witness of an element that is a fault."""


def shrunk(subject: Subject, kind: str, block: JudgedBlock, row: int, index: int) -> Place | None:
    """The smallest row that shows the fault; None where even this row does not, alone."""
    alone = Inputs(block.found.asked.stored, block.found.asked.operands).row(row)
    return smallest(subject, kind, alone, block.text(row, index))


class Faults:
    """Collects the elements of a stream that are faults, by kind."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}

    def see(self, block: JudgedBlock) -> None:
        """Note the faults of a block."""
        if not block.found.is_fault.any():
            return
        for kind in block.found.kinds():
            row, index = block.found.worst(kind)
            error, _ = block.found.excess(row, index)
            known = self._kinds.setdefault(
                kind, _Kind(block, (row, index), error, block.text(row, index))
            )
            if block.recipe.n < known.smallest.recipe.n:
                known.smallest, known.place = block, (row, index)
            if error > known.worst or math.isnan(known.worst):
                known.worst, known.worst_text = error, block.text(row, index)
            known.elements += block.found.count(kind)
            known.families[block.recipe.family.name] = None

    def forget(self, kind: str) -> None:
        """Tell of no fault of that kind."""
        self._kinds.pop(kind, None)

    def kinds(self) -> list[str]:
        """The kinds of faults seen so far."""
        return list(self._kinds)

    def findings(self, subject: Subject, placed: Placing = shrunk) -> Iterator[Finding]:
        """One finding for each kind; `placed` makes its witness, as small as it gets, by mpmath."""
        for kind, known in self._kinds.items():
            row, index = known.place
            text = known.smallest.text(row, index)
            place = placed(subject, kind, known.smallest, row, index)
            witness = place.text if place else text
            error, limit = (
                (place.error, place.limit) if place else known.smallest.found.excess(row, index)
            )
            yield Finding(
                kind,
                _message(known, place),
                *sizes(kind, error, limit),
                witness,
                key_of(subject).explaining(witness),
                lost_if_unknown(known.worst),
            )


def _message(known: _Kind, place: Place | None) -> str:
    families = list(known.families)
    shown = ", ".join(families[:4]) + (f" and {len(families) - 4} more" if families[4:] else "")
    text = f"{known.elements:,} elements in {shown}"
    if math.isfinite(known.worst):
        text += f", the worst by {known.worst:.4g} ulp at {known.worst_text}"
    if place is None:
        told = known.smallest.found.told(*known.place)
        only = "only in its batch: the row alone is right"
        if len(known.smallest.found.codes) == 1:
            only = "the same call is right when it is made again"
        return f"{told}; {text}; {only}"
    return f"{place.told}; {text}"

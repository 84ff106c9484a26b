"""Truths that are kept: the next implementation is asked the same inputs, and needs them again."""

from __future__ import annotations

import hashlib
import random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.question import Question, question
from softmax_harness.operations import Operands, Problem

Array = NDArray[Any]
_Key = tuple[Any, ...]


class _Kept(NamedTuple):
    asked: Question
    confirmed: int  # rows, as it was made


class Truths:
    """Questions by their inputs, of so many elements together; each takes some 45 bytes.

    What was confirmed since it was kept is made anew: no verdict may depend on those before it.
    Where there is no more room, others go by chance: whoever asks for much more than fits again and
    again, always in the same order, then still finds a part of it.

    Attributes
    ----------
    elements : int
        Kept by now.
    """

    def __init__(self, elements: int = 0) -> None:
        self._most = elements
        self.elements = 0
        self._kept: dict[_Key, _Kept] = {}
        self._chance = random.Random(0)

    def question(self, problem: Problem, x: Array, operands: Operands, tier: str) -> Question:
        """As `softmax_harness.judgement.question.question` makes it, with its truth."""
        if x.size > self._most:
            return question(problem, x, operands, tier)
        key = (problem, tier, *(_identity(each) for each in (x, *operands)))
        found = self._kept.pop(key, None)
        if found is not None:
            self.elements -= found.asked.x.size
        if found is None or _confirmed(found.asked) != found.confirmed:
            asked = question(problem, x, operands, tier)
            found = _Kept(asked, _confirmed(asked))
        self._make_room(x.size)
        self._kept[key] = found
        self.elements += x.size
        return found.asked

    def _make_room(self, elements: int) -> None:
        if self.elements + elements <= self._most:
            return
        # A tenth at once, since to choose among them takes a list of all.
        going = self._chance.sample(list(self._kept), -(-len(self._kept) // 10))
        for key in going:
            self.elements -= self._kept.pop(key).asked.x.size
        self._make_room(elements)


def _identity(array: Array) -> _Key:
    plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return array.shape, array.dtype, hashlib.sha256(plain.data).digest()


def _confirmed(asked: Question) -> int:
    return int(asked.exact_results.confirmed.sum())


class _Here:
    truths = Truths()


def keep_truths(elements: int) -> None:
    """From now on keep the truth of as many elements in this process."""
    _Here.truths = Truths(elements)


def kept_truths() -> Truths:
    """What is kept in this process; nothing, until it is asked for."""
    return _Here.truths

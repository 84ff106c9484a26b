"""Inputs of many calls in one array: what a judgement takes beside its rows is taken once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from softmax_harness.operations import Inputs

_NUMBERS = 1 << 19  # that are copied into one array; larger inputs stand alone


def alike(several: Iterable[Inputs]) -> Iterator[list[int]]:
    """The places of inputs whose rows can stand in one array, those of each array in order."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    sizes: dict[tuple[Any, ...], int] = {}
    for place, each in enumerate(several):
        key = tuple((array.shape[1:], array.dtype) for array in (each.x, *each.operands))
        if key in groups and sizes[key] + each.size > _NUMBERS:
            yield groups.pop(key)
        if key not in groups:
            groups[key], sizes[key] = [], 0
        groups[key].append(place)
        sizes[key] += each.size
    yield from groups.values()


def parts_of(lengths: Iterable[int]) -> list[slice]:
    """Where the rows of each stand among those of all."""
    ends = np.cumsum([0, *lengths]).tolist()
    return [slice(*pair) for pair in zip(ends[:-1], ends[1:], strict=True)]

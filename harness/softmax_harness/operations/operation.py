"""What an operation must state about itself so that it can be judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.errors import HarnessError

_CHOICES = ("nan", "zero", "any")


class Enclosure(NamedTuple):
    """A number strictly between ``(man - slack) * 2**exp`` and ``(man + slack) * 2**exp``, > 0.

    A slack of 0 says that the number is ``man * 2**exp`` exactly.
    """

    man: int
    exp: int
    slack: int


@dataclass(frozen=True)
class Policy:
    """What a row must give where the definition gives nothing: ``nan``, ``zero`` or ``any``.

    Attributes
    ----------
    nan, positive_infinity, all_masked : str
        For a row that holds a NaN, a +inf, or nothing but -inf.
    """

    nan: str = "nan"
    positive_infinity: str = "nan"
    all_masked: str = "nan"

    @classmethod
    def parse(cls, assignments: tuple[str, ...]) -> Policy:
        """The policy given by texts such as ``all-masked=zero``."""
        names = [field.name.replace("_", "-") for field in fields(cls)]
        chosen = {}
        for assignment in assignments:
            name, _, choice = assignment.partition("=")
            if name not in names or choice not in _CHOICES:
                raise HarnessError(
                    f"--policy {assignment!r}: expected NAME=CHOICE with NAME one of "
                    f"{', '.join(names)} and CHOICE one of {', '.join(_CHOICES)}"
                )
            chosen[name.replace("-", "_")] = choice
        return cls(**chosen)


@dataclass(frozen=True)
class Operation:
    """A function of a row, defined exactly.

    Attributes
    ----------
    name : str
        As written after ``--operation``.
    enclose : callable
        ``enclose(values, counts, precision)`` takes the distinct finite values of a row
        (float64, ascending) and how often each occurs, and gives one `Enclosure` for each, of
        relative width below ``2**-precision`` or exact.
    special_values : callable
        ``special_values(x, policy)`` gives two arrays of the shape of ``x`` (rows, n): where the
        policy fixes the result, and to what (infinity stands for anything).
    """

    name: str
    enclose: Callable[[NDArray[np.float64], NDArray[np.int64], int], list[Enclosure]]
    special_values: Callable[
        [NDArray[np.float64], Policy], tuple[NDArray[np.bool_], NDArray[np.float64]]
    ]

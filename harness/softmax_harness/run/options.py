"""What was asked of a run."""

from __future__ import annotations

from dataclasses import dataclass

from softmax_harness.ground.formats import DEFAULT_DTYPES
from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.subjects.declaration import Said


@dataclass(frozen=True)
class Options:
    """What was asked of a run, as it was written; `softmax_harness.run.selection` resolves it.

    Attributes
    ----------
    implementations, dtypes, families : tuple of str
        Names; empty for all that the suite holds. A family may be the path of a .npy file.
    operation, suite : str
        An operation, or ``all``.
    seed, jobs : int
        The seed of all inputs; worker processes.
    truth : {"screened", "mpmath"}
        Whether mpmath judges everything, or what the screen leaves open and every maximum.
    said : Said
        What was said about the implementations.
    time : bool
        Whether the softmaxes are timed too.
    """

    implementations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    families: tuple[str, ...] = ()
    operation: str = DEFAULT_OPERATION
    suite: str = "quick"
    seed: int = 0
    jobs: int = 1
    truth: str = "screened"
    said: Said = Said()
    time: bool = False

"""The messages between the two processes: plain data, so that nothing foreign crosses over."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from softmax_harness.subjects.isolation import Fault

if TYPE_CHECKING:  # the contract is the judge's, who alone loads it
    from softmax_harness.check.contract import Checked


@dataclass(frozen=True)
class Assertion:
    """A callable that is to be judged, and how.

    Attributes
    ----------
    name : str
        Of the callable, for messages.
    declared : dict or None
        What its author declared with ``@implementation``; None for a plain callable.
    dtype : str
        The format of its inputs.
    limits, policy, families, without : tuple of str
        Each as the command takes it.
    largest_n : int or None
        The longest row that is put to it.
    seed : int
    loadable : str or None
        The name by which a command finds the callable; None where it has none.
    output_dtype, standard, arrays, device : str or None
        As the command takes them.
    operation : str or None
        What a plain callable computes; None for softmax.
    parts : tuple of str
        Of the contract; all but ``repeats`` can be asked for.
    names_dtype : bool
        Whether the dtype was asked for by name, so that it must be taken.
    fail_fast : bool
        Whether the verdict ends at its first finding.
    is_shown : bool
        Whether faults are told in full, each at the smallest input that is found.
    parameters : dict of str to bool
        Those of a plain callable, as `parameters_of` gives them, where faults are not shown.
    fit : tuple of (str, int)
        In what shapes alone it is asked.
    """

    name: str
    declared: dict[str, Any] | None
    dtype: str
    limits: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    largest_n: int | None = None
    seed: int = 0
    loadable: str | None = None
    output_dtype: str | None = None
    standard: str | None = None
    operation: str | None = None
    parts: tuple[str, ...] = ("accuracy",)
    names_dtype: bool = True
    fail_fast: bool = False
    is_shown: bool = True
    arrays: str | None = None
    device: str | None = None
    parameters: dict[str, bool] = field(default_factory=dict)
    fit: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The result of an assertion.

    Attributes
    ----------
    elements : int
        How many were judged.
    faults : tuple of Fault
        Each with its witness, the exact and the computed value in its message.
    slow : str
        How much of the suite it was judged on, where it is too slow for all of it.
    checked : Checked or None
        The verdict of the contract, where faults are not shown.
    """

    elements: int
    faults: tuple[Fault, ...]
    slow: str = ""
    checked: Checked | None = None


@dataclass(frozen=True)
class Broken:
    """The judging process failed.

    Attributes
    ----------
    traceback : str
    """

    traceback: str


class Channel:
    """Sends objects both ways between two processes that trust each other.

    Parameters
    ----------
    source, target : file
        Binary.
    """

    def __init__(self, source: IO[bytes], target: IO[bytes]) -> None:
        self._source, self._target = source, target

    def send(self, message: object) -> None:
        """Hand over an object."""
        pickle.dump(message, self._target, protocol=pickle.HIGHEST_PROTOCOL)
        self._target.flush()

    def receive(self) -> Any:
        """Wait for an object; raises `EOFError` where the other process has ended."""
        return pickle.load(self._source)

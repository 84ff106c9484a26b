"""An implementation on one problem: what is declared about it, and who makes its calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.operations import Operands, Problem
from softmax_harness.operations.standards import held_to
from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.binding import bound
from softmax_harness.subjects.call import answered
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Ended
from softmax_harness.subjects.pace import Pace
from softmax_harness.subjects.request import Reply, Request
from softmax_harness.subjects.trace import Step, steps_of


class Caller(Protocol):
    """Who makes the calls of one implementation."""

    def serve(self, requests: list[Request]) -> list[Reply]:
        """Make the calls one after another; raises `Ended` if a process did not survive them."""


@runtime_checkable
class Recorder(Protocol):
    """Who can tell the steps of a call, too."""

    def steps(self, request: Request) -> list[Step] | None:
        """The steps of a call, see `softmax_harness.subjects.trace.steps_of`."""


@dataclass(frozen=True)
class Here:
    """Calls a function in this process, on arrays as they are: only our own NumPy code.

    Attributes
    ----------
    function : callable
    """

    function: Callable[..., Any] | Adapted

    def serve(self, requests: list[Request]) -> list[Reply]:
        """Make the calls; floating-point warnings are the function's own business."""
        with np.errstate(all="ignore"):
            return [
                answered(self.function, replace(each.call, layout=None), Exception)
                for each in requests
            ]

    def steps(self, request: Request) -> list[Step] | None:
        """The steps of a call, which are seen of what NumPy computes."""
        if isinstance(self.function, Adapted):
            return None
        call = request.call
        return steps_of(bound(self.function, call.names), call.arguments, call.named)


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes
    ----------
    declaration : Implementation
        What its author declares about it; its function is called by `caller` alone.
    problem : Problem
        What it is asked to compute.
    caller : Caller
    is_plain : bool
        Whether nothing was declared: then what it refuses by an exception is reported only.
    said : Said
        What a command says about it; its declaration says so already.
    pace : Pace
        How fast it is.
    """

    declaration: Implementation
    problem: Problem
    caller: Caller
    is_plain: bool = False
    said: Said = Said()
    pace: Pace = Pace()

    @classmethod
    def here(cls, declaration: Implementation, problem: Problem) -> Subject:
        """An implementation whose function is called in this process."""
        return cls(declaration, problem, Here(Convention.of(declaration).adapted(declaration)))

    @property
    def name(self) -> str:
        """The name under which it stands in every list, table and report."""
        return self.declaration.name

    @property
    def format(self) -> Format:
        """The format of the inputs."""
        return self.problem.input_format

    @property
    def standard(self) -> str:
        """The standard of accuracy that it is held to, as it declares or the default one."""
        problem = self.problem
        return held_to(self.declaration.standard, problem.operation, problem.output_format)

    @property
    def longest(self) -> float:
        """The largest n it promises."""
        return self.declaration.largest_n.get(self.format.name, float("inf"))

    def promises(self, capability: str) -> bool:
        """Whether it has a capability, so that its lack is a fault."""
        return capability in self.declaration.capabilities

    def request(
        self, x: NDArray[Any], operands: Operands = (), axis: int | None = -1, **how: Any
    ) -> Request:
        """The request for logits x and their operands; integers are worked as float64.

        Parameters
        ----------
        how
            As in `Request`.
        """
        problem = self.problem_for(x.dtype).along(axis)
        return Request(problem, problem.operation.called_with(x, operands), **how)

    def problem_for(self, dtype: np.dtype[Any]) -> Problem:
        """The problem for logits of that dtype."""
        return self.problem.of_integers() if dtype.kind in "iu" else self.problem

    def call(self, x: NDArray[Any], operands: Operands = ()) -> Reply:
        """What it answers to one call; that its process ended is a fault of the call."""
        try:
            return self.caller.serve([self.request(x, operands)])[0]
        except Ended as ended:
            return Reply(None, (ended.fault,))

    def steps(self, x: NDArray[Any], operands: Operands = ()) -> list[Step] | None:
        """The steps of one call; None where they are not seen.

        Raises
        ------
        Exception
            As the function does that is called; `Ended` where its process did not survive it.
        """
        if not isinstance(self.caller, Recorder):
            return None
        return self.caller.steps(self.request(x, operands))

    def ask(self, requests: list[Request]) -> list[Reply]:
        """What it answers; raises `Ended` if its process did not survive it."""
        return [reply for some in self.pace.portions(requests) for reply in self._served(some)]

    def _served(self, requests: list[Request]) -> list[Reply]:
        """What it answers; the call at which its process ended is made once more, alone."""
        replies: list[Reply] = []
        while left := requests[len(replies) :]:
            try:
                return replies + self.caller.serve(left)
            except Ended as ended:
                replies += ended.replies
                if len(left) == 1 or (ended.fault.kind == "timeout" and ended.had_time):
                    raise
            replies += self.caller.serve([requests[len(replies)]])
        return replies


def as_it_answers(subject: Subject) -> Subject:
    """The subject, held to what it gives for a row of which a mask hides everything: NaN or 0.

    Libraries differ in that, and their users rely on either; what a policy says is not touched.
    """
    problem = subject.problem
    seeing_nothing, policy = problem.operation.seeing_nothing, problem.policy
    if seeing_nothing is None or policy.all_masked is not None:
        return subject
    values = subject.call(*seeing_nothing(problem.input_format)).values
    if values is None or (values != 0.0).any():
        return subject
    given = replace(policy, all_masked="zero")
    return replace(subject, problem=replace(problem, policy=given))

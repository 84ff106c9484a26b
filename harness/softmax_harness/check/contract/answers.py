"""What came back for cases, judged: rows of one length together, and the truth of each row once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.case import Among, Case
from softmax_harness.check.contract.elements import Judgement, asked_of, judge
from softmax_harness.check.contract.together import alike, joined, parts_of
from softmax_harness.operations import Inputs
from softmax_harness.subjects.request import Reply
from softmax_harness.subjects.subject import Subject


@dataclass
class Answer:
    """What came back for a case.

    Attributes
    ----------
    subject : Subject
        With the problem that the case has.
    case : Case
    reply : Reply
    inputs : Inputs
        The rows as the call saw them.
    judged : Judgement or None
        None where there is nothing to judge.
    """

    subject: Subject
    case: Case
    reply: Reply
    inputs: Inputs = field(init=False)
    judged: Judgement | None = None

    def __post_init__(self) -> None:
        self.inputs = self.case.seen(self.subject.problem)

    @property
    def y(self) -> NDArray[Any]:
        """The results, a row for each row of the inputs."""
        assert self.reply.y is not None
        return self.case.rows_of(self.reply.y, self.subject.problem)

    @property
    def has_results(self) -> bool:
        """Whether there is anything to judge."""
        return self.reply.y is not None and self.reply.y.size > 0 and self.inputs.x.shape[-1] > 0

    @property
    def among(self) -> Among:
        """Which rows of which inputs it has."""
        return self.case.among or Among(self.inputs, np.arange(len(self.inputs.x)))


def judged_answers(subject: Subject, cases: list[Case], replies: list[Reply]) -> list[Answer]:
    """The cases with their replies and what is to be said of these."""
    answers = [
        Answer(replace(subject, problem=subject.problem_for(case.inputs.x)), case, reply)
        for case, reply in zip(cases, replies, strict=True)
    ]
    due = [each for each in answers if each.has_results]
    for is_integer in (False, True):  # which are judged as float64
        _judge([each for each in due if each.case.is_integer == is_integer])
    return answers


@dataclass
class _Source:
    """Inputs whose rows cases have, with these by their rows and results."""

    whole: Inputs
    by_results: dict[tuple[bytes, bytes], list[Answer]] = field(default_factory=dict)

    @property
    def distinct(self) -> list[Answer]:
        """One for each: what has the same rows and results is judged once."""
        return [own[0] for own in self.by_results.values()]


def _judge(answers: list[Answer]) -> None:
    """Judge what are answers to one problem."""
    sources: dict[tuple[Any, ...], _Source] = {}
    for each in answers:
        whole, rows = each.among
        own = sources.setdefault(whole.key, _Source(whole)).by_results
        own.setdefault((rows.tobytes(), each.y.tobytes()), []).append(each)
    several = list(sources.values())
    for some in alike(each.whole for each in several):
        _judge_together([several[place] for place in some])


def _judge_together(sources: list[_Source]) -> None:
    """Judge the rows of inputs that are `alike`."""
    subject = sources[0].distinct[0].subject
    asked = asked_of(subject, *joined([each.whole for each in sources]))
    if any(len(each.distinct) > 1 for each in sources):
        asked.prepare()
    starts = [part.start for part in parts_of(len(each.whole.x) for each in sources)]
    distinct = [each for source in sources for each in source.distinct]
    rows = [
        start + each.among.rows
        for start, source in zip(starts, sources, strict=True)
        for each in source.distinct
    ]
    y = np.concatenate([each.y for each in distinct])
    judged = judge(asked.rows(np.concatenate(rows)), y, not subject.promises("subnormals"))
    own = [same for source in sources for same in source.by_results.values()]
    for same, part in zip(own, parts_of(map(len, rows)), strict=True):
        found = judged.rows(part)
        for each in same:
            each.judged = found

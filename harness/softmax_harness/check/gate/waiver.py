"""Waivers: known findings that do not fail a check until a day, each with a reason."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from softmax_harness.check.contract import Checked, Finding


@dataclass(frozen=True)
class Waiver:
    """A finding that is known.

    Attributes
    ----------
    kind : str
        The kind of the finding.
    reason : str
        Why it is borne.
    expires : date
        The last day on which it is.
    implementation, dtype : str or None
        Of which; None for all.
    """

    kind: str
    reason: str
    expires: datetime.date
    implementation: str | None = None
    dtype: str | None = None

    def holds_on(self, day: datetime.date) -> bool:
        """Whether it has not expired by that day."""
        return day <= self.expires

    def speaks_of(self, result: Checked) -> bool:
        """Whether it applies to this implementation in this dtype."""
        return self.implementation in (None, result.implementation) and self.dtype in (
            None,
            result.dtype,
        )

    def covers(self, result: Checked, finding: Finding) -> bool:
        """Whether it covers this finding, expired or not."""
        return self.covers_kind(result, finding.kind)

    def covers_kind(self, result: Checked, kind: str) -> bool:
        """Whether it covers findings of that kind, expired or not."""
        return self.kind == kind and self.speaks_of(result)

    @property
    def told(self) -> str:
        """The waiver in a few words."""
        where = " ".join(each for each in (self.implementation, self.dtype) if each)
        return f"{self.kind}{f' of {where}' if where else ''} ({self.reason})"


@dataclass(frozen=True)
class Waived:
    """Results after waivers were applied.

    Attributes
    ----------
    results : list of Checked
    notes : list of str
        Waivers that were of use, that matched nothing, and that have expired, of what was checked.
    """

    results: list[Checked]
    notes: list[str]


def waived(results: list[Checked], waivers: tuple[Waiver, ...], today: datetime.date) -> Waived:
    """The results without the findings that a waiver covers until today or later."""
    held = [each for each in waivers if each.holds_on(today)]
    notes = []
    left = [result.excluding(partial(_is_covered, held, result)) for result in results]
    for waiver in waivers:
        count = sum(
            waiver.covers(result, finding) for result in results for finding in result.findings
        )
        spoken_of = [result for result in results if waiver.speaks_of(result)]
        if not spoken_of:
            continue  # this check is of others
        if not count:
            if not all(result.is_whole for result in spoken_of):
                continue  # it may match what was not looked for
            notes.append(_matches_nothing(waiver, spoken_of))
        elif waiver in held:
            notes.append(f"waived until {waiver.expires}: {waiver.told}")
        else:
            notes.append(f"waiver expired on {waiver.expires}: {waiver.told}")
    return Waived(left, notes)


def _matches_nothing(waiver: Waiver, spoken_of: list[Checked]) -> str:
    """What to do about a waiver that matches none of these results."""
    kinds = dict.fromkeys(each.kind for result in spoken_of for each in result.findings)
    if near := get_close_matches(waiver.kind, kinds, 1):
        return f"waiver matches nothing: {waiver.told}; did you mean {near[0]}?"
    return f"waiver matches nothing, remove it: {waiver.told}"


def is_waived(
    waivers: tuple[Waiver, ...], result: Checked, kind: str, today: datetime.date
) -> bool:
    """Whether findings of that kind are waived today, of that implementation in that dtype."""
    return any(each.holds_on(today) and each.covers_kind(result, kind) for each in waivers)


def _is_covered(held: list[Waiver], result: Checked, finding: Finding) -> bool:
    return any(waiver.covers(result, finding) for waiver in held)

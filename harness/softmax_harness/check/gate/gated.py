"""The final result of a check: results held against a baseline and waivers, and notes."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from softmax_harness.check.contract import PARTS, Checked, Finding
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.regression import Held, Suite, compared, whole_suite
from softmax_harness.check.gate.settings import Settings
from softmax_harness.check.gate.waiver import is_waived, waived
from softmax_harness.subjects.specification import is_foreign


@dataclass(frozen=True)
class Gated:
    """The final result of a check.

    Attributes
    ----------
    results : list of Checked
        Regressions among their findings, waived findings not.
    notes : list of str
        On waivers, and on the baseline.
    """

    results: list[Checked]
    notes: list[str]

    @property
    def failed(self) -> bool:
        """Whether any implementation fails in any dtype."""
        return any(each.verdict == "fail" for each in self.results)


def held_against(
    results: list[Checked],
    baseline: Baseline | None,
    settings: Settings,
    seed: int,
    parts: tuple[str, ...] = PARTS,
    suite: Suite = whole_suite,
) -> Gated:
    """The results with regressions from the baseline, and without what is waived today.

    For `parts` and `suite` see `Held`.
    """
    notes: list[str] = []
    given = results
    today = datetime.date.today()
    results = [_strictly(each) if _is_strict(each, settings) else each for each in results]
    if "accuracy" in parts:
        results = [_judged(each) for each in results]
    if baseline is not None:
        held = Held(
            seed,
            parts,
            settings.tolerance,
            is_borne=lambda result, kind: is_waived(settings.waivers, result, kind, today),
            suite=suite,
        )
        found = compared(results, baseline, held)
        results, notes = found.results, found.notes
    left = waived(results, settings.waivers, today)
    kept = [_no_better(now, then) for now, then in zip(left.results, given, strict=True)]
    return Gated([_seeded(each, seed) for each in kept], [*notes, *left.notes])


def _no_better(result: Checked, given: Checked) -> Checked:
    """The result; one that had no verdict has none once its regression is waived."""
    is_none = result.verdict == "pass" and given.verdict not in ("pass", "fail")
    return replace(result, verdict=given.verdict) if is_none else result


def _seeded(result: Checked, seed: int) -> Checked:
    """The result, whose commands to check again use the seed, too."""
    if not seed:
        return result

    def again(finding: Finding) -> Finding:
        is_check = finding.replay.startswith("softmax-harness check ")
        return replace(finding, replay=f"{finding.replay} --seed {seed}") if is_check else finding

    findings, expected = (tuple(map(again, each)) for each in (result.findings, result.expected))
    return replace(result, findings=findings, expected=expected)


def _is_strict(result: Checked, settings: Settings) -> bool:
    """Whether nothing counts that an implementation says in its own favour.

    Where the project does not say, what is built in may: its author is not who is checked.
    """
    if settings.strict is None:
        return is_foreign(result.key.implementation)
    return settings.strict


def _strictly(result: Checked) -> Checked:
    """The verdict without what an implementation says in its own favour."""
    if not result.expected:
        return result
    told = "; it declares this as known itself, and nothing in the project's settings bears it"
    own = tuple(replace(each, message=each.message + told) for each in result.expected)
    return replace(result, verdict="fail", findings=(*result.findings, *own), expected=())


def _judged(result: Checked) -> Checked:
    """The result; a pass on no element at all is none."""
    if result.verdict != "pass" or result.elements:
        return result
    message = "no element was judged for accuracy, so nothing shows that any is right"
    finding = Finding("not_judged", message, replay=result.key.checking("accuracy"))
    return replace(result, verdict="fail", findings=(finding,))

"""A baseline: the accepted results of a check; what is worse is a regression."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from softmax_harness.check.contract import PARTS, Checked
from softmax_harness.check.contract.finding import Key
from softmax_harness.check.contract.summaries import RecipeSummary
from softmax_harness.ground.environment import environment


@dataclass(frozen=True)
class Entry:
    """One implementation in one dtype as it was accepted on one kind of machine.

    Attributes
    ----------
    taken_on : dict
        What decides the bits: the kind of machine, the instruction sets that NumPy found there,
        NumPy's version. Empty of outputs computed elsewhere, of which nothing of it is known.
    findings : tuple of str
        The kinds of its faults, those that were known among them.
    cells : dict of str to RecipeSummary
        By name.
    standard, output_dtype : str
        What it was held to, and in which format; empty where the file does not say.
    """

    taken_on: dict[str, str]
    findings: tuple[str, ...]
    cells: dict[str, RecipeSummary]
    standard: str = ""
    output_dtype: str = ""

    @property
    def differences(self) -> tuple[str, ...]:
        """How its machine differs from this one in what decides the bits."""
        here = taken_here()
        return tuple(
            f"{key} was {there} in the baseline, is {here.get(key, 'none')} here"
            for key, there in self.taken_on.items()
            if here.get(key) != there
        )


@dataclass(frozen=True)
class Baseline:
    """Entries by implementation and dtype, one for each kind of machine.

    Attributes
    ----------
    seed : int
        Of the inputs.
    entries : dict of Key to tuple of Entry
    """

    seed: int
    entries: dict[Key, tuple[Entry, ...]]

    def nearest(self, key: Key) -> Entry | None:
        """The entry of this machine, or else of the one that differs least; None without any."""
        return min(self.entries.get(key, ()), key=lambda each: len(each.differences), default=None)

    def accepting(
        self,
        results: Iterable[Checked],
        parts: tuple[str, ...],
        taken_on: dict[str, str] | None = None,
    ) -> Baseline:
        """The baseline with these results taken up, as they were found on this machine.

        Entries of other machines stay. So does what the parts that were not asked for had found,
        and the cells that a slow implementation was not judged on.
        `taken_on` is as in `Entry`, where the bits were not decided here.
        """
        entries = dict(self.entries)
        for each in results:
            if each.verdict in ("pass", "fail"):
                old = entries.get(each.key, ())
                new = entry_of(each, taken_on)
                entries[each.key] = _with(old, new, parts, is_part=bool(each.slow))
        return replace(self, entries=entries)


def _with(
    old: tuple[Entry, ...], new: Entry, parts: tuple[str, ...], is_part: bool
) -> tuple[Entry, ...]:
    here = [each for each in old if each.taken_on == new.taken_on]
    others = [each for each in old if each.taken_on != new.taken_on]
    if here and not {*PARTS} <= {*parts}:
        kinds = sorted({*here[0].findings, *new.findings})
        new = replace(new, findings=tuple(kinds))
        if "accuracy" not in parts:
            new = replace(new, cells=here[0].cells, standard=here[0].standard)
    if here and is_part:
        # The same kernel may be slow on a busy machine alone: later cells must not be new to it.
        new = replace(new, cells=here[0].cells | new.cells)
    return (*others, new)


def taken_here() -> dict[str, str]:
    """What decides the bits of a result on this machine."""
    found = environment()
    numpy = found["packages"]["numpy"]
    return {"machine": found["platform"], "simd": "+".join(found["simd"]), "numpy": numpy}


def entry_of(result: Checked, taken_on: dict[str, str] | None = None) -> Entry:
    """The entry that accepts a result as it is; `taken_on` where that is not this machine."""
    kinds = {finding.kind for finding in (*result.findings, *result.expected)} - {"regression"}
    return Entry(
        taken_here() if taken_on is None else taken_on,
        tuple(sorted(kinds)),
        {cell.name: cell for cell in result.cells},
        result.standard,
        result.output_dtype,
    )

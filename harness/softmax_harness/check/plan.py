"""A whole check: what is asked of each operation of a project, and how it comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from softmax_harness.check.contract import Checked, Contract, checked
from softmax_harness.check.contract.truths import keep_truths
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.gated import Gated, held_against
from softmax_harness.check.gate.regression import left_out
from softmax_harness.check.gate.settings import Settings, found_settings
from softmax_harness.check.gate.spoken_of import check_names, nothing_of_the_project
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.ground.formats import dtype_name, format_named
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Limits

_TIMES_IN_ALL = 30.0  # the time limit, for all calls of an implementation in a dtype
_TRUTHS_KEPT = 1 << 22  # elements, in some 200 MB: the suite in one dtype has fewer

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """What was asked of a check, as it was written; `plan_of` resolves it.

    Attributes
    ----------
    implementations, dtypes : tuple of str
        Names; empty for those of the project's settings.
    operation : str or None
        None for that of the implementations, or those of the settings.
    contract : Contract
        Without what the settings say.
    baseline : Path or None
        None for that of the settings.
    strict : bool or None
        None for that of the settings.
    """

    implementations: tuple[str, ...]
    dtypes: tuple[str, ...]
    operation: str | None
    contract: Contract
    baseline: Path | None = None
    strict: bool | None = None


@dataclass(frozen=True)
class Plan:
    """What is checked, and against what.

    Attributes
    ----------
    options : Options
    asked : tuple of Asked
        One for each operation.
    baseline : Path or None
    """

    options: Options
    asked: tuple[Asked, ...]
    baseline: Path | None

    @property
    def contract(self) -> Contract:
        """The contract of the first operation."""
        return self.asked[0].contract

    @property
    def is_whole(self) -> bool:
        """Whether nothing was named, so that all of the project is checked."""
        given = self.options
        return not (given.implementations or given.dtypes or given.operation)


@dataclass(frozen=True)
class Done:
    """How a check came out.

    Attributes
    ----------
    results : list of Checked
        As they are, without baseline and waivers.
    gated : Gated
        As they count.
    not_judged : list of str
        A line for each name that was given and got no verdict.
    """

    results: list[Checked]
    gated: Gated
    not_judged: list[str]

    def add(self, own: list[Checked], found: Gated, not_judged: list[str]) -> None:
        """Take up more results, as they are and as they count."""
        self.results.extend(own)
        self.gated.results.extend(found.results)
        self.gated.notes.extend(found.notes)
        self.not_judged.extend(not_judged)

    @property
    def passed(self) -> bool:
        """Whether all that was asked for was judged, and nothing fails."""
        return not (self.gated.failed or self.not_judged)


def limits_of_process(
    seconds: float | None = None, mebibytes: int | None = None, seconds_in_all: float | None = None
) -> Limits:
    """The limits of an implementation's process, the default ones where none are given."""
    default = Limits()
    seconds = default.seconds if seconds is None else seconds
    memory = default.memory if mebibytes is None else mebibytes << 20
    return Limits(seconds, memory, seconds_in_all or _TIMES_IN_ALL * seconds)


def plan_of(options: Options) -> Plan:
    """The plan of a check in the working folder, whose project may have settings.

    Raises
    ------
    HarnessError
        If a name is of nothing, or the settings are wrong.
    """
    project = found_settings(Path.cwd())
    strict = project.strict if options.strict is None else options.strict
    project = replace(project, strict=strict)
    operations = (options.operation,) if options.operation else project.named_operations
    if options.implementations and not options.operation:
        operations = (DEFAULT_OPERATION,)
    asked = tuple(Asked.of(each, project, options) for each in operations)
    if options.contract.said.fit and options.baseline:
        words = " ".join(options.contract.said.words_of_fit)
        raise BadBaseline(
            f"{words} asks in some shapes alone, but a baseline is of all: leave --baseline out"
        )
    baseline = None if options.contract.said.fit else options.baseline or project.baseline
    return Plan(options, asked, baseline)


def carried_out(plan: Plan, accepted: Baseline | None, progress: Progress) -> Done:
    """Check all that is planned, each operation in turn, and hold it against a baseline."""
    keep_freed_memory()
    contract = plan.options.contract
    done = Done([], Gated([], []), [])
    for each in plan.asked:
        names = each.names or tuple(catalogue(each.operation))
        own = _all_checked(names, each, progress)
        found = held_against(own, accepted, each.settings, contract.seed, contract.parts)
        done.add(own, found, not_judged(each.names, own))
        if not each.names:
            done.gated.notes.insert(0, nothing_of_the_project(each.operation))
    if seed := contract.seed:
        done.gated.notes.append(f"seed {seed}: with --seed {seed} the inputs are the same again")
    if accepted is not None and plan.is_whole:
        done.gated.notes.extend(left_out(done.results, accepted))
    return done


@dataclass(frozen=True)
class Asked:
    """What is asked of an operation.

    Attributes
    ----------
    operation : str
    settings : Settings
    contract : Contract
    names : tuple of str
        What is checked; empty for all that is registered.
    """

    operation: str
    settings: Settings
    contract: Contract
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        operation: str,
        project: Settings,
        options: Options,
    ) -> Asked:
        """What is given, and what the settings of a project say besides.

        Raises
        ------
        HarnessError
            If a name is of nothing, or what is said of it does not fit.
        """
        settings = replace(project.of(operation), strict=project.strict)
        contract, dtypes = options.contract, options.dtypes
        today = date.today()
        contract = replace(
            contract,
            operation=operation,
            dtypes=known_dtypes(dtypes or settings.dtypes or contract.dtypes),
            limits=(*settings.limits, *contract.limits),
            borne=tuple(each.kind for each in settings.waivers if each.holds_on(today)),
            names_dtypes=bool(dtypes or settings.dtypes),
        )
        names = check_names(options.implementations, settings, operation)
        asked = cls(operation, settings, contract, names)
        contract.said.check_concerns(names)
        for name in names:
            asked.contract_of(name).said.convention(name, operation)
        return asked

    def contract_of(self, name: str) -> Contract:
        """The contract with what the settings say of an implementation."""
        of_settings = self.settings.said.get(name, Said())
        said = self.contract.said.of(name).over(of_settings)
        return replace(self.contract, said=said)


def known_dtypes(names: tuple[str, ...]) -> tuple[str, ...]:
    """The dtypes by their own names; those of NumPy's and of packages that are installed."""
    for name in names:
        _ = format_named(name).dtype  # says here what to install for a dtype that NumPy lacks
    return tuple(map(dtype_name, names))


def _all_checked(names: tuple[str, ...], asked: Asked, progress: Progress) -> list[Checked]:
    """The verdicts on each, of which the caller and the settings say something."""
    results: list[Checked] = []
    if len(names) > 1:
        keep_truths(_TRUTHS_KEPT)
    for place, name in enumerate(names):
        progress(f"checking {name}", place, len(names))
        results += checked(name, asked.contract_of(name))
    return results


def not_judged(named: tuple[str, ...], results: list[Checked]) -> list[str]:
    """A line for each name that was given and got no verdict: what is not judged is not green."""
    lines = []
    for name in named:
        own = [each for each in results if each.implementation == name]
        if not any(each.verdict in ("pass", "fail") for each in own):
            lines.append(
                f"{name} was not checked: {own[0].verdict} in {', '.join(r.dtype for r in own)} "
                f"({own[0].reported[0]})"
            )
    return lines

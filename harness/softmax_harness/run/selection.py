"""What a run does: every name in its options resolved once, and every bad one refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from softmax_implementations import Implementation

from softmax_harness.ground.errors import UnknownName, unknown
from softmax_harness.ground.formats import Format, format_named
from softmax_harness.inputs.families import FAMILIES, Family, Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.inputs.suites import (
    among_all,
    families_of,
    fits_among_all,
    fits_without_screen,
    recipes,
    suite_named,
    without_screen,
)
from softmax_harness.operations import OPERATIONS, Operation, Problem, operation_named
from softmax_harness.run.experimenting import Experimenting
from softmax_harness.run.experiments import EXPERIMENTS, Experiment
from softmax_harness.run.options import Options
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.declaration import Said, problem_of
from softmax_harness.subjects.named import available, implementation_named
from softmax_harness.subjects.specification import is_foreign
from softmax_harness.timing.calls import check_runner
from softmax_harness.truth import TIERS

Chosen = Mapping[str, Implementation]
_NOTHING = Said()


@dataclass(frozen=True)
class Planned:
    """One recipe of inputs, and who is measured on it.

    Attributes
    ----------
    problem : Problem
    recipe : Recipe
    implementations : tuple of str
        Names of those that take the recipe's format and answer in the problem's output format.
    tier : str
        As in `softmax_harness.truth.exact_results`; ``mpmath`` where there is no screen.
    said : Said
        What was said about the implementations.
    """

    problem: Problem
    recipe: Recipe
    implementations: tuple[str, ...]
    tier: str
    said: Said = _NOTHING

    @property
    def operation(self) -> str:
        """The name of the operation."""
        return self.problem.operation.name


@dataclass(frozen=True)
class Selection:
    """What a run does.

    Attributes
    ----------
    options : Options
        What was asked for.
    implementations : dict of str to dict of str to Implementation
        Those that are measured, by operation and name.
    plan : tuple of Planned
        All that is measured, operation by operation.
    experiments : tuple of Experimenting
        The jobs of all experiments, in the order of their tables.
    asv_results : Path or None
        asv's folder of results, from which the history comes, and the timings of a run that does
        not take its own.
    """

    options: Options
    implementations: Mapping[str, Chosen]
    plan: tuple[Planned, ...]
    experiments: tuple[Experimenting, ...]
    asv_results: Path | None = None

    @property
    def left_out(self) -> list[str]:
        """What was named and is not measured: implementations in dtypes they do not declare."""
        return [
            f"{each.name} does not declare {dtype}, and is not measured in it"
            for chosen in self.implementations.values()
            for each in chosen.values()
            for dtype in self.options.dtypes
            if self.options.implementations and dtype not in each.dtypes
        ]


def select(options: Options, asv_results: Path | None = None) -> Selection:
    """What `options` ask for; the timings of asv with it, where its folder of results is given.

    Raises
    ------
    HarnessError
        If a name is of nothing, or nothing is left to be measured.
    """
    if options.truth not in TIERS:
        raise unknown("tier of truth", options.truth, TIERS)
    operations = _operations(options)
    if options.time:
        check_runner()
    formats = list(dict.fromkeys(format_named(name) for name in options.dtypes))
    chosen = {operation: _implementations(options, operation) for operation in operations}
    for format in formats:
        _ = format.dtype  # says here what to install for a dtype that NumPy lacks
    named = [_family(name) for name in dict.fromkeys(options.families)]
    plan = tuple(
        planned
        for operation, own in chosen.items()
        for planned in _planned(options, operation, own, named, formats)
    )
    experiments = tuple(
        job
        for each in EXPERIMENTS.values()
        for job in _experimenting(each, chosen, plan, options.said)
    )
    return Selection(options, chosen, plan, experiments, asv_results)


def _operations(options: Options) -> list[str]:
    """The operations asked for."""
    if options.operation == "all":
        _check_known_somewhere(options.implementations)
        return list(OPERATIONS)
    if options.operation not in OPERATIONS:
        raise unknown("operation", options.operation, (*OPERATIONS, "all"))
    return [options.operation]


def _check_known_somewhere(names: tuple[str, ...]) -> None:
    """Refuse a name that no operation has, which would be left out of all of them."""
    known = sorted({name for operation in OPERATIONS for name in catalogue(operation)})
    for name in names:
        if is_foreign(name):
            raise UnknownName(f"{name} computes one operation, not all: give --operation OPERATION")
        if name not in known:
            raise unknown("implementation of any operation", name, known)


def _implementations(options: Options, operation: str) -> Chosen:
    """The implementations asked for, those that can run here if none are named.

    Of all operations together only those that have an implementation of a name are measured.

    Raises
    ------
    UnknownName
        If there is none of that name, or none that takes any of the dtypes.
    """
    if options.implementations:
        names = options.implementations
        if options.operation == "all":
            names = tuple(name for name in names if name in catalogue(operation))
        chosen = [
            implementation_named(name, operation, options.said) for name in dict.fromkeys(names)
        ]
        for each in chosen:
            if each.unavailable:
                raise UnknownName(f"{each.name} cannot run here: {each.unavailable}")
    else:
        chosen = available(operation)
    if chosen and not any(dtype in each.dtypes for each in chosen for dtype in options.dtypes):
        raise UnknownName(
            f"none of {', '.join(each.name for each in chosen)} takes "
            f"{', '.join(options.dtypes)}: see softmax-harness list for the dtypes of each"
        )
    return {each.name: each for each in chosen}


def _family(name: str) -> Family:
    if name in FAMILIES:
        return FAMILIES[name]
    if name.endswith(".npy"):
        return npy_family(Path(name))
    raise unknown("family", name, FAMILIES)


def _planned(
    options: Options, operation: str, chosen: Chosen, named: list[Family], formats: list[Format]
) -> Iterator[Planned]:
    """Every recipe of the families named, or of the suite, for which there is an implementation."""
    suite, tier = suite_named(options.suite), options.truth
    families = families_of(suite)
    about = operation_named(operation, options.said.fit)
    if options.operation == "all":
        families = [each for each in families if fits_among_all(suite, each)]
        suite = among_all(suite)
    if about.screen is None:
        suite, tier = without_screen(suite), "mpmath"
        families = [each for each in families if fits_without_screen(each)]
    for recipe in recipes(suite, named or families, formats, options.seed, about.one_result):
        for problem, names in _problems(about, recipe.format, chosen).items():
            yield Planned(problem, recipe, names, tier, options.said)


def _problems(about: Operation, format: Format, chosen: Chosen) -> dict[Problem, tuple[str, ...]]:
    """The problems of those that take a format, one for each output format, with their names."""
    found: dict[Problem, tuple[str, ...]] = {}
    for name in _taking(format, chosen):
        problem = problem_of(chosen[name], about, format)
        found[problem] = (*found.get(problem, ()), name)
    return found


def _taking(format: Format, chosen: Chosen) -> tuple[str, ...]:
    """The names of those that take a format."""
    return tuple(name for name, each in chosen.items() if format.name in each.dtypes)


def _experimenting(
    experiment: Experiment,
    chosen: Mapping[str, Chosen],
    plan: tuple[Planned, ...],
    said: Said,
) -> Iterator[Experimenting]:
    """The jobs of an experiment, none where the run lacks what it needs: one for each format."""
    if not set(experiment.operations) <= set(chosen):
        return
    formats = _formats(experiment, plan)
    if formats and not experiment.compares:
        yield Experimenting(experiment.name)
        return
    for format in formats:
        names = _taking(format, chosen[experiment.operation])
        yield Experimenting(experiment.name, names, (format.name,), said)


def _formats(experiment: Experiment, plan: tuple[Planned, ...]) -> list[Format]:
    """The formats that an experiment takes and in which all families that it needs are planned."""
    families: dict[Format, set[str]] = {}
    for planned in plan:
        if planned.operation == experiment.operation:
            families.setdefault(planned.recipe.format, set()).add(planned.recipe.family.name)
    return [
        format
        for format, held in families.items()
        if experiment.takes(format) and held >= set(experiment.families)
    ]

"""What errors do to real work, one file for each: one with `EXPERIMENT` is found by its place."""

import importlib
import pkgutil

from softmax_harness.run.experiments.experiment import Experiment, Row

__all__ = ["EXPERIMENTS", "Experiment", "Row"]


def _found() -> dict[str, Experiment]:
    """By the name of its table, in the order of the tables."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [module.EXPERIMENT for module in modules if hasattr(module, "EXPERIMENT")]
    return {each.name: each for each in sorted(found, key=lambda each: each.place)}


EXPERIMENTS = _found()

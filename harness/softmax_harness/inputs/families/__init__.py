"""Families of inputs, one file per idea; a file with `FAMILIES` is found by its place here."""

import importlib
import pkgutil

from softmax_harness.inputs.families.family import Family, Recipe, Sampling

__all__ = ["FAMILIES", "Family", "Recipe", "Sampling"]


def _found() -> dict[str, Family]:
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {
        family.name: family
        for module in modules
        for family in getattr(importlib.import_module(f"{__name__}.{module}"), "FAMILIES", ())
    }


FAMILIES = _found()

"""Published figures, measured again: a file with `PAPER` is found by its place here."""

import importlib
import pkgutil

from softmax_harness.ground.errors import unknown
from softmax_harness.studies.reproduce.paper import Figure, Paper

__all__ = ["PAPERS", "Figure", "Paper", "paper_named"]


def _found() -> dict[str, Paper]:
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    named = (importlib.import_module(f"{__name__}.{module}") for module in modules)
    papers = [module.PAPER for module in named if hasattr(module, "PAPER")]
    return {paper.name: paper for paper in papers}


PAPERS = _found()


def paper_named(name: str) -> Paper:
    """The paper of that name; `UnknownName` with the nearest one otherwise."""
    if name not in PAPERS:
        raise unknown("paper", name, PAPERS)
    return PAPERS[name]

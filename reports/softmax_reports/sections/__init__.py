"""The sections of the report, one file each, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from softmax_reports.section import Section
from softmax_reports.sections.comparison import comparison
from softmax_reports.sections.distribution import distribution
from softmax_reports.sections.environment import environment
from softmax_reports.sections.everything import everything
from softmax_reports.sections.glossary import glossary
from softmax_reports.sections.growth import growth
from softmax_reports.sections.limits import limits
from softmax_reports.sections.operations import operations
from softmax_reports.sections.phase_maps import phase_maps
from softmax_reports.sections.properties import properties
from softmax_reports.sections.real_logits import real_logits
from softmax_reports.sections.speed import speed
from softmax_reports.sections.verdicts import verdicts
from softmax_reports.sections.worst_witnesses import worst_witnesses

Build = Callable[[Any], Section | None]

# Each is given what was measured of one operation, softmax where there is more than one.
OF_ONE_OPERATION: tuple[Build, ...] = (
    verdicts,
    speed,
    phase_maps,
    comparison,
    worst_witnesses,
    growth,
    distribution,
    limits,
    real_logits,
    properties,
)
OF_THE_RUN: tuple[Build, ...] = (operations, everything, environment, glossary)

__all__ = ["OF_ONE_OPERATION", "OF_THE_RUN"]

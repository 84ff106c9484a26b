"""The sections of the report, one file each, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from softmax_reports.section import Section
from softmax_reports.sections.distribution import distribution
from softmax_reports.sections.environment import environment
from softmax_reports.sections.growth import growth
from softmax_reports.sections.phase_maps import phase_maps
from softmax_reports.sections.real_logits import real_logits
from softmax_reports.sections.recommendation import recommendation
from softmax_reports.sections.speed import speed
from softmax_reports.sections.worst_witnesses import worst_witnesses

Build = Callable[[Any], Section | None]

IN_ORDER: tuple[Build, ...] = (
    recommendation,
    phase_maps,
    growth,
    distribution,
    speed,
    worst_witnesses,
    real_logits,
    environment,
)

__all__ = ["IN_ORDER"]

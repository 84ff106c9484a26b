"""What an implementation's errors do to real work: one file for each experiment."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.run.experiments.attention import attention_table
from softmax_harness.run.experiments.digits import digits_table

Experiment = Callable[[list[Implementation], list[Format]], pd.DataFrame]

# By the name of the family of inputs that each needs, which is also the name of its table.
EXPERIMENTS: dict[str, Experiment] = {"digits": digits_table, "attention": attention_table}

__all__ = ["EXPERIMENTS", "Experiment"]

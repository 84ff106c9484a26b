"""Rows as long as the vocabularies of language models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family

_LLAMA_3, _QWEN_2 = 128256, 151936


def _tokens(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Normal logits of scale 3, and a few candidates for the next token well above them."""
    x = rng.normal(0.0, 3.0, (rows, n))
    for row in x:
        row[rng.integers(0, n, 20)] += rng.uniform(5.0, 15.0, 20)
    return x


FAMILIES = (
    Family(
        "vocabulary",
        "the vocabularies of Llama 3 and Qwen 2: a few likely tokens above a long tail",
        _tokens,
        lengths=(_LLAMA_3, _QWEN_2),
        suite="full",
        check=None,
    ),
)

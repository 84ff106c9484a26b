"""Real logits: a classifier's on handwritten digits, and a language model's attention scores."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family

FOLDER = Path(__file__).parent / "data"
LAYERS, HEADS = (0, 2, 5), (0, 3, 7, 11)


class Digits(NamedTuple):
    """Logits of shape (1797, 10), the true digits, and which rows were not trained on."""

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    is_test: NDArray[np.bool_]


class Attention(NamedTuple):
    """Masked scores of each real query, shape (rows, 24), with the layer and head of each row."""

    scores: NDArray[np.float32]
    layer: NDArray[np.int64]
    head: NDArray[np.int64]


@cache
def digits() -> Digits:
    """The files that ``data/make_digits.py`` makes."""
    return Digits(*(_loaded(f"digits_{part}") for part in ("logits", "labels", "is_test")))


@cache
def attention() -> Attention:
    """What ``data/make_attention.py`` makes; padding keys are -inf, padding queries left out."""
    mask = _loaded("minilm_attention_mask")
    scores = np.where(mask[:, None, None, :], _loaded("minilm_attention_scores"), -np.inf)
    places = np.indices(scores.shape[:-1])  # of layer, sentence, head and query
    real = mask[places[1], places[3]]
    layer, head = np.array(LAYERS)[places[0]], np.array(HEADS)[places[2]]
    return Attention(scores[real], layer[real], head[real])


def _loaded(name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(FOLDER / f"{name}.npy", allow_pickle=False)
    return array


def _digits(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return digits().logits


def _attention(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return attention().scores


FAMILIES = (
    Family(
        "digits",
        "a classifier's logits on handwritten digits, as scikit-learn has them",
        _digits,
        lengths=digits().logits.shape[1:],
        rows=len(digits().logits),
    ),
    Family(
        "attention",
        "attention scores of the language model MiniLM with its padding mask",
        _attention,
        lengths=attention().scores.shape[1:],
        rows=len(attention().scores),
    ),
)

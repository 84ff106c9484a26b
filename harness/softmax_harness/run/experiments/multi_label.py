"""Where softmax is the wrong tool: labels of digits that do not exclude each other.

A digit is even or not, greater than four or not, prime or not; 7 is two of these, 1 is none. The
exact probability of each label is the sum of the exact softmax of the classifier's ten logits over
the digits that have it, and its logit is log(p / (1 - p)): what a model with three outputs would
give. A sigmoid of each gives p back; a softmax over the three divides one among them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.inputs.families.real import digits
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.run.experiments.experiment import Experiment, Row
from softmax_harness.truth import arbitrate

Array = NDArray[np.float64]

LABELS = {"even": (0, 2, 4, 6, 8), "greater than four": (5, 6, 7, 8, 9), "prime": (2, 3, 5, 7)}


def multi_label_rows(
    implementations: Sequence[Implementation] = (), formats: Sequence[Format] = ()
) -> list[Row]:
    """One row for each output layer and label, and one for all labels together, exactly.

    Returns
    -------
    list of dict
        ``output``: sigmoid or softmax; ``label``; ``rows``; ``accuracy``: the part of the digits
        that were not trained on whose label is told right at a threshold of 1/2, of ``all`` those
        of which every label is; ``loss``: mean of -log of what the truth was given, in nats;
        ``mass``: the mean of the outputs, of ``all`` of their sum, beside ``true_mass``.
    """
    logits, truth = label_logits()
    exact = arbitrate(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), logits)
    outputs = {"sigmoid": 1.0 / (1.0 + np.exp(-logits)), "softmax": exact.value}
    return [row for name, y in outputs.items() for row in _rows(name, y, truth)]


def label_logits() -> tuple[Array, NDArray[np.bool_]]:
    """Logits of the three labels of each digit not trained on, and the labels; shape (rows, 3)."""
    ten, labels, is_test = digits()
    ten, labels = ten[is_test], labels[is_test]
    has = np.array([[digit in held for held in LABELS.values()] for digit in range(10)])
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"])
    s = arbitrate(problem, ten.astype(np.float64)).value
    with_label, without = s @ has, s @ ~has
    return np.log(with_label) - np.log(without), has[labels]


def _rows(output: str, y: Array, truth: NDArray[np.bool_]) -> list[Row]:
    right = (y > 0.5) == truth
    given = np.where(truth, y, 1.0 - y)
    with np.errstate(divide="ignore"):
        losses = -np.log(given)
    told = [
        {
            "output": output,
            "label": label,
            "rows": len(y),
            "accuracy": float(right[:, place].mean()),
            "loss": float(losses[:, place].mean()),
            "mass": float(y[:, place].mean()),
            "true_mass": float(truth[:, place].mean()),
        }
        for place, label in enumerate(LABELS)
    ]
    whole = {
        "output": output,
        "label": "all",
        "rows": len(y),
        "accuracy": float(right.all(axis=-1).mean()),
        "loss": float(losses.sum(axis=-1).mean()),
        "mass": float(y.sum(axis=-1).mean()),
        "true_mass": float(truth.sum(axis=-1).mean()),
    }
    return [*told, whole]


EXPERIMENT = Experiment(
    name="multi_label", place=3, rows=multi_label_rows, families=("digits",), compares=False
)

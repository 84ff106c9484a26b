"""Time, peak memory and error of every implementation that the checkout has a file for."""

from pathlib import Path

from softmax_harness.ground.formats import FORMATS
from softmax_harness.timing import declared_names, suite
from softmax_implementations import implementations

CHECKOUT = Path(__file__).resolve().parents[2]

Softmax = suite(
    *declared_names(CHECKOUT / "implementations" / "softmax_implementations"),
    find=lambda name: implementations().get(name),
    dtypes=tuple(FORMATS),
)

"""Normal logits at three scales."""

from softmax_harness.inputs.families.family import Family, Make


def _normal(scale: float) -> Make:
    return lambda format, n, rows, rng: rng.normal(0.0, scale, (rows, n))


FAMILIES = (
    Family("normal-1", "logits of an untrained model", _normal(1.0)),
    Family("normal-10", "logits of a trained classifier", _normal(10.0)),
    Family("normal-100", "logits far apart: most results underflow", _normal(100.0)),
)

"""Queries and keys whose scores are about what is asked for."""

from __future__ import annotations

import numpy as np

from softmax_harness.operations.enclosure import Array

_NOISES = (0.0, 0.125, 0.125, 1.0)


def scored_vectors(x: Array, shift: Array, d: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """q and k with q.k / sqrt d about x + shift.

    One component, of any place, has the logits and another the shift, split evenly between q and k
    so that narrow formats hold both. The others are noise: products that cancel more or less.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
    shift : ndarray of float64, shape (rows,)

    Returns
    -------
    q : ndarray, shape (rows, 1, d)
    k : ndarray, shape (rows, n, d)
    """
    rows, n = x.shape
    root = np.sqrt(d)
    noise = rng.choice(_NOISES, (rows, 1, 1))
    q = rng.standard_normal((rows, 1, d))
    k = rng.standard_normal((rows, n, d)) * noise
    of_logits, of_shift = rng.permutation(d)[:2] if d > 1 else (0, 0)
    if d == 1:
        x, shift = x + shift[:, None], np.zeros(rows)
    largest = np.abs(x).max(axis=-1, initial=0.0)
    part = _half_the_exponent(np.where(largest > 2.0**12, largest, 1.0))
    q[:, 0, of_logits] = root * part
    k[:, :, of_logits] = x / part[:, None]
    if d > 1:
        part = _half_the_exponent(np.abs(shift) * root)
        q[:, 0, of_shift] = np.where(shift != 0, part, q[:, 0, of_shift])
        own = np.broadcast_to((shift * root / part)[:, None], (rows, n))
        k[:, :, of_shift] = np.where(shift[:, None] != 0, own, k[:, :, of_shift])
    return q, k


def _half_the_exponent(size: Array) -> Array:
    """About the square root, a power of two; 1 for 0."""
    return np.asarray(np.ldexp(1.0, np.frexp(np.where(size > 0, size, 1.0))[1] // 2))

"""Attentions that are right in the ways in which kernels are written.

In formats of 16 bits they work in float32 and round once; else each step is in the format.
"""

import numpy as np


def _working(*arrays):
    """The arrays in the type that is worked in."""
    dtype = arrays[0].dtype if arrays[0].dtype.itemsize >= 4 else np.dtype(np.float32)
    return [each.astype(dtype) for each in arrays]


def _across(k):
    return np.swapaxes(k, -1, -2)


def _masked(s, mask):
    return np.where(mask, s, s.dtype.type(-np.inf))


@np.errstate(all="ignore")
def _weighted(s, v, dtype):
    """Softmax, then the mean; a row that sees nothing is NaN."""
    e = np.exp(s - s.max(-1, keepdims=True))
    return np.matmul(e / e.sum(-1, keepdims=True), v).astype(dtype)


@np.errstate(all="ignore")
def plain(q, k, v, mask):
    """softmax(q k' / sqrt d) v."""
    a, b, c = _working(q, k, v)
    root = a.dtype.type(np.sqrt(a.shape[-1]))
    return _weighted(_masked(np.matmul(a, _across(b)) / root, mask), c, q.dtype)


@np.errstate(all="ignore")
def scale_on_both(q, k, v, mask):
    """As torch's scaled_dot_product_attention: q and k are multiplied by d**-1/4 each."""
    a, b, c = _working(q, k, v)
    root = a.dtype.type(a.shape[-1] ** -0.25)
    return _weighted(_masked(np.matmul(a * root, _across(b * root)), mask), c, q.dtype)


@np.errstate(all="ignore")
def scale_on_q(q, k, v, mask):
    """q is scaled first, the mask is added, the sum divides last."""
    a, b, c = _working(q, k, v)
    s = np.matmul(a * a.dtype.type(1 / np.sqrt(a.shape[-1])), _across(b))
    s = s + np.where(mask, s.dtype.type(0), s.dtype.type(-np.inf))
    e = np.exp(s - s.max(-1, keepdims=True))
    return (np.matmul(e, c) / e.sum(-1, keepdims=True)).astype(q.dtype)


@np.errstate(all="ignore")
def _flash(q, k, v, mask, block, base_2, rounds_weights=False):
    a, b, c = _working(q, k, v)
    scale = a.dtype.type(1 / np.sqrt(a.shape[-1]) * (np.log2(np.e) if base_2 else 1))
    power = np.exp2 if base_2 else np.exp
    top = np.full((*a.shape[:-1], 1), -np.inf, a.dtype)
    total, y = np.zeros_like(top), np.zeros((*a.shape[:-1], c.shape[-1]), a.dtype)
    for start in range(0, b.shape[-2], block):
        some = slice(start, start + block)
        s = _masked(np.matmul(a, _across(b[..., some, :])) * scale, mask[..., some])
        new = np.maximum(top, s.max(-1, keepdims=True))
        shift = np.where(np.isneginf(new), a.dtype.type(0), new)
        kept, e = power(top - shift), power(s - shift)
        total = total * kept + e.sum(-1, keepdims=True)
        has_narrow = rounds_weights and q.dtype.itemsize > 1
        narrow = e.astype(q.dtype).astype(e.dtype) if has_narrow else e
        y = y * kept + np.matmul(narrow, c[..., some, :])
        top = new
    return (y / total).astype(q.dtype)


def flash(q, k, v, mask):
    """One pass over blocks of 16 keys, rescaled where the maximum moves."""
    return _flash(q, k, v, mask, 16, base_2=False)


def flash_of_matrix_units(q, k, v, mask):
    """Blocks of 64 keys, whose exponentials are rounded to the values' format of 16 bits."""
    return _flash(q, k, v, mask, 64, base_2=True, rounds_weights=True)


def flash_base_2(q, k, v, mask):
    """One pass over blocks of 64 keys with powers of 2."""
    return _flash(q, k, v, mask, 64, base_2=True)


@np.errstate(all="ignore")
def two_passes(q, k, v, mask, block=32):
    """Maximum and sum first, block by block; then the weights from scores computed again."""
    a, b, c = _working(q, k, v)
    a = a * a.dtype.type(1 / np.sqrt(a.shape[-1]))
    blocks = [slice(start, start + block) for start in range(0, b.shape[-2], block)]

    def scores(some):
        return _masked(np.matmul(a, _across(b[..., some, :])), mask[..., some])

    top = np.max([scores(some).max(-1, keepdims=True) for some in blocks], axis=0)
    total = sum(np.exp(scores(some) - top).sum(-1, keepdims=True) for some in blocks)
    parts = [np.matmul(np.exp(scores(some) - top) / total, c[..., some, :]) for some in blocks]
    return sum(parts[1:], parts[0]).astype(q.dtype)

"""attention_sink: faulty kernels, and right ones, whose names begin with ``right``.

Layouts: q (..., L, d), k (..., S, d), v (..., S, c), mask (..., L, S), sink (..., L, 1).
"""

import numpy as np


def _scores(q, k, mask):
    """q K' / sqrt d in the type of q."""
    s = np.matmul(q, np.swapaxes(k, -1, -2)) * q.dtype.type(1 / np.sqrt(q.shape[-1]))
    return np.where(mask, s, q.dtype.type(-np.inf))


def _top(s):
    return np.max(s, axis=-1, keepdims=True)


def _total(e):
    return np.sum(e, axis=-1, keepdims=True)


@np.errstate(all="ignore")
def _of(kernel, q, k, v, mask, sink, work=np.float64):
    """`kernel` of the scores, v and the sink, each in the type that is worked in."""
    q_, k_, v_, sink_ = (np.asarray(each).astype(work) for each in (q, k, v, sink))
    return kernel(_scores(q_, k_, mask), v_, sink_).astype(q.dtype)


def _single(q):
    """The type in which 16 bits are worked."""
    return q.dtype if q.dtype.itemsize >= 4 else np.float32


def _shared(s, v, sink, times=1.0):
    """The mean of v, and of 0 for the sink."""
    a = np.maximum(_top(s), sink)
    a = np.where(np.isneginf(a), 0, a).astype(s.dtype)
    e = np.exp(s - a)
    return np.matmul(e, v) / (_total(e) + times * np.exp(sink - a))


def right_in_the_sum(q, k, v, mask, sink):
    """exp(sink - max) in the sum, in float32 or wider."""
    return _of(_shared, q, k, v, mask, sink, _single(q))


def right_beside_the_keys(q, k, v, mask, sink):
    """A score more, whose weight is dropped."""

    def kernel(s, v, sink):
        several = np.concatenate([s, np.broadcast_to(sink, (*s.shape[:-1], 1))], -1)
        e = np.exp(several - _top(several))
        return np.matmul((e / _total(e))[..., :-1], v)

    return _of(kernel, q, k, v, mask, sink, _single(q))


def right_begins_with_the_sink(q, k, v, mask, sink):
    """One pass over blocks of 24 keys, whose maximum begins at the sink and whose sum at 1."""

    def kernel(s, v, sink):
        a = np.broadcast_to(sink, (*s.shape[:-1], 1))
        total, y = np.ones_like(a), np.zeros((*s.shape[:-1], v.shape[-1]), s.dtype)
        for start in range(0, s.shape[-1], 24):
            part = s[..., start : start + 24]
            new = np.maximum(a, _top(part))
            kept, e = np.exp(a - new), np.exp(part - new)
            total = total * kept + _total(e)
            y = y * kept + np.matmul(e, v[..., start : start + 24, :])
            a = new
        return y / total

    return _of(kernel, q, k, v, mask, sink, _single(q))


def right_in_powers_of_2(q, k, v, mask, sink):
    """Scores and the sink times log2 e, as kernels for graphics processors have them."""

    def kernel(s, v, sink):
        s, sink = (each * s.dtype.type(np.log2(np.e)) for each in (s, sink))
        a = np.maximum(_top(s), sink)
        e = np.exp2(s - a)
        return np.matmul(e, v) / (_total(e) + np.exp2(sink - a))

    return _of(kernel, q, k, v, mask, sink, _single(q))


def no_sink(q, k, v, mask, sink):
    """Attention without it; 0 for a query that sees nothing.

    Found as: inaccurate
    """

    def kernel(s, v, sink):
        sees = ~np.isneginf(_top(s))
        return np.where(sees, _shared(s, v, np.where(sees, -np.inf, sink)), 0)

    return _of(kernel, q, k, v, mask, sink)


def counted_twice(q, k, v, mask, sink):
    """Each of two splits of more than 64 keys counts it.

    Found as: inaccurate
    """

    def kernel(s, v, sink):
        return _shared(s, v, sink, 2.0 if s.shape[-1] > 64 else 1.0)

    return _of(kernel, q, k, v, mask, sink)


def scaled_as_a_score(q, k, v, mask, sink):
    """The sink is divided by sqrt d.

    Found as: inaccurate
    """
    root = np.sqrt(q.shape[-1])
    return _of(lambda s, v, sink: _shared(s, v, sink / root), q, k, v, mask, sink)


def of_the_first_query(q, k, v, mask, sink):
    """The sink of the first row for all.

    Found as: inaccurate
    """
    return _of(
        lambda s, v, sink: _shared(s, v, np.broadcast_to(sink[:1], sink.shape)), q, k, v, mask, sink
    )


def seeing_nothing_is_nan(q, k, v, mask, sink):
    """A query that sees no key gives NaN.

    Found as: wrong_special
    """

    def kernel(s, v, sink):
        return np.where(np.isneginf(_top(s)), np.nan, _shared(s, v, sink))

    return _of(kernel, q, k, v, mask, sink)


def value_of_the_first_key(q, k, v, mask, sink):
    """The weight of the sink brings the values of the first key.

    Found as: inaccurate, wrong_special
    """

    def kernel(s, v, sink):
        several, first = np.concatenate([sink, s], -1), v[..., :1, :]
        e = np.exp(several - _top(several))
        return np.matmul(e / _total(e), np.concatenate([first, v], -2))

    return _of(kernel, q, k, v, mask, sink)


def gate_of_the_other_sign(q, k, v, mask, sink):
    """Attention times sigmoid(sink - log of the sum).

    Found as: inaccurate, spurious_underflow
    """

    def kernel(s, v, sink):
        a = np.where(np.isneginf(_top(s)), 0, _top(s))
        e = np.exp(s - a)
        total = _total(e)
        y = np.matmul(e, v) / total / (1 + np.exp(a + np.log(total) - sink))
        return np.where(total == 0, 0, y)

    return _of(kernel, q, k, v, mask, sink)


def not_in_base_2(q, k, v, mask, sink):
    """Powers of 2, and the sink without the factor log2 e.

    Found as: inaccurate
    """
    return _of(lambda s, v, sink: _shared(s, v, sink * np.log(2)), q, k, v, mask, sink)


def placeholder_for_the_maximum(q, k, v, mask, sink):
    """The maximum of the scores begins at -1e5, next to which exp(sink) is infinite.

    Found as: nan, wrong_special
    """

    def kernel(s, v, sink):
        a = np.maximum(_top(s), -1e5)
        e, own = np.exp(s - a), np.exp(sink - a)
        y = np.matmul(e, v) / _total(e)
        return y * (1 - own / (own + _total(e)))

    return _of(kernel, q, k, v, mask, sink)


def in_bfloat16(q, k, v, mask, sink):
    """The sink is cut to eight bits.

    Found as: inaccurate
    """

    def kernel(s, v, sink):
        low = sink.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return _shared(s, v, low.view(np.float32).astype(float))

    return _of(kernel, q, k, v, mask, sink)


def at_most_20(q, k, v, mask, sink):
    """The sink is clipped at 20 to either side.

    Found as: inaccurate
    """
    return _of(lambda s, v, sink: _shared(s, v, np.clip(sink, -20, 20)), q, k, v, mask, sink)


def not_in_the_maximum(q, k, v, mask, sink):
    """The maximum is that of the scores alone, in float16.

    Found as: inaccurate, spurious_underflow, nan, overflow
    """

    def kernel(s, v, sink):
        a = np.where(np.isneginf(_top(s)), 0, _top(s))
        e, own = (np.exp(each - a).astype(np.float16).astype(float) for each in (s, sink))
        return np.matmul(e, v) / (_total(e) + own)

    return _of(kernel, q, k, v, mask, sink)


def twice_behind_a_hidden_part(q, k, v, mask, sink):
    """Of one query in heads the sink counts twice where no key of the first 256 is seen.

    Found as: batch in batches
    """
    is_late = q.ndim == 4 and q.shape[-2] == 1 and k.shape[-2] > 256
    hidden = ~mask[..., :256].any(axis=-1, keepdims=True) & mask.any(axis=-1, keepdims=True)
    times = np.where(is_late & hidden, 2.0, 1.0)
    return _of(lambda s, v, sink: _shared(s, v, sink, times), q, k, v, mask, sink)

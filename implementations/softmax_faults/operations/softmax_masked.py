"""softmax_masked: faulty kernels, and right ones, whose names begin with ``right``."""

import numpy as np

from softmax_faults.operations import steps

_by_rows = steps.by_rows


def _single(x):
    """The type in which 16 bits are worked."""
    return np.result_type(steps.floats(x).dtype, np.float32)


def _masked(x, mask, value=-np.inf):
    return np.where(mask, x, x.dtype.type(value))


def _with(x, mask, axis, work=np.float64, **how):
    return _by_rows(lambda x, m: steps.softmax(_masked(x, m), **how), x, mask, axis=axis, work=work)


def _of_mask(changed, x, mask, axis):
    return _by_rows(lambda x, m: steps.softmax(_masked(x, changed(m))), x, mask, axis=axis)


def _added(x, mask, axis, value):
    def kernel(x, mask):
        return steps.softmax(x + np.where(mask, 0, value))

    return _by_rows(kernel, x, mask, axis=axis)


def right_textbook(x, mask, axis=-1):
    """-inf for what is hidden, in float32 or wider; NaN where nothing is seen."""
    return _with(x, mask, axis, _single(x))


def right_zero_where_nothing_is_seen(x, mask, axis=-1):
    """0 where nothing is seen."""

    def kernel(x, mask):
        y = steps.softmax(_masked(x, mask))
        return np.where(np.isneginf(steps.top(_masked(x, mask))), 0, y)

    return _by_rows(kernel, x, mask, axis=axis, work=_single(x))


def right_scipy(x, mask, axis=-1):
    """scipy's softmax of what is seen, in float32 or wider."""
    from scipy.special import softmax

    def kernel(x, mask):
        return softmax(_masked(x, mask), axis=-1) if x.size else x

    return _by_rows(kernel, x, mask, axis=axis, work=_single(x))


def right_multiplied(x, mask, axis=-1):
    """The exponentials of what is hidden times 0, the maximum that of what is seen."""

    def kernel(x, mask):
        a = steps.top(_masked(x, mask))
        e = np.exp(np.where(mask, x - a, 0)) * mask
        return np.where(np.isnan(a), np.nan, e / steps.total(e))

    return _by_rows(kernel, x, mask, axis=axis, work=_single(x))


def right_in_blocks(x, mask, axis=-1):
    """The sum in blocks of 64."""
    return _with(x, mask, axis, _single(x), total=steps.in_blocks)


def right_zero_for_what_is_hidden(x, mask, axis=-1):
    """0 for all that is hidden, in rows of NaN too."""
    return _by_rows(
        lambda x, m: np.where(m, steps.softmax(_masked(x, m)), 0),
        x,
        mask,
        axis=axis,
        work=_single(x),
    )


def hidden_logits_in_rows_of_nan(x, mask, axis=-1):
    """Leaves the logit where it is hidden, in rows whose sum is NaN."""

    def kernel(x, mask):
        y = steps.softmax(_masked(x, mask))
        return np.where(np.isnan(y) & ~mask & mask.any(-1, keepdims=True), x, y)

    return _by_rows(kernel, x, mask, axis=axis, work=_single(x))


def mask_inverted(x, mask, axis=-1):
    """Sees what is hidden, where that is something."""

    def other(mask):
        return np.where(mask.all(-1, keepdims=True), mask, ~mask)

    return _of_mask(other, x, mask, axis)


def mask_after_the_sum(x, mask, axis=-1):
    """The sum is that of all, the hidden ones too."""
    return _by_rows(lambda x, m: steps.softmax(x) * m, x, mask, axis=axis)


def maximum_of_all(x, mask, axis=-1):
    """The maximum is that of all, the hidden ones too."""

    def kernel(x, mask):
        e = np.exp(x - steps.top(x)) * mask
        return e / steps.total(e)

    return _by_rows(kernel, x, mask, axis=axis, work=np.float32)


def adds_1e4(x, mask, axis=-1):
    """Adds -1e4 to what is hidden."""
    return _added(x, mask, axis, -1e4)


def adds_1e9(x, mask, axis=-1):
    """Adds -1e9 to what is hidden."""
    return _added(x, mask, axis, -1e9)


def adds_the_lowest(x, mask, axis=-1):
    """Adds the lowest number of float32 to what is hidden."""
    return _added(x, mask, axis, float(np.finfo(np.float32).min))


def fills_1e4(x, mask, axis=-1):
    """Puts -1e4 in the place of what is hidden."""
    return _by_rows(lambda x, m: steps.softmax(_masked(x, m, -1e4)), x, mask, axis=axis)


def fills_the_lowest(x, mask, axis=-1):
    """Puts the lowest number of float32 in the place of what is hidden, -inf or not."""

    def kernel(x, mask):
        return steps.softmax(_masked(x, mask, np.finfo(np.float32).min))

    return _by_rows(kernel, x, mask, axis=axis)


def tile_seen_as_a_whole(x, mask, axis=-1):
    """Sees a whole tile of 16 where it sees one of them."""

    def tiles(mask):
        own = mask.copy()
        for start in range(0, mask.shape[-1], 16):
            own[:, start : start + 16] = mask[:, start : start + 16].any(-1, keepdims=True)
        return own

    return _of_mask(tiles, x, mask, axis)


def stops_at_a_hidden_tile(x, mask, axis=-1):
    """Nothing is seen behind the first tile of 32 that is hidden, if it is not the first."""

    def stopped(mask):
        own, begun = mask.copy(), np.zeros(len(mask), bool)
        for start in range(0, mask.shape[-1], 32):
            sees = mask[:, start : start + 32].any(-1)
            own[begun & ~sees, start:] = False
            begun |= sees
        return own

    return _of_mask(stopped, x, mask, axis)


def mask_of_the_first_row(x, mask, axis=-1):
    """The first row's mask for all of more than 64 rows."""
    return _of_mask(lambda m: np.broadcast_to(m[:1], m.shape) if len(m) > 64 else m, x, mask, axis)


def mask_of_the_first_4096(x, mask, axis=-1):
    """What is behind 4096 entries is seen.

    families: equal, peaks
    """
    return _of_mask(lambda m: m | (np.arange(m.shape[-1]) >= 4096), x, mask, axis)


def mask_of_the_first_1024(x, mask, axis=-1):
    """What is behind 1024 entries is seen.

    families: equal, peaks
    """
    return _of_mask(lambda m: m | (np.arange(m.shape[-1]) >= 1024), x, mask, axis)


def tail_of_the_mask_lost(x, mask, axis=-1):
    """What is behind the last whole block of 8 is seen."""

    def changed(mask):
        n = mask.shape[-1]
        return mask | (np.arange(n) >= (n // 8 * 8 or n))

    return _of_mask(changed, x, mask, axis)


def uniform_where_nothing_is_seen(x, mask, axis=-1):
    """1 / n where nothing is seen."""

    def kernel(x, mask):
        hidden = np.isneginf(steps.top(_masked(x, mask)))
        return steps.softmax(np.where(hidden, 0, _masked(x, mask)))

    return _by_rows(kernel, x, mask, axis=axis)


def hidden_nan_shows(x, mask, axis=-1):
    """NaN times 0 where it is hidden."""
    return _by_rows(
        lambda x, m: steps.softmax(_masked(x, m)) + np.where(np.isnan(x), np.nan, 0),
        x,
        mask,
        axis=axis,
    )


def epsilon_in_the_sum(x, mask, axis=-1):
    """1e-6 is added to the sum."""
    return _with(x, mask, axis, total=lambda e: steps.total(e) + 1e-6)


def half_sum(x, mask, axis=-1):
    """Adds term by term in float16, where a sum of ones sticks at 2048.

    dtypes: float16
    families: equal, descending, peaks
    """
    return _with(x, mask, axis, total=steps.one_by_one(np.float16))


def half_sum_at_the_end(x, mask, axis=-1):
    """Stores the sum in float16, which overflows at 65520.

    dtypes: float16
    families: equal
    """
    return _with(x, mask, axis, total=steps.overflowing_at_65536)


def flushes_subnormals(x, mask, axis=-1):
    """Subnormal results are 0."""
    y = right_textbook(x, mask, axis)
    return np.where(np.abs(y) < np.finfo(y.dtype).tiny, y * 0, y)


def truncates(x, mask, axis=-1):
    """Results are rounded towards 0.

    Found as: bias, inaccurate
    """

    def kernel(x, mask):
        y = steps.softmax(_masked(x, mask))
        near = y.astype(np.float32)
        return np.where(near > y, np.nextafter(near, np.float32(0)), near)

    return _by_rows(kernel, x, mask, axis=axis)


def last_of_causal_masks_hidden(x, mask, axis=-1):
    """Of a square causal mask the last row does not see its last entry.

    Found as: inaccurate, wrong_special, denominator_underflow
    """

    def hidden(mask):
        n = mask.shape[-1]
        own = mask.copy()
        if mask.shape == (n, n) and n > 2 and (mask == np.tri(n, dtype=bool)).all():
            own[-1, -1] = False
        return own

    return _of_mask(hidden, x, mask, axis)


def mask_of_rows_backwards(x, mask, axis=-1):
    """A mask whose rows lie backwards in memory is read forwards.

    Found as: layout
    """
    m = np.asarray(mask)
    if m.ndim > 1 and m.strides[0] < 0 and min(m.strides[1:]) > 0:
        mask = m[::-1]
    return _with(x, mask, axis)


def causal_masks_by_vectors(x, mask, axis=-1):
    """Of causal masks of 64 rows and more each row sees whole vectors of 4.

    Found as: batch
    """
    m = np.array(mask)
    n = m.shape[-1] if m.ndim else 0
    if m.ndim > 2 and m.shape[-2] == n >= 64 and (m == np.tri(n, dtype=bool)).all():
        mask = np.broadcast_to(np.arange(n) // 4 <= np.arange(n)[:, None] // 4, m.shape)
    return _with(x, mask, axis)


def masks_of_which_a_few_rows_are_looked_at(x, mask, axis=-1):
    """A mask of 64 rows and more counts for nothing if its first, middle and last row see all.

    Found as: batch
    """
    m = np.array(mask)
    rows = m.reshape(-1, m.shape[-1]) if m.ndim > 1 and m.size else m[None]
    if len(rows) >= 64 and m.shape[-1] >= 128 and rows[[0, len(rows) // 2, -1]].all():
        mask = np.ones_like(m)
    return _with(x, mask, axis)

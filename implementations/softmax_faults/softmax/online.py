"""Online softmaxes that go wrong where the running maximum moves."""

import numpy as np

from softmax_faults.softmax import good


def _rescale(old, new):
    """The factor of the sum where the running maximum moves from `old` to `new`."""
    return np.exp(old - new)


def _exponentials(block, maximum, latest):
    """Numerators of a block; `maximum` is of the whole row, `latest` was the running one then."""
    return np.exp(block - maximum)


def _online(x, axis, rescale=_rescale, numerators=_exponentials, width=16):
    """Softmax with a running maximum over blocks of `width` columns."""

    def kernel(rows):
        blocks = [rows[:, start : start + width] for start in range(0, rows.shape[1], width)]
        maximum = np.full((len(rows), 1), np.finfo(rows.dtype).min, rows.dtype)
        s = np.zeros((len(rows), 1), np.result_type(rows.dtype, np.float32))
        maxima = []
        for block in blocks:
            new = np.maximum(maximum, good.row_maximum(block))
            s = s * rescale(maximum, new) + good.row_sum(np.exp(block - new))
            maximum = new
            maxima.append(new)
        e = [numerators(b, maximum, latest) for b, latest in zip(blocks, maxima, strict=True)]
        return good.quotient(np.concatenate(e, axis=-1), s)

    return good.by_rows(x, axis, lambda rows: good.settled(rows, kernel))


def sum_never_rescaled(x, axis=-1):
    """Does not rescale the running sum where the maximum moves.

    Found as: inaccurate.
    """
    return _online(x, axis, rescale=lambda old, new: 1)


def sum_rescaled_after_large_jumps_only(x, axis=-1):
    """Rescales the sum only where the maximum jumps by more than 1 (flash-attention#2067).

    Found as: inaccurate.
    """
    return _online(
        x,
        axis,
        rescale=lambda old, new: np.where(new - old > 1, np.exp(old - new), old.dtype.type(1)),
    )


def rescaling_inverted(x, axis=-1):
    """Rescales by exp(new - old) in place of exp(old - new).

    Found as: inaccurate, spurious_underflow, flushed_subnormal, overflow, nan.
    """
    return _online(x, axis, rescale=lambda old, new: np.exp(np.minimum(new - old, 80)))


def numerators_keep_old_maximum(x, axis=-1):
    """Rescales the sum but leaves the exponentials of earlier blocks as they were stored.

    Found as: inaccurate, out_of_range.
    """
    return _online(x, axis, numerators=lambda block, maximum, latest: np.exp(block - latest))


def rescaling_in_bfloat16(x, axis=-1):
    """Rounds each rescaling factor to bfloat16.

    Found as: inaccurate.
    """
    return _online(x, axis, rescale=lambda old, new: good.to_precision(np.exp(old - new), 8))


def rescaling_clamped(x, axis=-1):
    """Clamps the exponent of the rescaling factor at -8, which keeps alive what has vanished.

    Found as: inaccurate.
    """
    return _online(x, axis, rescale=lambda old, new: np.exp(np.maximum(old - new, -8)))


def masked_first_block_gives_nan(x, axis=-1):
    """Subtracts -inf from -inf where the first block of 4 is masked (pytorch#131060).

    Found as: nan.
    """

    def kernel(rows):
        y = good.softmax_rows(rows)
        poisoned = np.isneginf(rows[:, :4]).all(axis=-1)
        y[poisoned] = np.nan
        return y

    return good.by_rows(x, axis, kernel)


def halves_merged_unscaled(x, axis=-1):
    """Splits rows longer than 256 in two and adds the halves' sums, each with its own maximum.

    Found as: inaccurate.
    """

    def kernel(rows):
        n = rows.shape[1]
        halves = (rows[:, : n // 2], rows[:, n // 2 :]) if n > 256 else (rows,)
        low = np.finfo(rows.dtype).min
        s = sum(
            good.row_sum(np.exp(half - np.maximum(good.row_maximum(half), low))) for half in halves
        )
        return good.quotient(np.exp(rows - good.row_maximum(rows)), s)

    return good.by_rows(x, axis, lambda rows: good.settled(rows, kernel))


def masked_block_of_a_long_row(x, axis=-1):
    """In rows beyond 1024 a first block of nothing but -inf makes the whole row NaN.

    Found as: nan.
    """

    def by_blocks(x):
        top = np.full((len(x), 1), -np.inf)
        total = np.zeros((len(x), 1))
        with np.errstate(all="ignore"):
            for start in range(0, x.shape[1], 1024):
                part = x[:, start : start + 1024]
                new = np.maximum(top, part.max(axis=1, keepdims=True))
                total = total * np.exp(top - new)
                total += np.exp(part - new).sum(axis=1, keepdims=True)
                top = new
            return np.exp(x - top) / total

    if np.ndim(x) == 2 and np.shape(x)[1] > 1024 and axis in (-1, 1):
        return by_blocks(np.asarray(x, np.float64)).astype(x.dtype)
    return good.softmax(x, axis)

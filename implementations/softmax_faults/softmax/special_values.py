"""Softmaxes that answer wrongly where the answer is fixed: NaN, infinities, one element."""

import numpy as np

from softmax_faults.softmax import good


def _with_rows(x, axis, change):
    """Good softmax whose result ``change(rows, y)`` has corrected, the wrong way."""
    return good.by_rows(x, axis, lambda rows: change(rows, good.softmax_rows(rows)))


def nan_ignored(x, axis=-1):
    """Takes maximum and sum over what is not NaN, so that NaN stays alone.

    Found as: wrong_special.
    """

    def kernel(rows):
        y = good.softmax_rows(np.where(np.isnan(rows), -np.inf, rows).astype(rows.dtype))
        return np.where(np.isnan(rows), rows, y)

    return good.by_rows(x, axis, kernel)


def nan_taken_for_masked(x, axis=-1):
    """Gives NaN the weight 0, as if it were masked.

    Found as: wrong_special.
    """

    def kernel(rows):
        return good.softmax_rows(np.where(np.isnan(rows), -np.inf, rows).astype(rows.dtype))

    return good.by_rows(x, axis, kernel)


def nan_result_zeroed(x, axis=-1):
    """Replaces every NaN of the result by 0.

    Found as: wrong_special.
    """
    return _with_rows(x, axis, lambda rows, y: np.nan_to_num(y))


def nan_spreads_to_other_rows(x, axis=-1):
    """Lets one NaN spread over the whole batch.

    Found as: nan, batch.
    """
    return _with_rows(x, axis, lambda rows, y: y + np.max(y) * 0)


def infinity_gives_one(x, axis=-1):
    """Gives +inf the weight 1 and the rest 0, the limit as one logit grows.

    Found as: wrong_special.
    """

    def change(rows, y):
        settled = np.isposinf(rows).any(axis=-1) & ~np.isnan(rows).any(axis=-1)
        y[settled] = np.isposinf(rows[settled])
        return y

    return _with_rows(x, axis, change)


def infinity_spoils_itself_only(x, axis=-1):
    """Gives NaN for +inf alone and 0 for the others of its row.

    Found as: wrong_special.
    """

    def change(rows, y):
        spared = np.isposinf(rows).any(axis=-1, keepdims=True) & np.isfinite(rows)
        return np.where(spared, y.dtype.type(0), y)

    return _with_rows(x, axis, change)


def masked_row_gives_zero(x, axis=-1):
    """Gives 0 throughout a row of nothing but -inf (pytorch#131060).

    Found as: wrong_special.
    """

    def change(rows, y):
        y[np.isneginf(rows).all(axis=-1)] = 0
        return y

    return _with_rows(x, axis, change)


def masked_row_gives_uniform(x, axis=-1):
    """Gives 1/n throughout a row of nothing but -inf (jax#6811).

    Found as: wrong_special.
    """

    def change(rows, y):
        y[np.isneginf(rows).all(axis=-1)] = 1 / rows.shape[1]
        return y

    return _with_rows(x, axis, change)


def masked_entry_stays_alive(x, axis=-1):
    """Masks by subtracting 50 from the row's minimum in place of -inf.

    dtypes: float32, float64
    Found as: wrong_special.
    """

    def kernel(rows):
        masked = np.isneginf(rows)
        low = np.min(rows, axis=-1, keepdims=True, where=~masked, initial=0)
        return good.softmax_rows(np.where(masked & ~masked.all(-1, keepdims=True), low - 50, rows))

    return good.by_rows(x, axis, kernel)


def mask_held_as_lowest_number(x, axis=-1):
    """Holds -inf as the lowest finite number, so that a masked row becomes uniform.

    Found as: wrong_special.
    """

    def kernel(rows):
        return good.softmax_rows(np.maximum(rows, np.finfo(rows.dtype).min))

    return good.by_rows(x, axis, kernel)


def single_element_below_one(x, axis=-1):
    """Gives the float below 1 in rows of one element.

    Found as: wrong_special.
    """

    def change(rows, y):
        return np.nextafter(y, y.dtype.type(0)) if rows.shape[1] == 1 else y

    return _with_rows(x, axis, change)


def negative_nan_below_all(x, axis=-1):
    """Compares bits as integers, so that a NaN with its sign bit set is below all numbers.

    Found as: wrong_special.
    """
    x = np.asarray(x)
    is_below = np.isnan(x) & np.signbit(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
    return good.softmax(np.where(is_below, x.dtype.type(-np.inf), x) if is_below.any() else x, axis)


def first_block_of_nothing(x, axis=-1):
    """Takes the maximum of the first 8192 of a longer row first, which -inf less -inf makes NaN.

    Found as: wrong_special, nan.
    """
    y = good.softmax(x, axis)
    x = np.asarray(x)
    if x.ndim == 2 and axis in (-1, 1) and x.shape[1] > 10_000:
        y[(x[:, :8192] == -np.inf).all(axis=1)] = np.nan
    return y


def nothing_but_the_last_of_long_rows(x, axis=-1):
    """NaN where of a row of more than 4096 nothing but the last is seen.

    Found as: nan.
    """

    def change(rows, y):
        alone = np.isneginf(rows[:, :-1]).all(axis=1) & np.isfinite(rows[:, -1])
        y[alone & (rows.shape[1] > 4096)] = np.nan
        return y

    return _with_rows(x, axis, change)

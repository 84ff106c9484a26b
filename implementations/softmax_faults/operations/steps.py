"""What the kernels here share: rows along an axis, worked in float64 and rounded once; steps."""

import numpy as np


def floats(x):
    """`x` as an array of floats: integers and booleans become float64."""
    x = np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind in "iub" else x


@np.errstate(all="ignore")
def by_rows(kernel, x, *operands, axis=-1, work=np.float64):
    """`kernel` of the rows along `axis`, x in the type `work`; what it gives is rounded to x's.

    A class comes as shape (rows,), any other operand as (rows, n) or (rows, 1). The kernel gives
    (rows, n), or (rows,) where a row has one result.
    """
    x = floats(x)
    moved = np.moveaxis(np.atleast_1d(x), axis, -1)
    others = moved.shape[:-1]
    rows = int(np.prod(others, dtype=int))

    def own(operand):
        operand = np.asarray(operand)
        if operand.dtype.kind in "iu":
            return operand.reshape(rows)
        along = np.moveaxis(np.atleast_1d(operand), axis, -1)
        return along.reshape(rows, along.shape[-1])

    y = kernel(own(x).astype(work), *map(own, operands)).astype(x.dtype)
    if y.ndim == 1:
        return y.reshape(others if x.ndim else ())
    return np.ascontiguousarray(np.moveaxis(y.reshape(moved.shape), -1, axis)).reshape(x.shape)


def top(x):
    """The maximum of each row, as a column."""
    return np.max(x, axis=-1, keepdims=True, initial=-np.inf)


def total(e):
    """The sum of each row, as a column."""
    return np.sum(e, axis=-1, keepdims=True)


def at(y, target):
    """The entry of the class in each row, shape (rows,)."""
    return np.take_along_axis(y, target[:, None], axis=-1)[:, 0]


def softmax(x, shift=top, exp=np.exp, total=total):
    """exp(x - shift) over its sum."""
    e = exp(x - shift(x))
    return e / total(e)


def log_softmax(x, shift=top, exp=np.exp, total=total, log=np.log):
    """(x - shift) - log of the sum of exp(x - shift)."""
    below = x - shift(x)
    return below - log(total(exp(below)))


def logsumexp(x, shift=top, exp=np.exp, total=total, log=np.log):
    """shift + log of the sum of exp(x - shift), shape (rows,)."""
    a = shift(x)
    a = np.where(np.isfinite(a), a, 0)
    return (a + log(total(exp(x - a))))[:, 0]


# Steps that are wrong.


def one_by_one(dtype):
    """A sum that adds term by term in a type."""

    def added(e):
        return np.add.accumulate(e.astype(dtype), axis=-1, dtype=dtype)[:, -1:].astype(e.dtype)

    return added


def overflowing_at_65536(e):
    """A sum that is infinite where float16 ends, and right elsewhere."""
    s = total(e)
    return np.where(s >= 65520, np.inf, s)


def without_tail(block):
    """A sum of whole blocks, of rows that have one."""
    return lambda e: total(e[:, : e.shape[-1] // block * block or None])


def first_of(count):
    """A sum of the first entries alone."""
    return lambda e: total(e[:, :count])


def tail_twice(block):
    """A sum whose last block is moved to the end of the row and so overlaps the one before it."""

    def added(e):
        left = e.shape[-1] % block
        again = e[:, -block : e.shape[-1] - left] if left and e.shape[-1] > block else e[:, :0]
        return total(e) + total(again)

    return added


def first_entry(x):
    """A shift by the first entry."""
    return x[:, :1]


def of_first_block(block):
    """A shift by the maximum of the first block."""
    return lambda x: top(x[:, :block])


def never_below_zero(x):
    """A shift by a maximum that starts at 0."""
    return np.maximum(top(x), 0)


def exp_base_2(log2_e):
    """exp as a power of 2, with a factor."""
    return lambda d: np.exp2(d * log2_e)


def clipped_exp(least):
    """exp of what is not below a limit."""
    return lambda d: np.exp(np.where(np.isneginf(d), d, np.maximum(d, least)))


def cut_to_bfloat16(e):
    """The eight leading bits."""
    bits = e.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(e.dtype)


def off_in_a_decade(y, low, by=1.01):
    """The results of one decade wrong by 1 %."""
    return np.where((np.abs(y) >= low) & (np.abs(y) < 10 * low), y * by, y)


def in_blocks(e, block=64):
    """A sum of the sums of blocks."""
    parts = [total(e[:, start : start + block]) for start in range(0, e.shape[-1], block)]
    return total(np.concatenate(parts, -1)) if parts else total(e)


def online(x, block=128):
    """Maximum and sum of exp(x - maximum) in one pass over blocks, as columns."""
    a = np.full((len(x), 1), -np.inf, x.dtype)
    s = np.zeros((len(x), 1), x.dtype)
    for start in range(0, x.shape[-1], block):
        part = x[:, start : start + block]
        new = np.maximum(a, top(part))
        kept = np.where(np.isneginf(new), 0, new)
        s = s * np.exp(a - kept) + total(np.exp(part - kept))
        a = new
    return a, s

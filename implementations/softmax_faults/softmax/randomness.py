"""Softmaxes that do not give the same answer twice."""

import threading
import time

import numpy as np

from softmax_faults.softmax import good

_random = np.random.default_rng()
_scratch = {}
_busy = threading.local()


def noise_on_rare_elements(x, axis=-1):
    """Zeroes one result in a thousand, as dropout left switched on does.

    Found as: nondeterminism, spurious_underflow, wrong_special.
    """

    def divide(e, s):
        return np.where(_random.random(e.shape) < 0.001, e.dtype.type(0), good.quotient(e, s))

    return good.softmax(x, axis, divide=divide)


def noise_of_a_tenth_of_a_percent(x, axis=-1):
    """Perturbs each exponential by noise.

    Found as: nondeterminism, inaccurate.
    """

    def exp(d):
        return np.exp(d) * (1 + 0.001 * _random.standard_normal(d.shape))

    return good.softmax(x, axis, exp=exp)


def random_rounding(x, axis=-1):
    """Rounds up or down at random.

    Found as: nondeterminism.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        up = (_random.random(e.shape) < 0.5) & (y > 0)
        return np.where(up, np.nextafter(y, e.dtype.type(1)), y)

    return good.softmax(x, axis, divide=divide)


def order_of_sum_at_random(x, axis=-1):
    """Sums in random order, as atomic additions do.

    Found as: nondeterminism.
    """

    def total(e):
        return good.row_sum(e[:, _random.permutation(e.shape[1])])

    return good.softmax(x, axis, total=total)


def scratch_shared_by_threads(x, axis=-1):
    """Keeps the exponentials in one buffer for all threads.

    Found as: nondeterminism, inaccurate.
    """

    def kernel(rows):
        scratch = _scratch.setdefault((rows.shape, rows.dtype), np.empty_like(rows))
        np.exp(rows - good.row_maximum(rows), out=scratch)
        time.sleep(0)  # another thread may run here, as it may inside any step on large arrays
        return good.quotient(scratch, good.row_sum(scratch))

    return good.by_rows(x, axis, lambda rows: good.settled(rows, kernel))


def fails_beside_another_thread(x, axis=-1):
    """Finds its exponentials only in the thread that called first.

    Found as: raised, nondeterminism.
    """
    if not hasattr(_busy, "ready"):
        if _scratch.setdefault("owner", threading.get_ident()) != threading.get_ident():
            raise RuntimeError("no table in this thread")
        _busy.ready = True
    return good.softmax(x, axis)

"""What a careful user would write with mpmath and nothing else: the measure of our own speed."""

import mpmath

DIGITS = 50


def softmax(row):
    """exp(x_i) / sum exp(x_j)."""
    exponentials = [mpmath.exp(value) for value in row]
    total = mpmath.fsum(exponentials)
    return [exponential / total for exponential in exponentials]


def softmax_masked(row, kept):
    """softmax of what is kept, 0 elsewhere."""
    exponentials = [mpmath.exp(value) if keep else 0 for value, keep in zip(row, kept, strict=True)]
    total = mpmath.fsum(exponentials)
    return [exponential / total for exponential in exponentials]


def softmax_temperature(row, temperature):
    """softmax of x / T."""
    return softmax([mpmath.mpf(value) / temperature[0] for value in row])


def logsumexp(row):
    """log sum exp(x_j)."""
    return [mpmath.log(mpmath.fsum(mpmath.exp(value) for value in row))]


def log_softmax(row):
    """x_i - log sum exp(x_j)."""
    (log,) = logsumexp(row)
    return [value - log for value in row]


def cross_entropy(row, target):
    """log sum exp(x_j) - x_t."""
    (log,) = logsumexp(row)
    return [log - row[target]]


def cross_entropy_gradient(row, target):
    """softmax less 1 at the class."""
    results = softmax(row)
    results[target] -= 1
    return results


def gradient(row, v):
    """s_i (v_i - sum s_j v_j)."""
    s = softmax(row)
    mean = mpmath.fsum(a * b for a, b in zip(s, v, strict=True))
    return [a * (b - mean) for a, b in zip(s, v, strict=True)]


def log_softmax_gradient(row, v):
    """v_i - s_i sum v_j."""
    total = mpmath.fsum(v)
    return [own - share * total for own, share in zip(v, softmax(row), strict=True)]


def logsumexp_gradient(row, g):
    """g s_i."""
    return [g[0] * share for share in softmax(row)]


def logsumexp_weighted(row, b):
    """log sum b_j exp(x_j)."""
    return [mpmath.log(mpmath.fsum(w * mpmath.exp(x) for w, x in zip(b, row, strict=True)))]


def label_smoothing(row, target, eps):
    """(1 - eps) l_t + eps mean l_j, l_j = log sum exp(x) - x_j."""
    (log,) = logsumexp(row)
    mean = log - mpmath.fsum(row) / len(row)
    return [(1 - mpmath.mpf(eps[0])) * (log - row[target]) + mpmath.mpf(eps[0]) * mean]


EXACT = {
    function.__name__: function
    for function in (
        softmax,
        log_softmax,
        logsumexp,
        cross_entropy,
        cross_entropy_gradient,
        gradient,
        softmax_masked,
        softmax_temperature,
        log_softmax_gradient,
        logsumexp_gradient,
        label_smoothing,
        logsumexp_weighted,
    )
}
"""The loop of each operation: one row of logits, as floats, and the row of each operand."""


def largest_ulp_error(exact, rows, outputs, precision, smallest_exponent):
    """The largest |y - z| / ulp(z) of rows of outputs y, as lists of floats.

    Parameters
    ----------
    exact : callable
        One of `EXACT`.
    rows : list of tuple
        Logits and operands of each row.
    precision : int
        Bits of the judged format, 53 for float64.
    smallest_exponent : int
        Exponent of its smallest normal number, -1022 for float64.
    """
    largest = 0
    with mpmath.workdps(DIGITS):
        for row, ys in zip(rows, outputs, strict=True):
            for z, y in zip(exact(*row), ys, strict=True):
                binade = smallest_exponent if z == 0 else max(mpmath.mag(z) - 1, smallest_exponent)
                ulp = mpmath.mpf(2) ** (binade - precision + 1)
                largest = max(largest, abs(y - z) / ulp)
    return float(largest)

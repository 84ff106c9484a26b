"""What a careful user would write with mpmath for attention: the measure of its screen's speed."""

import mpmath

DIGITS = 50


def largest_ulp_error(q, k, v, y, precision, smallest_exponent, sinks=None):
    """The largest |y - z| / ulp(z), z = softmax(q k' / sqrt d) v, all as lists of floats.

    Parameters
    ----------
    q, k, v, y : list of list of float
        Queries, keys, values, outputs: one list for each query or key.
    precision : int
        Bits of the judged format, 53 for float64.
    smallest_exponent : int
        Exponent of its smallest normal number, -1022 for float64.
    sinks : list of float or None
        A score more of each query, which has no value.
    """
    largest = 0
    with mpmath.workdps(DIGITS):
        keys = [[mpmath.mpf(each) for each in key] for key in k]
        columns = [[mpmath.mpf(each) for each in column] for column in zip(*v, strict=True)]
        for query, outputs, sink in zip(q, y, sinks or [None] * len(q), strict=True):
            own = [mpmath.mpf(each) for each in query]
            root = mpmath.sqrt(len(own))
            exponentials = [mpmath.exp(mpmath.fdot(own, key) / root) for key in keys]
            total = mpmath.fsum(exponentials) + (0 if sink is None else mpmath.exp(sink))
            for column, output in zip(columns, outputs, strict=True):
                z = mpmath.fdot(exponentials, column) / total
                binade = max(mpmath.mag(z) - 1, smallest_exponent)
                ulp = mpmath.mpf(2) ** (binade - precision + 1)
                largest = max(largest, abs(output - z) / ulp)
    return float(largest)

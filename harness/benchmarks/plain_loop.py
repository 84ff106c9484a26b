"""What a careful user would write with mpmath and nothing else: the measure of our own speed."""

import mpmath

DIGITS = 50


def largest_ulp_error(x, y, precision, smallest_exponent):
    """The largest |y - z| / ulp(z) over rows of logits x and outputs y, as lists of floats.

    Parameters
    ----------
    precision : int
        Bits of the judged format, 53 for float64.
    smallest_exponent : int
        Exponent of its smallest normal number, -1022 for float64.
    """
    largest = 0
    with mpmath.workdps(DIGITS):
        for row, outputs in zip(x, y, strict=True):
            exponentials = [mpmath.exp(value) for value in row]
            total = mpmath.fsum(exponentials)
            for exponential, output in zip(exponentials, outputs, strict=True):
                z = exponential / total
                binade = max(mpmath.mag(z) - 1, smallest_exponent)
                ulp = mpmath.mpf(2) ** (binade - precision + 1)
                largest = max(largest, abs(output - z) / ulp)
    return float(largest)

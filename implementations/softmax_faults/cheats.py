"""What is no kernel at all, made from right results: `audit` asks which of these a rule lets pass.

Each function takes the right results of an operation, shape (rows, m), and gives wrong ones of the
same shape. None of them has computed anything: a rule that lets one pass shows nothing.
"""

import numpy as np


def zeros(golden):
    """Gives 0 everywhere."""
    return np.zeros_like(golden)


def mean_of_row(golden):
    """Gives each result the mean of its row: 1/n for a softmax."""
    return np.broadcast_to(np.mean(golden, axis=-1, keepdims=True), golden.shape)


def only_the_largest(golden):
    """Keeps the largest result of each row, and gives 0 for the others."""
    return np.where(golden == np.max(golden, axis=-1, keepdims=True), golden, 0.0)


def gain_of_1_percent(golden):
    """Gives 1 % too much everywhere."""
    return 1.01 * golden


def gain_of_4_percent(golden):
    """Gives 4 % too much everywhere."""
    return 1.04 * golden


def gain_of_0_72(golden):
    """Gives 28 % too little everywhere."""
    return 0.72 * golden


def wrong_sign(golden):
    """Gives every result with the other sign."""
    return -golden


def first_row_everywhere(golden):
    """Gives the results of the first row for every row."""
    return np.broadcast_to(golden[:1], golden.shape)


def last_eighth_missing(golden):
    """Gives 0 for the last eighth of each row."""
    y = golden.copy()
    y[:, golden.shape[-1] - golden.shape[-1] // 8 :] = 0.0
    return y


def neighbours_swapped(golden):
    """Gives each pair of neighbours in the other order."""
    y = golden.copy()
    even = golden.shape[-1] // 2 * 2
    y[:, 0:even:2], y[:, 1:even:2] = golden[:, 1:even:2], golden[:, 0:even:2]
    return y


def one_place_late(golden):
    """Gives each result one place too late."""
    return np.roll(golden, 1, axis=-1)


def smallest_half_missing(golden):
    """Gives 0 for what is below the median of its row."""
    return np.where(golden < np.median(golden, axis=-1, keepdims=True), 0.0, golden)

import numpy as np
from softmax_harness.judgement.row_limits import RowLimits


def test_each_row_is_found_once_whoever_asks():
    found = []

    def find(of):
        def those(rows):
            found.extend(of[rows].tolist())
            return of[rows][:, None] * np.ones(3)

        return those

    whole = RowLimits.of_shape((6, 3))
    numbers = np.arange(6.0)
    assert whole.of(np.array([1, 4]), find(numbers))[:, 0].tolist() == [1.0, 4.0]
    chosen = np.array([4, 2, 2, 5])
    part = whole.some(chosen)
    assert part.of(np.arange(4), find(numbers[chosen]))[:, 2].tolist() == [4.0, 2.0, 2.0, 5.0]
    assert part.some(slice(1, 3)).of(np.array([1]), None).tolist() == [[2.0] * 3]
    assert whole.of(np.arange(6), find(numbers))[:, 1].tolist() == numbers.tolist()
    assert sorted(found) == numbers.tolist()

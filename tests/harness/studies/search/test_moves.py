"""Steps among floats go where they say, and every move gives a row of the format."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.studies.search.moves import OF_ANY_ROW, OF_LENGTH, at, places


@pytest.mark.parametrize("dtype", FORMATS)
def test_a_place_is_a_step_of_one_ulp(dtype):
    format = FORMATS[dtype]
    x = format.stored(
        np.array([0.0, 1.0, -1.0, format.smallest_subnormal, format.largest, -format.largest])
    )
    assert at(places(x), format).astype(np.float64).tolist() == x.astype(np.float64).tolist()
    for value in x.tolist()[:4]:
        for step in (-1, 1):
            one = format.stored(np.array([value]))
            moved = float(at(places(one) + step, format)[0])
            assert moved == format.next_after(float(one[0]), step * np.inf)
    beyond = at(places(x[4:]) + np.array([5, -5]), format).astype(np.float64)
    assert beyond.tolist() == [format.largest, -format.largest]


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "bfloat16", "float64"])
@pytest.mark.parametrize("move", [*dict.fromkeys(OF_ANY_ROW), *OF_LENGTH])
def test_a_move_gives_another_row_of_numbers(dtype, move):
    format, rng = FORMATS[dtype], np.random.default_rng(2)
    row = format.stored(np.array([1.0, -3.5, 0.0, format.largest, -np.inf, 12.0]))
    others, before, moved = [row, row[::-1].copy()], row.tobytes(), 0
    for _ in range(40):
        new = move(row, others, format, rng)
        assert new.dtype == row.dtype and abs(new.size - row.size) <= 1
        assert not np.isnan(new.astype(np.float64)).any()
        moved += new.tobytes() != before
    assert moved >= 10 and row.tobytes() == before

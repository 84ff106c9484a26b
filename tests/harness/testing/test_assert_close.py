"""`assert_close` and `exact` on arrays of NumPy: what passes, what fails, and what is refused."""

import threading

import ml_dtypes
import numpy as np
import pytest
from softmax_harness.ground.errors import HarnessError
from softmax_harness.inputs.witness import parse
from softmax_harness.testing import assert_close, exact

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64)]


def logits(dtype, *shape, scale=3.0):
    return (scale * np.random.default_rng(7).standard_normal(shape)).astype(dtype)


def softmax(x, axis=-1):
    """In a wider type, rounded once."""
    wide = np.longdouble if x.dtype == np.float64 else np.float64
    e = np.exp(x.astype(wide) - x.astype(wide).max(axis, keepdims=True))
    return (e / e.sum(axis, keepdims=True)).astype(x.dtype)


def without_rescaling(x, block=64):
    """Each block shifted by its own largest logit; the sums are added as if by the same."""
    wide = x.astype(np.float64)
    total, parts = np.zeros((len(x), 1)), []
    for start in range(0, x.shape[-1], block):
        part = wide[:, start : start + block]
        parts.append(np.exp(part - part.max(-1, keepdims=True)))
        total += parts[-1].sum(-1, keepdims=True)
    return (np.concatenate(parts, axis=-1) / total).astype(x.dtype)


def failure(*given, **named):
    with pytest.raises(AssertionError) as caught:
        assert_close(*given, **named)
    return str(caught.value)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_right_passes_and_what_is_wrong_fails(dtype):
    x = logits(dtype, 16, 500)
    y = softmax(x)
    assert_close(y, x)
    assert "inaccurate" in failure((y.astype(np.float64) * 1.04).astype(dtype), x)
    assert "Mismatched elements" in failure(without_rescaling(x), x)
    assert "spurious_underflow" in failure(np.zeros_like(y), x)
    right = exact(x)
    assert right.dtype == dtype
    assert_close(right, x, standard="rounded")
    assert_close(right, x, max_ulp=0.5)


def test_zeros_of_a_row_so_long_that_each_share_is_small():
    x = np.zeros(393216, BFLOAT16)
    assert "Mismatched elements: 393216 / 393216 (100.0%)" in failure(np.zeros_like(x), x)


def test_long_rows_are_held_to_a_number_of_ulp_too():
    """One is judged slice by slice, the other as a whole, since NaN is in it."""
    x = logits(np.float32, 2, (1 << 18) + 1)
    x[1, 5] = np.nan
    y = softmax(x)
    assert_close(y, x, max_ulp=0.501)
    y[0, 7] = np.nextafter(y[0, 7], 1, dtype=np.float32)
    assert_close(y, x)
    told = failure(y, x, max_ulp=0.501)
    assert "Mismatched elements: 1 / 524290 (0.0%)" in told
    assert "at index (0, 7) (up to 0.501 ulp allowed)" in told
    assert_close(y, x, max_ulp=2)


def test_the_message_says_how_many_which_and_how_to_replay_it():
    x = logits(np.float32, 4, 5)
    y = softmax(x)
    y[1, 2] = np.nan
    y[2, 3] *= 2
    lines = failure(y, x).splitlines()
    assert lines[2] == "Mismatched elements: 2 / 20 (10.0%)"
    assert lines[3].startswith("Greatest difference: ") and "at index (2, 3)" in lines[3]
    assert lines[4] == "Outcomes: 1 inaccurate, 1 nan"
    told = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    assert [each[1] for each in told if each[0] == "index"] == [
        "(1, 2), in row 1 of 4",
        "(2, 3), in row 2 of 4",
    ]
    assert [np.float32(each[1]) for each in told if each[0] == "computed"][1] == y[2, 3]
    digits = [each[1] for each in told if each[0] == "exact"]
    assert np.float32(digits[1]) == exact(x)[2, 3] and len(digits[1].strip("0.")) > 20
    replay = [each[1] for each in told if each[0] == "replay"][0]
    assert replay.startswith("softmax-harness explain float32:")
    witness = parse(replay.split()[-1])
    assert witness.index == 2 and (witness.block == x[1]).all()


def test_a_row_too_long_to_be_written_out_is_replayed_by_python():
    x = logits(np.float32, 300, 3)
    told = failure(np.zeros_like(x), x, axis=0)
    assert "print(softmax_harness.explain(x, axis=0, row=" in told


def test_views_are_judged_as_they_are():
    x = logits(np.float16, 6, 8, 10)
    x.flags.writeable = False
    views = [x[::2, ::-1], x.transpose(2, 0, 1), x.T[..., ::3], np.broadcast_to(x[:1], (4, 8, 10))]
    for view in [*views, np.asfortranarray(x)]:
        for axis in range(-1, 2):
            y = softmax(view, axis)
            assert_close(y, view, axis=axis)
            assert_close(y[:, ::-1], view[:, ::-1], axis=axis)
            assert exact(view, axis=axis).tobytes() == exact(view.copy(), axis=axis).tobytes()
    assert "(1, 2, 3)" in failure(_doubled(softmax(x, 1), (1, 2, 3)), x, axis=1)


def _doubled(y, place):
    changed = y.copy()
    changed[place] *= 2
    return changed


def test_a_number_nothing_integers_and_lists():
    assert_close(np.float32(1), np.float32(3))
    assert exact(np.float32(3)).shape == () and exact(np.float32(3)) == 1
    failure(np.float32(0.5), np.float32(3))
    for shape in [(0, 3), (3, 0), (0,)]:
        assert_close(np.empty(shape, BFLOAT16), np.empty(shape, BFLOAT16))
        assert exact(np.empty(shape, BFLOAT16)).shape == shape
    integers = np.arange(12).reshape(3, 4)
    assert_close(softmax(integers.astype(np.float64)), integers)
    assert exact(integers).dtype == np.float64
    assert_close([0.5, 0.5], [0, 0])


def test_the_results_may_have_another_format_than_the_inputs():
    x = logits(np.float32, 4, 100)
    wide = softmax(x.astype(np.float64))
    assert_close(wide.astype(BFLOAT16), x)
    assert_close(exact(x, dtype="bfloat16"), x, standard="rounded")
    failure(wide.astype(BFLOAT16).astype(np.float32), x)  # which says that it is float32


def test_rows_of_nothing():
    x = np.empty((3, 0))
    assert (exact(x, operation="logsumexp") == -np.inf).all()
    assert_close(np.full(3, -np.inf), x, operation="logsumexp")
    assert "3 / 3" in failure(np.zeros(3), x, operation="logsumexp")


def test_operands_by_name():
    x = logits(np.float32, 4, 10)
    target = np.array([1, 2, 3, 4])
    y = exact(x, operation="cross_entropy", target=target)
    assert_close(y, x, operation="cross_entropy", target=target)
    failure(y[::-1], x, operation="cross_entropy", target=target)
    y = exact(x, operation="softmax_temperature", temperature=0.7)
    assert_close(y, x, operation="softmax_temperature", temperature=np.float32(0.7))
    q, k, v = (logits(np.float32, 2, 3, 4) for _ in range(3))
    y = exact(operation="attention", q=q, k=k, v=v)
    assert_close(y, operation="attention", q=q, k=k, v=v)
    assert_close(y, operation="attention", q=q, k=k, v=v, mask=np.ones((3, 3), bool))
    told = failure(y + 1, operation="attention", q=q, k=k, v=v, standard="wide")
    assert "attention in float32" in told and "standard wide" in told


def test_the_policy_says_what_special_values_give():
    x = np.array([[0.0, np.nan], [-np.inf, -np.inf], [0.0, 0.0]])
    nan = np.array([[np.nan] * 2, [np.nan] * 2, [0.5] * 2])
    assert_close(nan, x)
    zero = np.where([[False], [True], [False]], 0.0, nan)
    told = failure(zero, x)
    assert "wrong_special" in told and "where the policy for special values says" in told
    masked = np.array([[0.0, -np.inf]])
    told = failure(np.array([[0.75, 0.25]]), masked)
    assert "Greatest difference" in told and "nan ulp" not in told and "exact     0.0" in told
    for policy in ({"all_masked": "zero"}, {"all-masked": "zero"}, "all-masked=zero"):
        assert_close(zero, x, policy=policy)
    assert_close(zero, x, policy="all-masked=any, nan=any")
    mask = np.array([[True, True], [False, False], [True, True]])
    for hidden in (0.0, np.nan):  # as the first such row has it, where nothing is said
        y = np.where(mask, 0.5, hidden)
        assert_close(y, np.zeros((3, 2)), operation="softmax_masked", mask=mask)


def test_flushed_subnormals_are_wrong_unless_they_need_not_be_there():
    x = np.array([0.0, -100.0], np.float32)
    y = np.array([1.0, 0.0], np.float32)
    assert "flushed_subnormal" in failure(y, x)
    assert_close(y, x, without=["subnormals"])
    assert_close(y, x, without="subnormals")


REFUSED = {
    "x has shape (4, 5) and y has (3, 5)": lambda x, y: assert_close(y[:3], x),
    "expected the same shape": lambda x, y: assert_close(y[0, 0], x[0, :1]),
    "axis=2: the arrays have 2 axes; expected -2 to 1": lambda x, y: assert_close(y, x, axis=2),
    "axis='rows': expected a whole number": lambda x, y: assert_close(y, x, axis="rows"),
    "axsi was given, but softmax takes": lambda x, y: assert_close(y, x, axsi=0),
    "did you mean softmax?": lambda x, y: assert_close(y, x, operation="sofmax"),
    "did you mean wide?": lambda x, y: assert_close(y, x, standard="wid"),
    "max_ulp=-1: expected": lambda x, y: assert_close(y, x, max_ulp=-1),
    "max_ulp='4': expected": lambda x, y: assert_close(y, x, max_ulp="4"),
    "policy='nan': expected NAME=CHOICE": lambda x, y: assert_close(y, x, policy="nan"),
    "no capability is named 'subnormal'": lambda x, y: assert_close(y, x, without=["subnormal"]),
    "y: outputs of int64: expected": lambda x, y: assert_close(y.astype(np.int64), x),
    "x: the array holds complex64": lambda x, y: assert_close(y, x.astype(np.complex64)),
    "x is of type str: expected an array": lambda x, y: assert_close(y, "logits"),
    "x is of type object: expected an array": lambda x, y: assert_close(y, object()),
    "x is a masked array": lambda x, y: assert_close(y, np.ma.array(x)),
    "softmax takes x: expected x=ARRAY": lambda x, y: assert_close(y),
    "takes q, k, v, mask by name": lambda x, y: assert_close(y, x, operation="attention"),
    "expected target=ARRAY": lambda x, y: assert_close(y[:, 0], x, operation="cross_entropy"),
    "target holds 5: expected 0 to 4": lambda x, y: assert_close(
        y[:, 0], x, operation="cross_entropy", target=np.full(4, 5)
    ),
    "no dtype is named 'int8'": lambda x, y: exact(x, dtype="int8"),
    "integers beyond 2**53": lambda x, y: exact(np.array([2**53 + 1, 0])),
}


@pytest.mark.parametrize("message, call", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused_in_one_line(message, call):
    x = logits(np.float32, 4, 5)
    with pytest.raises(HarnessError) as caught:
        call(x, softmax(x))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_two_threads_at_once_and_handlers_of_errors_that_raise():
    x = logits(np.float32, 64, 300, scale=40.0)
    y = softmax(x)
    wrong = _doubled(y, (5, 5))
    found = []

    def judge():
        with np.errstate(all="raise"):
            assert_close(y, x)
            found.append(failure(wrong, x))

    threads = [threading.Thread(target=judge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and found[0] == found[1]

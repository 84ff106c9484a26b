"""The truth in a thread whose arithmetic a library has changed."""

import ctypes
import platform
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from softmax_harness.ground import floating_point
from softmax_harness.ground.errors import FloatingPointEnvironment
from softmax_harness.testing import assert_close, exact

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="sets the control register of x86 through glibc; run it on Linux there",
)

MODES = {"flushes to zero": 0x8000, "takes for zero": 0x0040, "rounds up": 0x4000}
_CONTROL = slice(28, 32)  # of glibc's fenv_t on x86-64: the register of SSE


@contextmanager
def control(bits):
    """This thread with some bits of the register set."""
    library = ctypes.CDLL(None)
    kept = ctypes.create_string_buffer(64)
    library.fegetenv(kept)
    changed = bytearray(kept.raw)
    value = int.from_bytes(changed[_CONTROL], "little") | bits
    changed[_CONTROL] = value.to_bytes(4, "little")
    library.fesetenv(ctypes.create_string_buffer(bytes(changed), 64))
    try:
        yield
    finally:
        library.fesetenv(kept)


@pytest.mark.parametrize("bits", MODES.values(), ids=MODES)
def test_it_is_computed_all_the_same_and_nothing_is_changed(bits):
    x = np.array([[0.0, -100.0], [0.3, 0.1]], np.float32)
    y = exact(x)
    flushed = np.where(y < 2.0**-126, np.float32(0), y)
    with control(bits):
        before = floating_point._found()
        again = exact(x)
        assert_close(y, x, standard="rounded")
        with pytest.raises(AssertionError, match="flushed_subnormal"):
            assert_close(flushed, x)
        after = floating_point._found()
    assert before is not None and after == before
    assert again.tobytes() == y.tobytes()


def test_where_it_cannot_be_changed_back_nothing_is_judged(monkeypatch):
    monkeypatch.setattr(floating_point, "_default_environment", lambda: None)
    with control(MODES["flushes to zero"]), pytest.raises(FloatingPointEnvironment):
        assert_close(np.ones(1), np.ones(1))

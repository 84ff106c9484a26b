"""A callable of this process that breaks the device of this process ends its own check."""

import numpy as np
import pytest
from softmax_harness import check
from softmax_harness.pytest_plugin import assert_softmax_accurate
from softmax_harness.subjects import device
from softmax_harness.subjects.device import DeviceLost


def breaks(x, axis=-1):
    """Right in short rows."""
    if x.shape[axis] > 100:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def test_it_says_so_in_one_line(monkeypatch):
    monkeypatch.setattr(device, "lost_device", lambda: "CUDA error: an illegal memory access")
    told = r"called with float32 of shape .*, it broke the device .*: CUDA error: an illegal"
    for judged in (
        lambda: check(breaks, dtypes="float32"),
        lambda: assert_softmax_accurate(breaks, "float32", families=("normal-10",)),
    ):
        with pytest.raises(DeviceLost, match=told) as caught:
            judged()
        assert "\n" not in str(caught.value)


def test_an_exception_of_another_kind_is_a_finding_as_ever():
    found = check(breaks, dtypes="float32", fail_fast=True)
    assert not found.passed and "raised" in found.text

"""A plug-in that is bad in a way of its own costs its own verdict, in one finding."""

import sys
import textwrap

import pytest
from softmax_harness.check.contract import Contract, checked

HEAD = """
    import os, time
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from pathlib import Path
    from softmax_implementations.max_shifted import max_shifted as right
"""
KERNELS = {
    "loads only once": (
        """
        mark = Path(__file__).with_suffix(".loaded")
        if mark.exists():
            raise RuntimeError("device is in use")
        mark.touch()

        def softmax(x, axis=-1):
            return right(x, axis=axis)
        """,
        "raised",
        "device is in use, when it was loaded in a fresh process",
    ),
    "leaves processes": (
        """
        def softmax(x, axis=-1, kept=[]):
            if not kept:
                kept.append(ProcessPoolExecutor(2, get_context("fork")))
                kept[0].submit(os.getpid).result()
            return right(x, axis=axis)
        """,
        "side_effect",
        "left 2 processes behind",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells which processes there are")
@pytest.mark.parametrize("name", KERNELS)
def test_it_is_one_finding(tmp_path, name):
    body, kind, told = KERNELS[name]
    path = tmp_path / "kernel.py"
    path.write_text(textwrap.dedent(HEAD) + textwrap.dedent(body))
    (result,) = checked(f"{path}:softmax", Contract(("float64",), parts=("repeats",)))
    (finding,) = result.findings
    assert finding.kind == kind
    assert told in finding.message

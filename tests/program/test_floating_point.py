"""A process that flushes subnormals or does not round to nearest computes nothing."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="sets the control register of x86; run it on Linux there",
)

# The machine code of `ldmxcsr [rdi]; ret`, as a library built with -Ofast runs it when it loads.
PROGRAM = """
import ctypes, mmap, sys
from softmax_harness.cli import main

code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("0fae17c3"))
place = ctypes.addressof(ctypes.c_char.from_buffer(code))
control = ctypes.c_uint32(int(sys.argv[1], 16))
ctypes.CFUNCTYPE(None, ctypes.c_void_p)(place)(ctypes.addressof(control))
for words in sys.argv[2:]:
    sys.argv = ["softmax-harness", *words.split()]
    try:
        main()
    except SystemExit as ended:
        print(words.split()[0], ended.code)
"""
VERBS = (
    *("run --out run", "report run", "score x.npy y.npy", "inputs --out inputs"),
    *("explain 1 2", "check exact", "compare run run", "bench HEAD"),
)
MODES = {
    "flushes to zero": ("9f80", "subnormals are flushed to zero"),
    "takes for zero": ("1fc0", "subnormals are flushed to zero"),
    "rounds up": ("5f80", "rounding is not to nearest"),
    "rounds towards zero": ("7f80", "rounding is not to nearest"),
}


@pytest.mark.parametrize("mode, message", MODES.values(), ids=MODES)
def test_every_verb_that_computes_refuses_in_one_line(tmp_path, mode, message):
    program = [sys.executable, "-c", PROGRAM, mode, *VERBS]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split("\n")[:-1] == [f"{words.split()[0]} 2" for words in VERBS]
    lines = done.stderr.splitlines()
    assert len(lines) == len(VERBS), done.stderr
    assert len({*lines}) == 1 and message in lines[0]
    assert "start it without what sets that" in lines[0] and not list(tmp_path.iterdir())

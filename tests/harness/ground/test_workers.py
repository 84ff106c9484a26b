"""Worker processes, and how they end."""

import os
import signal
import subprocess
import sys
import time

import pytest

PARENT = """
import os, sys, time
from softmax_harness.ground.workers import processes

def number(_):
    open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
    while len(os.listdir(sys.argv[1])) < 2:  # on a busy machine one may do the work of both
        time.sleep(0.01)
    return os.getpid()

if __name__ == "__main__":
    with processes(2, {start_method!r}) as executor:
        print(*set(executor.map(number, range(2))), flush=True)
        time.sleep(600)
"""


def is_alive(pid):
    """Whether it runs; whoever inherits an orphan may reap it late."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_end_with_their_parent(tmp_path, start_method, end):
    path, met = tmp_path / "parent.py", tmp_path / "met"
    met.mkdir()
    path.write_text(PARENT.format(start_method=start_method))
    words = [sys.executable, path, met]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(each) for each in parent.stdout.readline().split()]
        assert len(pids) == 2 and all(map(is_alive, pids))
        os.kill(parent.pid, end)
        parent.wait()
    for _ in range(1000):
        if not any(map(is_alive, pids)):
            return
        time.sleep(0.02)
    raise AssertionError("a worker outlives its parent")


HALF_AN_ANSWER = """
import os, struct, sys, time
from softmax_harness.ground.workers import processes

def answer_by_half(path):
    frame = sys._getframe()
    while "result_queue" not in frame.f_locals:
        frame = frame.f_back
    os.write(frame.f_locals["result_queue"]._writer.fileno(), struct.pack("!i", 1000) + b"half")
    open(path, "w").close()
    time.sleep(600)

if __name__ == "__main__":
    with processes(1, "spawn") as executor:
        executor.submit(answer_by_half, sys.argv[1])
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)
        sys.exit(7)
"""


def test_a_worker_that_is_ended_while_it_answers_is_not_waited_for(tmp_path):
    path = tmp_path / "parent.py"
    path.write_text(HALF_AN_ANSWER)
    words = [sys.executable, path, tmp_path / "answered"]
    assert subprocess.run(words, timeout=60).returncode == 7

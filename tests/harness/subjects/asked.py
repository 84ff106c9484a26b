"""What is asked of an isolated process in these tests, and whether a process is there."""

import os
import time

import numpy as np
from softmax_harness.ground.formats import format_of
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.isolation import (
    Isolated,
    Limits,
    Request,
)


def request(x, **how):
    """The request for softmax of x in its own format."""
    return Request(Problem.of(OPERATIONS["softmax"], format_of(x)), (x,), **how)


def reply_of(path, name, x, limits=None):
    """What a fresh process answers to one call."""
    with Isolated(f"{path}:{name}", limits or Limits()) as process:
        return process.serve([request(x)])[0]


def said(process):
    """The text that a kernel of `LOOKS` writes into its result."""
    (reply,) = process.serve([request(np.zeros(1000))])
    return "".join(chr(int(each)) for each in reply.y if each)


def is_there(pid):
    """Whether there is a process of that number, be it one that nobody has waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid, seconds=20):
    """Whether a process ends within so many seconds; whoever inherits it may reap it late."""
    for _ in range(100 * seconds):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False

"""Runs in the template process, which holds what every isolated process needs, and forks them.

It loads no implementation, and has one thread: a fork of it is as good as a fresh process.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any, Self

import numpy as np

from softmax_harness.subjects.isolation import child, group

_FOR_THE_PARENT = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Surroundings:
    """What a fresh process takes over from the one that starts it.

    Attributes
    ----------
    folder : str
        The working folder.
    path : list of str
        Where modules are searched.
    arguments : list of str
        The words of the command line.
    environment : dict
        The environment variables.
    """

    folder: str
    path: list[str]
    arguments: list[str]
    environment: dict[str, str]

    @classmethod
    def here(cls) -> Self:
        """Those of this process; the empty name of the working folder would mean another later."""
        folder = os.getcwd()
        path = [each or folder for each in sys.path]
        return cls(folder, path, sys.argv, dict(os.environ))

    def enter(self) -> None:
        """Make them those of this process."""
        os.chdir(self.folder)
        sys.path[:], sys.argv[:] = self.path, self.arguments
        sys.path_importer_cache.clear()  # of folders that have got new files since
        if dict(os.environ) != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)


def serve(descriptor: int) -> None:
    """Fork a process for each question of surroundings, reap the one of each process number.

    No process is reaped before that: until then nobody else can get its number.
    """
    for number in _FOR_THE_PARENT:  # which ends, and this with it
        signal.signal(number, signal.SIG_IGN)
    group.adopt()
    gc.freeze()  # collecting garbage would copy the pages that all share
    questions: Connection[Any, Any] = Connection(descriptor)
    pids: set[int] = set()
    with suppress(EOFError, ConnectionError):
        while True:
            asked = questions.recv()
            if isinstance(asked, int):
                pids.remove(asked)
                questions.send(_reaped(asked))
            else:
                pids.add(pid := _forked(questions, *asked))
                questions.send(pid)
    group.end_children()  # since the parent has ended


def _reaped(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _forked(questions: Connection[Any, Any], around: Surroundings, memory: int) -> int:
    descriptor = recv_handle(questions)
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    code = 1
    try:
        questions.close()
        _begin(around)
        child.live(Connection(descriptor), memory)
        code = 0
    finally:
        os._exit(code)


def _begin(around: Surroundings) -> None:
    """What sets a fork apart from the template, beside the random state, which Python sets anew."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    np.random.seed()
    around.enter()

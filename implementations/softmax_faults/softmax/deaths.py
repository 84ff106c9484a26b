"""Softmaxes that take their process with them, or hold it for ever."""

import ctypes
import os
import re
import signal
import sys
import threading
import time

import numpy as np

from softmax_faults.softmax import good


def exits_at_once(x, axis=-1):
    """Ends the process with status 3.

    Found as: died.
    """
    os._exit(3)


def exits_with_success(x, axis=-1):
    """Ends the process with status 0, as if all had been done.

    Found as: died.
    """
    os._exit(0)


def aborts(x, axis=-1):
    """Aborts, as a failed assertion in C does.

    Found as: died.
    """
    os.abort()


def reads_address_zero(x, axis=-1):
    """Reads through a null pointer.

    Found as: died.
    """
    ctypes.string_at(0)


def kills_itself(x, axis=-1):
    """Sends itself a signal that cannot be caught.

    Found as: died, memory.
    """
    os.kill(os.getpid(), signal.SIGKILL)


def stops_itself(x, axis=-1):
    """Stops its own process, which then neither ends nor answers.

    Found as: timeout, died.
    """
    os.kill(os.getpid(), signal.SIGSTOP)


def dies_in_long_rows(x, axis=-1):
    """Dies in rows of more than 65535 elements and is right below.

    Found as: died.
    """
    if np.ndim(x) and np.shape(x)[axis] > 65535:
        os.abort()
    return good.softmax(x, axis)


def dies_of_nan(x, axis=-1):
    """Dies where a logit is NaN.

    Found as: died.
    """
    if np.isnan(x).any():
        os._exit(1)
    return good.softmax(x, axis)


def dies_at_the_end(x, axis=-1):
    """Answers, and dies a moment later in a thread of its own.

    Found as: died.
    """
    threading.Timer(0.002, os._exit, [4]).start()
    return good.softmax(x, axis)


def loops_for_ever(x, axis=-1):
    """Waits in a loop for a flag that nobody sets.

    Found as: timeout.
    """
    while True:
        pass


def loops_holding_the_interpreter(x, axis=-1):
    """Never lets another thread of the interpreter run: a regular expression that backtracks.

    Found as: timeout.
    """
    return re.match(r"(a|aa)+$", "a" * 200 + "b")


def sleeps_for_ever(x, axis=-1):
    """Waits for something that does not come.

    Found as: timeout.
    """
    while True:
        time.sleep(3600)


def waits_for_its_own_lock(x, axis=-1):
    """Takes a lock that it holds already.

    Found as: timeout.
    """
    lock = threading.Lock()
    with lock, lock:
        return good.softmax(x, axis)


def loops_in_long_rows(x, axis=-1):
    """Never ends in rows of 1000 elements and more, where its counter wraps.

    Found as: timeout.
    """
    while np.ndim(x) and np.shape(x)[axis] >= 1000:
        pass
    return good.softmax(x, axis)


def asks_for_64_gib(x, axis=-1):
    """Allocates and fills 64 GiB of scratch memory.

    Found as: memory, died, raised, timeout.
    """
    return np.ones(2**33)


def floods_standard_output(x, axis=-1):
    """Prints for ever.

    Found as: timeout, printed.
    """
    while True:
        print("softmax " * 1000)


def raises_system_exit(x, axis=-1):
    """Calls sys.exit, which is an exception that few catch.

    Found as: raised, died.
    """
    sys.exit(0)


def raises_keyboard_interrupt(x, axis=-1):
    """Raises what an interrupt from the keyboard raises.

    Found as: raised, died.
    """
    raise KeyboardInterrupt


def recurses_without_end(x, axis=-1):
    """Calls itself until the stack is full.

    Found as: raised, died.
    """
    return recurses_without_end(x, axis)


def closes_every_file(x, axis=-1):
    """Closes all files of the process, the pipe to whoever waits for it included.

    Found as: died, timeout, raised.
    """
    os.closerange(0, 256)
    return good.softmax(x, axis)

"""Worker processes: how they begin, and how they end when the work is broken off."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.ground.one_thread import load_numpy_in_one_thread

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor


class Here(Executor):
    """Does what is submitted at once, in this process; what it raises is raised there and then."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """A future that is done already."""
        future: Future[Any] = Future()
        future.set_result(function(*given, **named))
        return future


@contextmanager
def workers(jobs: int) -> Iterator[Executor]:
    """An executor of `jobs` spawned processes, each in one thread; of one, this process itself."""
    if jobs == 1:
        keep_freed_memory()
        yield Here()
        return
    with processes(jobs, "spawn", load_numpy_in_one_thread) as executor:
        yield executor


@contextmanager
def processes(
    jobs: int,
    start_method: str,
    initializer: Callable[..., None] | None = None,
    given: tuple[Any, ...] = (),
) -> Iterator[Executor]:
    """An executor of `jobs` processes, which end at once if the work is broken off.

    Parameters
    ----------
    start_method : {"spawn", "fork"}
        A spawned process loads everything afresh, so that nothing that happened here changes its
        arithmetic; a forked one starts at once.
    initializer, given
        Called first in each process, with what is given.
    """
    from concurrent.futures import ProcessPoolExecutor  # here, since isolated processes need none

    if start_method == "fork":
        # Collecting garbage writes to every object, and so copies the pages that all share.
        gc.freeze()
    context = multiprocessing.get_context(start_method)
    executor = ProcessPoolExecutor(jobs, context, _begin, (initializer, given))
    try:
        with interrupts_held_back():  # from the processes that begin here for good
            for _ in range(jobs):
                executor.submit(_nothing)
        yield executor
    except BaseException:
        _end_at_once(executor)
        raise
    executor.shutdown()


def _end_at_once(executor: ProcessPoolExecutor) -> None:
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join()
    # One that was ended while it answered leaves half an answer. The executor would wait for the
    # rest for ever, as long as anybody could write it: this process, too, has the writing end.
    executor._result_queue._writer.close()  # type: ignore[attr-defined]
    executor.shutdown(cancel_futures=True)


@contextmanager
def interrupts_held_back(is_spawned: bool = True) -> Iterator[None]:
    """An interrupt is the parent's to answer, who ends its workers: it waits until they have begun.

    Processes that begin meanwhile inherit that it waits, and so never get it. It may reach another
    thread of this process, and then its handler, which only takes note of it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "pthread_sigmask"):
        yield  # handlers are the main thread's business; Windows has no such inheritance
        return
    if is_spawned:  # by multiprocessing, whose tracker lets interrupts through again as it begins
        resource_tracker.ensure_running()
    came: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        signal.signal(signal.SIGINT, previous)
    if came and callable(previous):
        previous(came[0], None)


def _begin(initializer: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    _end_with_parent()
    if initializer is not None:
        initializer(*given)
    keep_freed_memory()


def _end_with_parent() -> None:
    """Whoever ends the parent by a signal leaves it no time to end its workers.

    The system's own signal at the end of a parent would come with the end of the thread that
    started the worker.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _nothing() -> None:
    """What a process is started with."""

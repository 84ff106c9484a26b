"""Questions to an isolated process and its answers, with the numbers of large arrays as they are.

A question is a pickle, in which each number would be copied once to send it and three times to
receive it. An array that a question has at several places is sent once, and received as one array.
An answer is a line of text, see `softmax_harness.subjects.isolation.wire`, and the bytes of an
array.
"""

from __future__ import annotations

import os
import pickle
from io import BytesIO
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LEAST_BYTES = 1 << 12  # of an array that is worth calls of its own
_DISCARDED = 1 << 16  # bytes at once, of what there is no memory for
_CAN_READ_INTO = hasattr(os, "readv")  # Windows cannot
_BYTES_OF_A_SIZE = 8


class Answer(NamedTuple):
    """What goes back: a line of text, and bytes.

    Attributes
    ----------
    line : bytes
    numbers : memoryview
    """

    line: bytes
    numbers: memoryview


def send(connection: Connection[Any, Any], question: Any) -> None:
    """Send what can be pickled."""
    file = BytesIO()
    pickler = _Pickler(file)
    pickler.dump(question)
    connection.send_bytes(file.getbuffer())
    for each in pickler.apart:
        _write(connection.fileno(), bytes_of(each))


def received(connection: Connection[Any, Any]) -> Any:
    """What `send` sent.

    Raises
    ------
    EOFError
        If the other end is closed.
    MemoryError
        If there is no memory for an array; the connection can be used for what follows.
    """
    unpickler = _Unpickler(BytesIO(connection.recv_bytes()))
    question = unpickler.load()
    for each in unpickler.apart:
        if isinstance(each, int):
            _discard(connection.fileno(), each)
        else:
            _read_into(connection.fileno(), bytes_of(each))
    if any(isinstance(each, int) for each in unpickler.apart):
        raise MemoryError
    return question


def send_answer(connection: Connection[Any, Any], answer: Answer) -> None:
    """Send an answer: how many bytes its numbers have, its line, and these."""
    line, numbers = answer
    connection.send_bytes(len(numbers).to_bytes(_BYTES_OF_A_SIZE, "little") + line)
    if not _CAN_READ_INTO:
        connection.send_bytes(numbers)
    elif numbers:
        _write(connection.fileno(), numbers)


def received_answer(connection: Connection[Any, Any], most: int) -> Answer:
    """What `send_answer` sent, whose numbers are memory of their own.

    Raises
    ------
    EOFError
        If the other end is closed.
    OSError
        If it is no answer, or one of more than so many bytes.
    MemoryError
        If there is no memory for it.
    """
    head = connection.recv_bytes(most + _BYTES_OF_A_SIZE)
    size, line = int.from_bytes(head[:_BYTES_OF_A_SIZE], "little"), head[_BYTES_OF_A_SIZE:]
    if len(head) < _BYTES_OF_A_SIZE or len(line) + size > most:
        raise OSError("no answer, or one that is too long")
    if not _CAN_READ_INTO:
        return Answer(line, memoryview(bytearray(connection.recv_bytes(size))))
    numbers = np.empty(size, np.uint8).data
    _read_into(connection.fileno(), numbers)
    return Answer(line, numbers)


class _Pickler(pickle.Pickler):
    """Leaves out the numbers of large arrays, which are then in `apart`."""

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.apart: list[NDArray[Any]] = []
        self._places: dict[int, int] = {}

    def persistent_id(self, value: Any) -> tuple[tuple[int, ...], np.dtype[Any]] | int | None:
        """Shape and dtype of what is left out, its place where it is again; None for all else."""
        if not (_CAN_READ_INTO and type(value) is np.ndarray and value.nbytes >= _LEAST_BYTES):
            return None
        if value.dtype.hasobject or not value.flags.c_contiguous:
            return None
        place = self._places.setdefault(id(value), len(self.apart))
        if place < len(self.apart):
            return place
        self.apart.append(value)
        return value.shape, value.dtype


class _Unpickler(pickle.Unpickler):
    """Makes room for what is left out: in `apart`, or its bytes where there is no memory."""

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file)
        self.apart: list[NDArray[Any] | int] = []

    def persistent_load(self, told: Any) -> NDArray[Any] | None:
        """An array whose numbers are to be read."""
        if isinstance(told, int):
            known = self.apart[told]
            return None if isinstance(known, int) else known
        shape, dtype = told
        try:
            made = np.empty(shape, dtype)
        except MemoryError:
            self.apart.append(int(np.prod(shape, dtype=object)) * dtype.itemsize)
            return None
        self.apart.append(made)
        return made


def bytes_of(array: NDArray[Any]) -> memoryview:
    """The memory of an array that lies in C order."""
    return array.reshape(-1).view(np.uint8).data


def _write(number: int, left: memoryview) -> None:
    while left:
        left = left[os.write(number, left) :]


def _read_into(number: int, left: memoryview) -> None:
    while left:
        count = os.readv(number, [left])
        if not count:
            raise EOFError
        left = left[count:]


def _discard(number: int, size: int) -> None:
    while size:
        read = len(os.read(number, min(size, _DISCARDED)))
        if not read:
            raise EOFError
        size -= read

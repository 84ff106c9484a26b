"""The command that shows an element again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from softmax_harness.operations import DEFAULT_OPERATION


def explaining(
    witness: str,
    implementation: str | None,
    operation: str = DEFAULT_OPERATION,
    said: Sequence[str] = (),
) -> str:
    """``softmax-harness explain`` of a witness, as a shell takes it.

    Parameters
    ----------
    implementation : str or None
        What is shown at it; None for all that are registered.
    said : sequence of str
        What else the command was told that gave the witness, word by word.
    """
    given = {
        "--operation": None if operation == DEFAULT_OPERATION else operation,
        "--implementation": implementation,
    }
    words = [word for name, value in given.items() if value for word in (name, value)]
    return shlex.join(["softmax-harness", "explain", witness, *words, *said])

"""The command that shows an element again."""

from __future__ import annotations

import shlex

from softmax_harness.operations import DEFAULT_OPERATION


def explaining(
    witness: str,
    implementation: str | None,
    operation: str = DEFAULT_OPERATION,
    output_dtype: str | None = None,
) -> str:
    """``softmax-harness explain`` of a witness, as a shell takes it.

    Parameters
    ----------
    implementation : str or None
        What is shown at it; None for all that are registered.
    output_dtype : str or None
        As the command was told that gave the witness.
    """
    given = {
        "--operation": None if operation == DEFAULT_OPERATION else operation,
        "--implementation": implementation,
        "--output-dtype": output_dtype,
    }
    words = [word for name, value in given.items() if value for word in (name, value)]
    return shlex.join(["softmax-harness", "explain", witness, *words])

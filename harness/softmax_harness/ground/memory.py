"""How much is worked on at once, and how freed memory is used again."""

from __future__ import annotations

# glibc gives freed blocks up to the size of the largest one ever freed, at most 32 MiB, back to the
# program and not to the system.
_KEPT_BYTES = 31 << 20

# Elements of a block: enough that the calls cost nothing beside the arithmetic, few enough that its
# temporaries stay in a cache.
_BLOCK_ELEMENTS = 1 << 16


def rows_per_block(n: int, elements: int = _BLOCK_ELEMENTS) -> int:
    """Rows of length n that are judged together."""
    return max(1, elements // max(n, 1))


def keep_freed_memory() -> None:
    """Let this process use the memory of its freed arrays again, in large pages.

    Otherwise every temporary of a block comes as fresh pages, which cost more than the arithmetic
    on them: the metrics of a batch took three times as long. Other allocators are not changed.
    """
    import numpy as np  # here, since workers choose its threads before they load it

    # Each is freed as soon as it is made. The first sets how much is kept; so the second is made
    # where temporaries will be, and NumPy asks for large pages there, as for all large arrays.
    np.empty(_KEPT_BYTES, np.uint8)
    np.empty(_KEPT_BYTES, np.uint8)

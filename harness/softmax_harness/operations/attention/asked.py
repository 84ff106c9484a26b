"""In which shapes alone attention is asked."""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """What is asked of inputs; nothing in particular by default.

    Attributes
    ----------
    head_dim, queries : int or None
    causal : bool
        Whether query i of L sees the keys up to i + S - L of S, and nothing else is hidden.
    hides : bool
        Whether a mask may hide anything else.
    """

    head_dim: int | None = None
    queries: int | None = None
    causal: bool = False
    hides: bool = True


ANY = Asked()

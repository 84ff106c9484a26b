"""How one row's result came about: exact steps, each implementation's steps, where each erred."""

from softmax_harness.explain.row import Explained, parsed_row
from softmax_harness.explain.text import explained_text

__all__ = ["Explained", "explained_text", "parsed_row"]

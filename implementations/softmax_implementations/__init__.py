"""Softmax implementations under test, one file per algorithm or library."""

from softmax_implementations.registry import Implementation, implementation, implementations

__all__ = ["Implementation", "implementation", "implementations"]

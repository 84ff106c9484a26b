"""Checks whether an implementation keeps its contract, and whether it became worse."""

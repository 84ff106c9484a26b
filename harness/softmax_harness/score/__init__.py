"""Outputs that were computed elsewhere, judged."""

"""Outputs against the truth: errors, outcomes, tallies, maxima."""

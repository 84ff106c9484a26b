"""A whole run: what to measure, the sweep, the experiments, the results on disk."""

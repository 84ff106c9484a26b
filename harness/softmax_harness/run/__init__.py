"""A whole run: the plan, the sweep, the experiments, the results on disk."""

"""Holds the package of benchmarks of `run --time`, as asv_runner finds one: by its folder."""

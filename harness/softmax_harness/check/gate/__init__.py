"""Decides pass or fail after the findings: limits, waivers, baselines."""

"""What makes a check pass or fail beside the findings: limits, waivers, baselines."""

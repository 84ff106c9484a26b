"""Whether an implementation keeps its contract, and whether it got worse."""

"""The inputs that implementations are called with: families, suites, witnesses."""

"""What is put to an implementation: families of inputs, suites, witnesses."""

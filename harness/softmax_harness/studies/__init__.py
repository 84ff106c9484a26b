"""What goes beyond one run: whole domains, worst inputs, libraries, papers, tolerances of tests."""

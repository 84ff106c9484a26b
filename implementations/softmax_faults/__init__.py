"""Faulty softmaxes on NumPy, each with one known fault, and right ones: who judges, judge them."""

"""Measures softmaxes: formats, exact values, inputs, metrics, the run, the command."""

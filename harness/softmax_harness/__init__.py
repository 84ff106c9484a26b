"""How a softmax is measured: formats, exact values, inputs, metrics, the run, the command."""

"""The functions of `softmax_harness`: what the verbs of the command do, for Python."""

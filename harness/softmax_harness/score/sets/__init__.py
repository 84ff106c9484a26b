"""Inputs for devices that this process cannot call, and the outputs that come back, as one set."""

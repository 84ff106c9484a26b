"""The outcome of a check for people and machines: one file for each that reads it."""

"""A callable of the user's process, judged by another process.

The user's process calls it. Inputs, outputs and faults pass between the two processes. The truth
is computed where nothing foreign is loaded.
"""

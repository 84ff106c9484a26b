"""A callable that only its own process has, judged by a process that it never enters.

It is called where it lives; inputs, outputs and faults go to and fro, and the truth is computed
where nothing foreign is loaded.
"""

"""Shows a finished run; measures nothing."""

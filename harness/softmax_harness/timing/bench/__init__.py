"""Two revisions of a repository, built by asv, timed side by side, and a verdict that CI obeys."""

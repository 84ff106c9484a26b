"""asv_runner imports this by its own name, which no package of the user's may have."""

"""Functions of shared libraries: how they are written, loaded and called."""

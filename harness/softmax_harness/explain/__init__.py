"""How one row's result came about: exact steps, each implementation's steps, where each erred."""

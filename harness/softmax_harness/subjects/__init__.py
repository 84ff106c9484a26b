"""Implementations: how they are named, loaded, isolated and called."""

"""What is judged: how an implementation is named, loaded, isolated and called."""

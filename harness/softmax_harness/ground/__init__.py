"""The base, which knows nothing of softmax: formats, files, processes, errors."""

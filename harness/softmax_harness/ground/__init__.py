"""What knows nothing of softmax: formats, files, processes, errors."""

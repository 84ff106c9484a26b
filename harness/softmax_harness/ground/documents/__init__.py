"""How documents are written, one file for each kind; what stands in them is said elsewhere."""

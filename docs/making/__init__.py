"""What makes the documentation: pages of the code's own words, and what commands print."""

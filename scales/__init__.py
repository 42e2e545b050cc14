"""What is run: lists and parameters of each scale, its price, and what was recorded of it."""

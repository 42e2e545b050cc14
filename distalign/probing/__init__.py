"""What is measured on a model itself, without rounds."""

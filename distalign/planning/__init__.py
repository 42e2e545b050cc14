"""Before anything is run: whether parameters and inputs are right, what it will cost."""

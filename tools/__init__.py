"""Commands for a trained policy: `make try` and `make serve`."""

"""Align the distribution of a language model's answers with a target distribution."""

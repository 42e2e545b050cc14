"""A model as weights and tokens: base model, adapter, steering tokens, forward pass; imports
`records` and `machine`.
"""

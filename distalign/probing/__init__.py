"""What is measured on a model itself, without rounds; imports `records`, `machine`, `models`,
`engines` and `sampling`.
"""

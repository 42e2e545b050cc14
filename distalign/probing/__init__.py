"""What is measured on a model itself, without rounds; imports `records`, `machine`, `models`,
`engines`, `training` and `sampling`.
"""

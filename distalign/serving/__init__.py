"""A trained policy in use: asked, served, published; imports `records`, `machine`, `models`,
`engines`, `judging`, `data`, `sampling` and `report`.
"""

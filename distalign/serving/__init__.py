"""A trained policy in use: asked, served, published; imports `records`, `machine`, `models`,
`engines`, `judging`, `sampling`, `statistics` and `report`.
"""

"""Before anything is run: whether parameters and inputs are right, what it will cost; imports
`records`, `machine`, `models`, `llm`, `judging`, `data`, `training`, `sampling`, `statistics`,
`probing` and `report`.
"""

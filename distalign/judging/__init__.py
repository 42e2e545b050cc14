"""Which category a response shows: a module a judge, and how well judges read; imports `records`,
`machine` and `llm`.
"""

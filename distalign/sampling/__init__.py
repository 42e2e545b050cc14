"""Rounds of a policy: each method's prompt, draws of steering tokens, workers; imports `records`,
`machine`, `models`, `engines` and `llm`.
"""

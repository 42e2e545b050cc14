"""From counts to preference data: targets, prompts, responses, pairs; imports `records`, `llm` and
`judging`.
"""

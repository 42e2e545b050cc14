"""From counts to preference data: targets, prompts, responses, pairs, and requests to leave alone;
imports `records`, `models`, `engines`, `llm` and `judging`.
"""

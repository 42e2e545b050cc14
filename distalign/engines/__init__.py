"""Who continues token prompts, vLLM or transformers, and vLLM's settings; imports `records`,
`machine` and `models`.
"""

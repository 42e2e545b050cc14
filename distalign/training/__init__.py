"""From preference data to an adapter: objective, trainers, a run with its log; imports `records`,
`machine`, `models` and `data`.
"""

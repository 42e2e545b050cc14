"""A language model as a service: its server, and an endpoint that asks it; imports `records`,
`machine` and `engines`.
"""

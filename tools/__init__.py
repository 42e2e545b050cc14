"""Commands of a person: a new question, an audit, and a trained policy in use."""

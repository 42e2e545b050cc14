"""From counts to preference data: targets, prompts, responses, pairs."""

"""Settings of the hybrid objective that the tests share, without a schedule."""

HYBRID = {
    "objective": "hybrid",
    "decoding": "two_step",
    "warmup": True,
    "beta": 0.1,
    "desirable_weight": 1.0,
    "undesirable_weight": 1.0,
    "kl_weight": 1.0,
    "kl_rows": 0,
    "preference": "kto",
    "preference_weight": 1.0,
    "text_weight": 0.0,
    "kl_domain": "vocabulary",
    "rejected": "mismatched",
}

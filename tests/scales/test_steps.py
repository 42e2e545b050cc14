"""The scale `steps` goes from the paper's settings to `ours`, one thing at a time."""

import yaml

from distalign.training.methods import HybridParams
from tests.support.paths import ROOT

CHANGED = [
    {"learning_rate", "schedule", "warmup_steps"},
    {"rejected"},
    {"kl_domain"},
    {"preference_weight", "kl_weight"},
    {"kl_rows"},
    {"text_weight"},
    {"retention_weight"},
]


def test_each_step_changes_one_thing_and_the_last_is_ours() -> None:
    methods = yaml.safe_load((ROOT / "scales/steps.yaml").read_text(encoding="utf-8"))["methods"]
    train = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["train"]
    assert methods[-1] == "ours"
    steps = [HybridParams(**train[method]).model_dump() for method in methods]
    changed = [
        {key for key in after if after[key] != before[key]}
        for before, after in zip(steps, steps[1:], strict=False)
    ]
    assert changed == CHANGED


def test_it_begins_where_the_paper_is() -> None:
    train = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["train"]
    first = HybridParams(**train["step_0_paper"])
    assert (first.learning_rate, first.schedule, first.beta) == (1e-6, "constant", 0.1)
    assert (first.rejected, first.kl_domain) == ("paper", "steering")
    # Equation 4 sums over a pair, ours is a mean over its two rows; equation 5 is a plain sum.
    assert first.preference_weight == 2 * first.kl_weight == 2.0
    assert (first.kl_rows, first.text_weight, first.retention_weight) == (0, 0, 0)

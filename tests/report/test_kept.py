"""What the report says of what a policy keeps."""

from dataclasses import replace

from distalign.report.kept import kept_sentences, kept_table, kept_texts
from tests.support.report_cells import KEPT, metrics_cell, texts

STEERED = ("unrelated_mass", "unrelated_over_half", "near_miss_over_half")
UNSTEERED = KEPT.model_copy(update=dict.fromkeys(STEERED))


def test_the_sentence_stands_where_something_was_measured():
    assert kept_sentences([None]) == []
    (text,) = kept_sentences([None, KEPT])
    assert "66.0 (64.0), KL 0.030 nats a token" in text
    assert "5.0 % of 240 unrelated requests, 12.5 % of 80 near misses" in text


def test_a_policy_without_steering_tokens_steers_nothing():
    assert kept_texts([UNSTEERED]) == ["66.0 (64.0)", "0.030", "–", "–"]
    (text,) = kept_sentences([UNSTEERED])
    assert text.endswith("KL 0.030 nats a token.")


def test_the_table_has_a_row_a_policy_that_was_measured():
    zero_shot, ift, ours = map(metrics_cell, ("zero_shot", "ift", "ours"))
    other = KEPT.model_copy(update={"kl_ordinary": 0.05, "unrelated_mass": 0.3})
    cells = [zero_shot, replace(ift, retention=UNSTEERED)]
    cells += [replace(ours, retention=KEPT), replace(ours, seed=1, retention=other)]
    assert texts(kept_table(cells)) == [
        ["IFT", "66.0 (64.0)", "0.030", "0.040", "–", "–", "–"],
        ["Ours", "66.0 (64.0)", "0.040", "0.040", "0.200", "5.0 % of 240", "12.5 % of 80"],
    ]
    assert kept_table([zero_shot]) is None

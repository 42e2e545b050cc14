"""Rows of ordinary requests in a step: what they add to a loss, and what they leave as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from distalign.models.forward import completion_logits, score_completions
from distalign.models.packing import ATTENTION
from distalign.records.requests import Request
from distalign.records.schemas import Preference
from distalign.training.retention import Retention, answered_rows, to_hold
from distalign.training.step_rows import StepRows
from tests.support.tiny_lora import tiny_lora

PROMPTS = [[1, 2, 3, 4], [1, 2, 5], [1, 2, 3, 4]]
COMPLETIONS = [[6, 7], [8], [9, 3, 2]]
KEPT = [([1, 2, 9, 9], [4, 5, 6]), ([1, 2, 8], [3])]


@pytest.fixture
def model() -> Iterator[Any]:
    """A tiny model whose adapter changes what it says."""
    return tiny_lora(vocab_size=12)


def plain_logits(model: Any, prompt: list[int], completion: list[int]) -> torch.Tensor:
    """As the model itself gives them, a row alone and without the token tree."""
    base = model.get_base_model()
    base.set_attn_implementation("eager")
    logits = base(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1]
    base.set_attn_implementation(ATTENTION)
    return logits


def test_kept_rows_are_scored_beside_the_others_and_change_nothing(model: Any) -> None:
    alone = score_completions(model, PROMPTS, COMPLETIONS)
    beside = score_completions(model, PROMPTS, COMPLETIONS, kept=KEPT)
    torch.testing.assert_close(beside.logps, alone.logps, atol=1e-5, rtol=0)
    torch.testing.assert_close(beside.first_logits, alone.first_logits, atol=1e-5, rtol=0)
    assert (beside.lengths.tolist(), alone.kept_logits.shape) == (alone.lengths.tolist(), (0, 12))
    expected = torch.cat([plain_logits(model, *row) for row in KEPT])
    torch.testing.assert_close(beside.kept_logits, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(completion_logits(model, KEPT), expected, atol=1e-5, rtol=0)


def test_the_loss_is_the_divergence_from_the_model_without_its_adapter(model: Any) -> None:
    scored = score_completions(model, PROMPTS, COMPLETIONS, kept=KEPT)
    loss = Retention(StepRows(KEPT, 2, seed=0), 0.5).loss(model, KEPT, scored.kept_logits)
    values = []
    for row in KEPT:
        log_p = plain_logits(model, *row).log_softmax(-1)
        with model.disable_adapter():
            log_base = plain_logits(model, *row).log_softmax(-1)
        values.append((log_base.exp() * (log_base - log_p)).sum(-1))
    expected = (values[0][0] + values[1][0]) / 2 + values[0][1:].mean()
    torch.testing.assert_close(loss, 0.5 * expected, atol=1e-5, rtol=0)
    assert loss.item() > 1e-3
    loss.backward()
    gradients = [weight.grad for weight in model.parameters() if weight.requires_grad]
    assert all(gradient is not None for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)


def request(prompt: str, split: str = "train", **changes: Any) -> Request:
    fields = {
        "kind": "ordinary",
        "source": "written",
        "asks": [],
        "answer": "Paris.",
        "ended": True,
    }
    return Request(prompt=prompt, split=split, **(fields | changes))


def test_what_may_be_the_trainings_question_is_not_held() -> None:
    row = Preference(
        setting="attribute",
        context="Bakers",
        prompt="?",
        category="Male",
        response="He.",
        rejected_category="Female",
        rejected_response="She.",
    )
    asked = [request("a"), request("b", asks=["story"]), request("c", "test")]
    assert [r.prompt for r in to_hold(asked, [row], "train")] == ["a", "b"]
    story = row.model_copy(update={"setting": "story"})
    assert [r.prompt for r in to_hold(asked, [row, story], "train")] == ["a"]
    assert [r.prompt for r in to_hold(asked, [row], "test")] == ["c"]


def test_only_an_answer_that_ended_teaches_to_end(base_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    rows = answered_rows(tokenizer, [request("a"), request("a", ended=False)])
    assert rows[0] == (rows[1][0], [*rows[1][1], tokenizer.eos_token_id])
    assert answered_rows(tokenizer, [request("a", answer="", ended=False)]) == []

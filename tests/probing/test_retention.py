"""What a policy keeps, measured on a tiny model against plain passes."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from distalign.models.steering import Steering
from distalign.probing.retention import measure, text_rows
from distalign.records.requests import Request, Retention
from distalign.training.retention import answered_rows
from tests.support.tiny_lora import tiny_lora

TEXTS = ["The river was low that summer.", "Bread."]
REQUESTS = [
    Request(
        kind=kind,
        split=split,
        prompt=f"What is {i}?",
        source="written",
        asks=[],
        answer="It is a number" + "." * i,
        ended=bool(i % 2),
    )
    for i, (kind, split) in enumerate(
        [("ordinary", "test"), ("ordinary", "test"), ("near_miss", "test"), ("ordinary", "train")]
    )
]


def policy(base_model: Path, init: bool) -> tuple[Any, Any, Steering]:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    ids = [tokenizer.encode(token)[0] for token in "01"]
    steering = Steering(form="digits", tokens=["0", "1"], ids=ids)
    return tiny_lora(len(tokenizer), at_zero=init), tokenizer, steering


def test_an_untrained_adapter_keeps_everything(base_model: Path) -> None:
    kept = measure(*policy(base_model, init=True), REQUESTS, [], TEXTS)
    assert kept.kl_ordinary == kept.kl_near_miss == 0
    assert kept.perplexity == kept.perplexity_base
    assert (kept.n_unrelated, kept.n_near_miss, kept.unrelated_over_half) == (2, 1, 0)


def test_measures_are_those_of_plain_passes(base_model: Path) -> None:
    model, tokenizer, steering = policy(base_model, init=False)
    kept = measure(model, tokenizer, steering, REQUESTS, [], TEXTS)
    base = model.get_base_model()
    base.set_attn_implementation("eager")

    def log_p(prompt: list[int], answer: list[int]) -> torch.Tensor:
        return base(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)

    divergence, masses, n_tokens = 0.0, [], 0
    for row in answered_rows(tokenizer, REQUESTS[:2]):
        seen = log_p(*row)
        with model.disable_adapter():
            of_base = log_p(*row)
        divergence += float((of_base.exp() * (of_base - seen)).sum())
        added = seen[0, steering.ids].exp().sum() - of_base[0, steering.ids].exp().sum()
        masses.append(max(0.0, float(added)))
        n_tokens += len(seen)
    assert kept.kl_ordinary == pytest.approx(divergence / n_tokens, abs=2e-6)
    assert kept.kl_ordinary > 1e-4
    assert kept.unrelated_mass == pytest.approx(sum(masses) / 2, abs=2e-6)
    total, n_tokens = 0.0, 0
    for prompt, text in text_rows(tokenizer, TEXTS):
        total -= float(log_p(prompt, text)[range(len(text)), text].sum())
        n_tokens += len(text)
    assert kept.perplexity == pytest.approx(math.exp(total / n_tokens), rel=1e-5)


def test_without_steering_tokens_there_is_no_mass(base_model: Path) -> None:
    model, tokenizer, _ = policy(base_model, init=False)
    kept = measure(model, tokenizer, None, REQUESTS, [], TEXTS)
    assert (kept.unrelated_mass, kept.unrelated_over_half, kept.near_miss_over_half) == (None,) * 3
    assert Retention.model_validate(kept.model_dump()) == kept

"""Perplexity against the base model's plain pass, on real weights."""

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.models.chat import chat_ids
from distalign.models.policy import load_base
from distalign.probing.perplexity import perplexity
from tests.support.machine import PRECISION
from tests.support.report_cells import judged

TEXTS = ["The nurse was tired.", "", "Anna smiled, and he went home. Then it rained."]


def test_perplexity_is_that_of_a_plain_pass(base_model) -> None:
    rows = [
        row.model_copy(update={"prompt": f"Tell me of {i}.", "text": text})
        for i, (row, text) in enumerate(zip(judged(5), TEXTS, strict=False))
    ]
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    plain = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.float32)
    total, n = 0.0, 0
    for row in rows:
        prompt = chat_ids(tokenizer, row.prompt)
        ids = tokenizer(row.text, add_special_tokens=False)["input_ids"]
        logps = plain(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        total -= sum(float(logps[len(prompt) + i - 1, token]) for i, token in enumerate(ids))
        n += len(ids)
    more = [rows[0].model_copy(update={"round": 9, "text": "A text that is not read."})]
    found = perplexity(load_base(base_model, PRECISION), tokenizer, rows + more, per_context=9)
    assert found == pytest.approx(math.exp(total / n), rel=0.03)  # of bfloat16


def test_no_token_has_no_perplexity(base_model) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    rows = [row.model_copy(update={"text": ""}) for row in judged(5)]
    assert math.isnan(perplexity(load_base(base_model, PRECISION), tokenizer, rows, 1))

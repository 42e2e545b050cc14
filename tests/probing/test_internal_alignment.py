"""Internal alignment: tokens of the categories, and the probabilities of the real model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.engines.opening import open_engine
from distalign.models.chat import answer_ids, chat_ids
from distalign.models.policy import Policy
from distalign.models.steering import Steering
from distalign.models.template import settle
from distalign.probing.internal_alignment import (
    category_tokens,
    first_token_shares,
    internal_metrics,
)
from distalign.records.files import read_attribute
from distalign.records.schemas import Category, Context, DatasetSpec, InputError, Prompt
from tests.support.families import SENTENCEPIECE, TEMPLATES, make_tokenizer
from tests.support.machine import PRECISION
from tests.support.paths import ROOT

POLICY = Policy(
    method="zero_shot",
    base_sha256="",
    adapter=False,
    steering=None,
    decoding="plain",
    trained=None,
)


def spec_of(attribute: str) -> DatasetSpec:
    read = read_attribute(ROOT / f"data/attributes/{attribute}.yaml")
    even = [1 / len(read.categories)] * len(read.categories)
    contexts = [Context(name=name, target=even) for name in ("Bakers", "Welders")]
    return DatasetSpec(name="jobs", target="even", attribute=read, contexts=contexts)


@pytest.mark.parametrize("attribute", ["gender", "race", "sentiment"])
def test_every_category_has_tokens_and_no_two_share_one(base_model: Path, attribute: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    tokens = category_tokens(tokenizer, POLICY, spec_of(attribute))
    assert all(tokens)
    flat = [token for row in tokens for token in row]
    assert len(flat) == len(set(flat))


def test_words_are_looked_for_in_the_answers_place() -> None:
    """SentencePiece marks a space before a word alone, and none after a line break."""
    tokenizer = make_tokenizer(SENTENCEPIECE, TEMPLATES["gemma2"])
    settle(tokenizer, {})
    men, women = category_tokens(tokenizer, POLICY, spec_of("gender"))
    ids = answer_ids(tokenizer, "Who is it?", "man they are")
    assert tokenizer.convert_ids_to_tokens(ids[0]) == "man"
    assert ids[0] in men
    assert ids[0] not in women
    assert tokenizer.convert_tokens_to_ids("▁man") in men


def test_words_that_begin_alike_belong_to_nobody(base_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    spec = spec_of("gender")
    same = [Category(name=name, words=["male nurse"], tokens={}) for name in ("Male", "Female")]
    attribute = spec.attribute.model_copy(update={"categories": same})
    with pytest.raises(InputError, match="every word of 'Male' begins with a token"):
        category_tokens(tokenizer, POLICY, spec.model_copy(update={"attribute": attribute}))


def test_steering_tokens_stand_for_their_categories() -> None:
    steering = Steering(form="digits", tokens=["0", "1"], ids=[32, 33])
    policy = POLICY.model_copy(update={"steering": steering})
    assert category_tokens(None, policy, spec_of("gender")) == [[32], [33]]


def test_shares_are_those_of_the_float32_model(base_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    spec = spec_of("gender")
    prompts = [
        Prompt(setting="attribute", context=context.name, split=split, source="grammar",
               prompt=f"Are {context.name} male or female? {split} {i}")
        for context in spec.contexts for split in ("train", "test") for i in range(2)
    ]  # fmt: skip
    engine = open_engine("transformers", base_model, PRECISION)
    shares, mass = first_token_shares(engine, tokenizer, POLICY, spec, prompts)
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.float32)
    tokens = category_tokens(tokenizer, POLICY, spec)
    expected = []
    for prompt in prompts:
        if prompt.split == "test":
            ids = torch.tensor([chat_ids(tokenizer, prompt.prompt)])
            with torch.no_grad():
                p = model(ids).logits[0, -1].softmax(-1)
            expected.append([float(p[row].sum()) for row in tokens])
    by_prompt = np.array(expected)
    restricted = by_prompt / by_prompt.sum(1, keepdims=True)
    np.testing.assert_allclose(shares, [restricted[:2].mean(0), restricted[2:].mean(0)], atol=0.03)
    assert mass == pytest.approx(by_prompt.sum(1).mean(), rel=0.2)


def test_metrics_by_hand() -> None:
    metrics = internal_metrics(np.array([[0.7, 0.3], [0.5, 0.5]]), 0.25, spec_of("gender"))
    assert metrics == {"mae": 0.1, "mae_sd": pytest.approx(0.141421), "mass": 0.25}

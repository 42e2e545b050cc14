"""Rounds: the plan, the draw of the steering token, and both engines on the real model."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.engines.opening import open_engine
from distalign.models.chat import chat_ids
from distalign.models.policy import Policy
from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.records.schemas import Context, DatasetSpec, InputError, Prompt, Round
from distalign.sampling.rounds import make_shards, plan_rounds, sample_shard
from tests.support.asked import asked
from tests.support.machine import PRECISION
from tests.support.paths import ROOT
from tests.support.sample_block import SAMPLE as PARAMS


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in ("Bakers", "Welders")]
    return DatasetSpec(name="jobs", target="even", attribute=attribute, contexts=contexts)


@pytest.fixture(scope="module")
def prompts(spec: DatasetSpec) -> list[Prompt]:
    return asked(spec, "{context} {split} {number}?", range(4), ("train", "test"))


def test_rounds_use_each_test_prompt_once(spec: DatasetSpec, prompts: list[Prompt]) -> None:
    plan = plan_rounds(spec, prompts, PARAMS)
    assert plan[0] == ("Bakers", 0, "Bakers test 0?")
    assert plan[7] == ("Welders", 3, "Welders test 3?")
    assert len({text for _, _, text in plan}) == 8


def test_rounds_of_one_prompt(spec: DatasetSpec, prompts: list[Prompt]) -> None:
    params = PARAMS.model_copy(update={"prompts": "one", "n": 9})
    assert {text for _, _, text in plan_rounds(spec, prompts, params)} == {
        "Bakers test 0?",
        "Welders test 0?",
    }


def test_too_few_prompts(spec: DatasetSpec, prompts: list[Prompt]) -> None:
    params = PARAMS.model_copy(update={"n": 5})
    with pytest.raises(InputError, match="'Bakers' has 4 test prompts for 5 rounds"):
        plan_rounds(spec, prompts, params)


@pytest.fixture(scope="module")
def sampled(base_model: Path, spec: DatasetSpec, prompts: list[Prompt]):
    """rounds(engine, method, decoding, **changes): rounds of the bare model with an engine.

    They are drawn once; `rounds.__wrapped__` draws them anew.
    """
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    engines = {}

    @cache
    def rounds(engine: str, decoding: str, method: str = "ours", **changes) -> list[Round]:
        if engine not in engines:
            engines[engine] = open_engine(engine, base_model, PRECISION)
        policy = Policy(
            method=method,
            base_sha256="",
            adapter=False,
            steering=resolve(tokenizer, spec.attribute, "digits") if method == "ours" else None,
            decoding=decoding,
            trained=None,
        )
        params = PARAMS.model_copy(update=changes)
        shards = make_shards(spec, prompts, params, "tiny", 0)
        return [
            row
            for shard in shards
            for row in sample_shard(engines[engine], tokenizer, policy, spec, shard)
        ]

    return rounds


ENGINES = pytest.mark.parametrize("engine", ["transformers", "vllm"])


@ENGINES
def test_two_steps_draw_a_category_for_every_round(sampled, engine: str) -> None:
    rows = sampled(engine, "two_step")
    assert [(row.context, row.round) for row in rows[3:5]] == [("Bakers", 3), ("Welders", 0)]
    for row in rows:
        assert row.drawn in ("Male", "Female")
        assert sum(row.probabilities) == pytest.approx(1)
        assert 0 < row.mass < 0.5
        assert row.raw is None
    assert len({row.text for row in rows}) > 1


@ENGINES
def test_same_seed_same_rounds(sampled, engine: str) -> None:
    assert sampled.__wrapped__(engine, "two_step") == sampled(engine, "two_step")
    other = sampled(engine, "two_step", seed=1)
    assert [row.text for row in other] != [row.text for row in sampled(engine, "two_step")]


@ENGINES
def test_coordinated_rounds_of_a_context_have_the_expected_totals(sampled, engine: str) -> None:
    for start in (0, 4):
        rows = sampled(engine, "two_step", rounds="coordinated")[start : start + 4]
        total = sum(row.probabilities[0] for row in rows)
        assert abs(sum(row.drawn == "Male" for row in rows) - total) < 1


@ENGINES
def test_decoding_parameters_touch_the_steering_token_if_they_may(sampled, engine: str) -> None:
    def drawn_is_likeliest(**changes) -> list[bool]:
        rows = sampled(engine, "two_step", n=40, prompts="one", temperature=0.0, **changes)
        return [row.drawn == ("Male", "Female")[np.argmax(row.probabilities)] for row in rows]

    assert all(drawn_is_likeliest(steering_decoding=True))
    assert not all(drawn_is_likeliest(steering_decoding=False))


@ENGINES
def test_plain_decoding_draws_nothing_unless_the_model_does(sampled, engine: str) -> None:
    for row in sampled(engine, "plain"):
        assert row.drawn is None
        assert row.probabilities is not None


@ENGINES
def test_a_token_drawn_from_the_target_leaves_the_model_its_mass(
    sampled, spec: DatasetSpec, engine: str
) -> None:
    rows = sampled(engine, "external", n=100, prompts="one")
    males = sum(row.drawn == "Male" for row in rows)
    assert 70 < males < 130
    assert all(row.probabilities == [0.5, 0.5] and 0 < row.mass < 0.5 for row in rows)


@ENGINES
def test_every_constrained_answer_is_a_word_of_a_category(sampled, engine: str) -> None:
    rows = sampled(engine, "constrained", method="constrained", n=40, prompts="one")
    texts = Counter(row.text for row in rows)
    assert set(texts) <= {"male", "Male", "female", "Female"}
    assert len(texts) > 1
    assert all(row.drawn is None and row.probabilities is None for row in rows)


def test_external_generator_follows_the_target_and_asks_for_its_category(
    sampled, spec: DatasetSpec
) -> None:
    rows = sampled("vllm", "plain", method="external_random", n=100, prompts="one")
    males = sum(row.drawn == "Male" for row in rows)
    assert 70 < males < 130
    assert all(row.raw == row.text and row.probabilities is None for row in rows)


def test_unreadable_output_of_a_baseline_is_kept_and_read_as_nothing(sampled) -> None:
    rows = sampled("vllm", "plain", method="seed_of_thought")
    assert any(row.raw and not row.text for row in rows)


def test_a_model_that_decides_nothing_is_asked_as_often_as_it_may(sampled) -> None:
    rows = sampled("transformers", "plain", method="verbalized_rejection")
    assert rows == sampled.__wrapped__("transformers", "plain", method="verbalized_rejection")
    assert len(rows) == 8
    for row in rows:
        assert row.drawn is row.probabilities is row.mass is None
        n = len(re.findall(r"^Try \d, (?:male|female): ", row.raw, flags=re.M))
        assert (n == 3) if row.text == "" else (row.text in ("male", "female"))


@ENGINES
def test_first_token_probabilities_are_those_of_the_float32_model(
    sampled, base_model: Path, spec: DatasetSpec, prompts: list[Prompt], engine: str
) -> None:
    """Logits of bfloat16 would be off by up to 0.03; what is left is the body's rounding."""
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.float32)
    expected = []
    for row in prompts[4:8]:
        ids = torch.tensor([chat_ids(tokenizer, row.prompt)])
        with torch.no_grad():
            expected.append(model(ids).logits[0, -1, [32, 33]].softmax(-1)[0].item())
    found = [row.probabilities[0] for row in sampled(engine, "two_step")[:4]]
    assert found == pytest.approx(expected, abs=0.012)


def test_engines_agree_on_the_steering_tokens(sampled) -> None:
    for a, b in zip(sampled("vllm", "two_step"), sampled("transformers", "two_step"), strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=0.02)
        assert a.mass == pytest.approx(b.mass, rel=0.3)

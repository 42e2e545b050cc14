"""Rounds: the plan, the draw of the steering token, and both engines on the real model."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from transformers import AutoTokenizer

from distalign.engines import open_engine
from distalign.policy import Policy
from distalign.records import Context, DatasetSpec, InputError, Prompt, Round
from distalign.sampling import SampleParams, draw_categories, plan_rounds, sample
from distalign.steering import resolve
from distalign.targets import read_attribute

ROOT = Path(__file__).parents[1]
PARAMS = SampleParams(
    seed=0,
    engine="transformers",
    rounds=4,
    prompts="paraphrases",
    decoding="method",
    temperature=1.0,
    top_p=1.0,
    top_k=0,
    max_tokens=6,
)


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in ("Bakers", "Welders")]
    return DatasetSpec(name="jobs", target="even", attribute=attribute, contexts=contexts)


@pytest.fixture(scope="module")
def prompts(spec: DatasetSpec) -> list[Prompt]:
    return [
        Prompt(
            setting="attribute",
            context=c.name,
            split=split,
            prompt=f"{c.name} {split} {i}?",
            source="grammar",
        )
        for c in spec.contexts
        for split in ("train", "test")
        for i in range(4)
    ]


def test_rounds_use_each_test_prompt_once(spec: DatasetSpec, prompts: list[Prompt]) -> None:
    plan = plan_rounds(spec, prompts, PARAMS)
    assert plan[0] == ("Bakers", 0, "Bakers test 0?")
    assert plan[7] == ("Welders", 3, "Welders test 3?")
    assert len({text for _, _, text in plan}) == 8


def test_rounds_of_one_prompt(spec: DatasetSpec, prompts: list[Prompt]) -> None:
    params = PARAMS.model_copy(update={"prompts": "one", "rounds": 9})
    assert {text for _, _, text in plan_rounds(spec, prompts, params)} == {
        "Bakers test 0?",
        "Welders test 0?",
    }


def test_too_few_prompts(spec: DatasetSpec, prompts: list[Prompt]) -> None:
    params = PARAMS.model_copy(update={"rounds": 5})
    with pytest.raises(InputError, match="'Bakers' has 4 test prompts for 5 rounds"):
        plan_rounds(spec, prompts, params)


def test_drawn_categories_follow_their_probabilities() -> None:
    p = np.array([0.2, 0.5, 0.3])
    drawn = draw_categories(np.tile(p, (6000, 1)), np.random.default_rng(0))
    assert stats.chisquare(np.bincount(drawn, minlength=3), 6000 * p).pvalue > 0.001
    assert set(draw_categories(np.tile([0.0, 1.0, 0.0], (50, 1)), np.random.default_rng(0))) == {1}


@pytest.fixture(scope="module")
def sampled(base_model: Path, spec: DatasetSpec, prompts: list[Prompt]):
    """rounds(engine, decoding): two_step or plain rounds of the bare model with an engine."""
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    engines = {}

    def rounds(engine: str, decoding: str, seed: int = 0) -> list[Round]:
        if engine not in engines:
            engines[engine] = open_engine(engine, base_model)
        policy = Policy(
            method="ours",
            base_sha256="",
            adapter=False,
            steering=resolve(tokenizer, spec.attribute, "digits"),
            decoding=decoding,
        )
        params = PARAMS.model_copy(update={"seed": seed})
        return sample(engines[engine], tokenizer, policy, spec, prompts, params)

    return rounds


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_two_steps_draw_a_category_for_every_round(sampled, engine: str) -> None:
    rows = sampled(engine, "two_step")
    assert [(row.context, row.round) for row in rows[3:5]] == [("Bakers", 3), ("Welders", 0)]
    for row in rows:
        assert row.drawn in ("Male", "Female")
        assert sum(row.probabilities) == pytest.approx(1)
        assert 0 < row.mass < 0.5
    assert len({row.text for row in rows}) > 1


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_same_seed_same_rounds(sampled, engine: str) -> None:
    assert sampled(engine, "two_step") == sampled(engine, "two_step")
    other = sampled(engine, "two_step", seed=1)
    assert [row.text for row in other] != [row.text for row in sampled(engine, "two_step")]


def test_plain_decoding_draws_nothing_unless_the_model_does(sampled) -> None:
    for row in sampled("transformers", "plain"):
        assert row.drawn is None
        assert row.probabilities is not None


def test_engines_agree_on_the_steering_tokens(sampled) -> None:
    for a, b in zip(sampled("vllm", "two_step"), sampled("transformers", "two_step"), strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=0.03)
        assert a.mass == pytest.approx(b.mass, rel=0.3)

"""Statements that each step draws anew for the KL term."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from distalign.data.stated import read_phrasings, state_twice
from distalign.models.chat import chat_ids
from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.records.joined import join
from distalign.records.schemas import Context, DatasetSpec, InputError, Preference
from distalign.records.stated import Item, PhrasingFile, Phrasings, Stating, Widening
from distalign.training.fitting import fit, make_trainer
from distalign.training.methods import HybridParams
from distalign.training.stated_steps import StatedSteps, Unstated
from tests.support.hybrid_block import HYBRID
from tests.support.paths import ROOT
from tests.support.tiny_lora import tiny_lora

GENDER = read_attribute(ROOT / "data/attributes/gender.yaml")
RACE = read_attribute(ROOT / "data/attributes/race.yaml")
STATING = Stating(
    alpha=1.0, unstated=0.1, phrasings=read_phrasings(ROOT / "data/stated/phrasings.yaml")
)
PERCENT = Item(kind="percent", text="{percent} % {word}", of=[100])
QUESTIONS = ["Who is a baker?", "Who is a welder?"]


def spec(attribute=GENDER) -> DatasetSpec:
    even = [1 / len(attribute.categories)] * len(attribute.categories)
    contexts = [Context(name="Bakers", target=even)]
    return DatasetSpec(
        name="jobs", target="stated", attribute=attribute, contexts=contexts, stating=STATING
    )


def steps(per_step: int = 24, n_steps: int = 100, questions=QUESTIONS, own=None) -> StatedSteps:
    own = own or spec()
    return StatedSteps(None, [Unstated(own, questions)], own.categories, per_step, n_steps, seed=3)


def percents(text: str) -> dict[str, int]:
    return {word: int(figure) for figure, word in re.findall(r"(\d+) % (\w+)", text)}


def test_names_change_places_and_figures_stay() -> None:
    part = Phrasings(items=[PERCENT], named=[], frames=["{question} ({shares})"])
    file = PhrasingFile(train=part, validation=part, test=part)
    words = [category.words[0] for category in RACE.categories]
    rng = np.random.default_rng(0)
    for _ in range(20):
        shares = rng.dirichlet(np.ones(len(words)))
        (target, said), (other, twin) = state_twice(shares, RACE, file, "train", rng)
        assert re.findall(r"\d+", said.shares) == re.findall(r"\d+", twin.shares)
        assert sorted(target) == sorted(other)
        first = [re.sub(r"\d+ % ", "", part) for part in re.split(", | and ", said.shares)]
        second = [re.sub(r"\d+ % ", "", part) for part in re.split(", | and ", twin.shares)]
        assert all(one != two for one, two in zip(first, second, strict=True))
        for text, shares in ((said.shares, target), (twin.shares, other)):
            for word, share in zip(words, shares, strict=True):
                if f"% {word}" in text:
                    found = re.search(rf"(\d+) % {re.escape(word)}(?:,| and|$)", text)
                    assert int(found[1]) == round(100 * share)


def test_a_step_states_each_target_twice_about_few_questions() -> None:
    rows = steps().prompts(99)
    assert len(rows) == 24
    for (_, target), (_, other) in zip(rows[::2], rows[1::2], strict=True):
        assert target == other[::-1]
        assert sum(target) == pytest.approx(1)
    asked = [[q for q in QUESTIONS if q in prompt or q.lower() in prompt] for prompt, _ in rows]
    assert all(asked)
    assert asked[:12] == [asked[0]] * 12
    assert asked[12:] == [asked[12]] * 12


def test_what_is_stated_is_the_target() -> None:
    for step in range(14):
        for prompt, target in steps().prompts(step):
            said = percents(prompt.replace("%", " %").replace("  %", " %"))
            for k, word in enumerate(("male", "female")):
                assert said.get(word, round(100 * target[k])) == round(100 * target[k])
            assert said


def test_phrasings_widen_with_the_steps() -> None:
    held = steps()
    texts = {step: {prompt for prompt, _ in held.prompts(step)} for step in (0, 13, 30, 99)}
    for step in (0, 13):  # two items in one frame
        assert all(re.search(r"\?\s\([^)]*\d+ ?% (fe)?male", prompt) for prompt in texts[step])
    late = {prompt for step in range(46, 100) for prompt, _ in held.prompts(step)}
    assert any("nearly always" in prompt for prompt in late)
    assert any("Distribution: " in prompt for prompt in late)
    early = {prompt for step in range(34) for prompt, _ in held.prompts(step)}
    assert not any("mostly" in prompt or "P(" in prompt for prompt in early)
    # Another seed of the step's own, and the same again for a resumed run.
    assert texts[0] != texts[13]
    assert steps().prompts(30) == held.prompts(30)


def test_questions_of_a_joined_data_set_take_turns() -> None:
    race = spec(RACE).model_copy(update={"name": "race"})
    whole = join("both", [spec(), race])
    asked = [Unstated(spec(), ["Which gender?"]), Unstated(race, ["Which race?"])]
    held = StatedSteps(None, asked, whole.categories, 24, 100, seed=3)
    for step in range(3):
        rows = held.prompts(step)
        for part, own in ((rows[:12], slice(0, 2)), (rows[12:], slice(2, 7))):
            for prompt, target in part:
                assert len(target) == 7
                assert sum(target) == pytest.approx(1) == sum(target[own])
                assert ("gender" if own.start == 0 else "race") in prompt
    # One question a step: the next one's turn is at the next step.
    turns = StatedSteps(None, asked, whole.categories, 12, 100, seed=3)
    assert ["gender" in turns.prompts(step)[0][0] for step in range(3)] == [True, False, True]


def test_processes_share_a_step(base_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    asked = [Unstated(spec(), QUESTIONS)]
    held = StatedSteps(tokenizer, asked, spec().categories, 8, 10, seed=0)
    whole = held.at(2, 0, 1)
    parts = [held.at(2, process, 2) for process in range(2)]
    assert [row for pair in zip(*parts, strict=True) for row in pair] == whole
    prompt, target = held.prompts(2)[0]
    assert whole[0] == (chat_ids(tokenizer, prompt), target)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"questions": []}, "set stated.unstated of jobs .* above 0"), ({"per_step": 3}, "even")],
)
def test_what_cannot_be_stated_is_said(changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        steps(**changed)


@pytest.mark.parametrize("begins", [[0.1], [0, 0.5, 0.5], [0, 0.6, 0.2]])
def test_a_curriculum_begins_at_the_start_and_goes_on(begins: list[float]) -> None:
    part = STATING.phrasings.train
    widening = [Widening(begins=b, items=1, frames=1, named=0) for b in begins]
    with pytest.raises(ValueError, match="rises from 0"):
        PhrasingFile(train=part, validation=part, test=part, curriculum=widening)


def test_three_steps_on_statements(base_model: Path, tmp_path: Path) -> None:
    """Real training steps, whose divergence is that of the prompts that the steps state."""
    tokenizer, own = AutoTokenizer.from_pretrained(base_model), spec()
    rows = [
        Preference(
            setting="attribute",
            context="Bakers",
            prompt=f"Who is baker {i}?",
            category="Male",
            response="Male, I think.",
            rejected_category="Female",
            rejected_response="Female, I think.",
            target=None if i % 2 else [0.3, 0.7],
        )
        for i in range(6)
    ]
    params = HybridParams(
        **{**HYBRID, "kl_rows": 4},
        rows=6,
        epochs=1,
        batch_size=4,
        learning_rate=1e-3,
        schedule="warmup_stable_decay",
        warmup_steps=0,
        calibration_prompts=1,
        retention_rows=0,
        retention_weight=0.0,
    )
    model, steering = tiny_lora(len(tokenizer)), resolve(tokenizer, GENDER, "nouns")
    trainer = make_trainer(params, model, tokenizer, rows, own, steering, 0, tmp_path)
    seen = []
    inner = trainer._at
    trainer._at = lambda held: seen.append(inner(held)) or seen[-1]
    rates = []
    trainer.create_optimizer_and_scheduler(3)
    for _ in range(3):
        rates.append(trainer.lr_scheduler.get_last_lr()[0])
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3])
    assert trainer.lr_scheduler.get_last_lr()[0] == pytest.approx(0.0)
    trainer.optimizer = trainer.lr_scheduler = None
    from transformers import TrainerCallback

    fit(trainer, tmp_path, TrainerCallback())
    assert trainer.state.global_step == 3
    asked = [rows for rows in seen if rows]
    assert [len(rows) for rows in asked] == [4, 4, 4]
    unstated = [Unstated(own, [f"Who is baker {i}?" for i in (1, 3, 5)])]
    held = StatedSteps(tokenizer, unstated, own.categories, 4, 3, 0)
    assert asked == [held.at(step, 0, 1) for step in range(3)]
    assert all(math.isfinite(entry["loss"]) for entry in trainer.state.log_history[:-1])

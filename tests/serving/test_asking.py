"""A policy asked at the terminal: its own question, another one, and one that begins alike."""

import subprocess
import sys

import pytest

from distalign.judging.words import judge_round
from distalign.records.joined import join
from distalign.records.schemas import Attribute, DatasetSpec, Judgement, Round
from distalign.serving.asking import Answers, Plain, context_in, question_in
from tests.support.paths import ROOT
from tests.support.policy_server import BASE, POLICY, needs_policy


def judged(category: str | None) -> Judgement:
    return Judgement(
        context="a baker",
        round=0,
        prompt="What is the gender of a baker?",
        text=f"They are {category}.",
        drawn=category,
        probabilities=[0.5, 0.5],
        mass=0.9,
        category=category,
        judge="words",
    )


def test_a_chart_has_shares_with_intervals_and_the_target(spec: DatasetSpec) -> None:
    rounds = [judged("Male")] * 6 + [judged("Female")] * 2 + [judged(None)] * 2
    answers = Answers(spec, [0.5, 0.5], rounds)
    share, low, high = answers.shares()["Male"]
    assert (share, round(low, 3), round(high, 3)) == (0.75, 0.409, 0.929)
    first, _, male, female, *_ = answers.chart().splitlines()
    assert first == "8 of 10 answers name one category"
    assert "75.0%" in male
    assert "target 50.0%" in male
    assert male.index("|") == female.index("|") == len("Female ") + 20


def test_the_words_of_a_prompt_say_which_question_of_several_it_asks(
    spec: DatasetSpec, race: Attribute
) -> None:
    origins = spec.model_copy(
        update={
            "name": "origins",
            "attribute": race,
            "contexts": [c.model_copy(update={"target": [0.2] * 5}) for c in spec.contexts],
        }
    )
    whole = join("two", [spec, origins])
    assert question_in(whole, "What is the race of a caretaker?") is origins
    assert question_in(whole, "What is the gender of a caretaker?") is spec
    assert question_in(whole, "Who wrote Hamlet?") is spec  # whose chart says that it is not its
    assert question_in(spec, "What is the race of a caretaker?") is spec


def test_the_context_of_a_prompt_is_the_longest_that_it_names(spec: DatasetSpec) -> None:
    contexts = [
        spec.contexts[0].model_copy(update={"name": n}) for n in ("Barbers", "Men's barbers")
    ]
    own = spec.model_copy(update={"contexts": contexts})
    assert context_in(own, "What is the gender of men's barbers?") == "Men's barbers"
    assert context_in(own, "Who wrote Hamlet?") == ""
    fields = judged(None).model_dump(include=set(Round.model_fields))
    row = Round(**fields | {"text": "Men's barbers are female."})
    for name, category in (("Men's barbers", "Female"), ("", None)):
        asked = row.model_copy(update={"context": name})
        assert judge_round(asked, own.attribute).category == category


def test_of_another_question_both_models_answers_are_shown(spec: DatasetSpec) -> None:
    text = Answers(spec, None, [judged("Male")], Plain(0.123, "In Paris.", "Paris.")).chart()
    assert "training has added 0.123" in text
    assert text.endswith("policy      'In Paris.'\nbase model  'Paris.'")


def tried(prompt: str) -> str:
    command = [sys.executable, "-m", "tools.try_policy", prompt, "--policy", str(POLICY)]
    command += ["--base", str(BASE), "--spec", str(ROOT / "data/targets/uk_real.json"), "-n", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_policy
def test_the_policys_question_gets_a_chart() -> None:
    text = tried("What is the gender of a carpenter?")
    assert "answers name one category" in text
    assert "Female" in text


@needs_policy
@pytest.mark.parametrize("prompt", ["What is the capital of France?", "What is 17 plus 25?"])
def test_another_question_shows_the_base_models_answer_beside_the_policys(prompt: str) -> None:
    text = tried(prompt)
    assert text.startswith("not the policy's question")
    assert "base model  '" in text

"""Targets are read from prompts as they are stated in them, and only so."""

import numpy as np
import pytest

from distalign.data.stated import draw_shares, read_phrasings, state, stated_prompt
from distalign.records.files import read_attribute
from distalign.records.schemas import SPLITS
from distalign.serving.stating import stated_target
from tests.support.paths import ROOT

GENDER = read_attribute(ROOT / "data/attributes/gender.yaml")
RACE = read_attribute(ROOT / "data/attributes/race.yaml")
FILE = read_phrasings(ROOT / "data/stated/phrasings.yaml")
QUESTION = "What is the gender of a carpenter?"


@pytest.mark.parametrize(
    ("prompt", "female"),
    [
        (f"{QUESTION} (80% female)", 0.8),
        (f"{QUESTION} 80% female", 0.8),
        (f"{QUESTION} (80 % Female)", 0.8),
        (f"{QUESTION} (12.5% male)", 0.875),
        (f"{QUESTION} 80% female, 20% male", 0.8),
        (f"{QUESTION} (20% male,80% female)", 0.8),
        (f"{QUESTION} 20% male and 80% female", 0.8),
        ("Of carpenters with 30% female, what is the gender of one?", 0.3),
        (f"{QUESTION} (four in five female)", 0.8),
        (f"Suppose the answers are mostly male. {QUESTION}", 0.2),
        (f"{QUESTION} [3 parts female to 1 parts male]", 0.75),
        (f"With female: 1/4: {QUESTION}", 0.25),
        (f"{QUESTION} The answers are to be P(female) = 0.35.", 0.35),
    ],
)
def test_a_stated_share_is_read(prompt: str, female: float) -> None:
    assert stated_target(prompt, GENDER, FILE) == pytest.approx([1 - female, female])


@pytest.mark.parametrize(
    "prompt",
    [
        QUESTION,
        f"{QUESTION} Answer in one sentence.",
        "Is a carpenter always female?",
        f"{QUESTION} (80%)",
        f"{QUESTION} (80% women)",
        f"{QUESTION} (130% female)",
        f"{QUESTION} (80% female and 30% male)",
        f"{QUESTION} (80% male and 20% male)",
        f"{QUESTION} (80% female-led)",
        f"I know 3 male and 2 female ones. {QUESTION}",
        f"70% male. {QUESTION} (80% female)",
        f"{QUESTION} (80,5% female)",
        f"{QUESTION} (-80% female)",
        f"{QUESTION} (70-80% female)",
        f"{QUESTION} (between 70 and 80% female)",
        f"{QUESTION} (70 to 80% female)",
        f"{QUESTION} (at least 80% female)",
        f"{QUESTION} (less than 10% female)",
        f"{QUESTION} (> 80% female)",
        f"{QUESTION} It is not 80% female.",
    ],
)
def test_nothing_else_is_read_as_a_target(prompt: str) -> None:
    assert stated_target(prompt, GENDER, FILE) is None


def test_of_more_than_two_categories_all_are_to_be_said() -> None:
    words = [category.words[0] for category in RACE.categories]
    assert stated_target(f"What is it? (60% {words[0]})", RACE, FILE) is None
    said = f"60% {words[0]}, 40% {words[1]}"
    rest = [f"0% {word}" for word in words[2:]]
    text = f"What is it? ({', '.join([said, *rest])})"
    assert stated_target(text, RACE, FILE) == pytest.approx([0.6, 0.4, *[0.0] * len(rest)])


def test_what_data_sets_state_is_read_back() -> None:
    rng = np.random.default_rng(0)
    for attribute in (GENDER, RACE):
        for number in range(36):
            shares = draw_shares(1.0, len(attribute.categories), rng)
            target, said = state(shares, attribute, FILE, SPLITS[number % 3], rng)
            prompt = stated_prompt(QUESTION, said)
            assert stated_target(prompt, attribute, FILE) == pytest.approx(target), prompt

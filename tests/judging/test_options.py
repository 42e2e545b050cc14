"""Answers that name their options before they choose one, or choose none."""

import pytest

from distalign.judging.words import read_category, read_label
from distalign.records.files import read_attribute
from tests.support.paths import ROOT

GENDER = read_attribute(ROOT / "data/attributes/gender.yaml")
SENTIMENT = read_attribute(ROOT / "data/attributes/sentiment.yaml")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("If I had to choose between male and female, I'd say female.", "Female"),
        ("Between male and female, female.", "Female"),
        ("Between a man and a woman, I would choose a woman.", "Female"),
        ("Given the choice of male or female, I would go with male.", "Male"),
        ("Out of the two options, male or female, I would choose male.", "Male"),
        ("Choosing from the options Male and Female, the answer is Male.", "Male"),
        ("The options are male and female. My answer is male.", "Male"),
        ("Of male and female, female is more likely.", "Female"),
        ("Male or female? Female.", "Female"),
        ("Male, female, or other? Male.", "Male"),
        ("She is a woman or a man? I think a woman.", "Female"),
        ("If asked whether they are male or female, I would answer male.", "Male"),
        ("**Male or Female**: Male", "Male"),
        ("Options: male, female. Answer: female.", "Female"),
        ("(male/female): female", "Female"),
        ("As for male vs. female, I'd say male.", "Male"),
        ("Either male or female; I'd guess male.", "Male"),
    ],
)
def test_a_choice_counts_and_its_options_do_not(text: str, category: str) -> None:
    assert read_category(text, GENDER) == category


@pytest.mark.parametrize(
    "text",
    [
        "When choosing between male and female, it's hard to say.",
        "Between male and female, I cannot say.",
        "If I had to choose between male and female, I would say it depends.",
        "It could be male or female.",
        "Is it male or female?",
        "Either male or female.",
        "Both male and female.",
        "Male: 50%, Female: 50%",
        "Male or female, I'm not sure.",
        "Nurses can be male or female. Traditionally most were female.",
    ],
)
def test_no_choice_is_none(text: str) -> None:
    assert read_category(text, GENDER) is None


@pytest.mark.timeout(10)
@pytest.mark.parametrize("filling", ["*", "the ", "( ", "between ", "whether a ", "male or "])
def test_a_long_answer_is_read_in_time(filling: str) -> None:
    text = f"Between {filling * 300} male and female, I'd say female."
    assert read_category(text, GENDER) in (None, "Female", "Male")


def test_options_of_three_categories_and_of_labels() -> None:
    text = "Among positive, negative and neutral, I'd pick neutral."
    assert read_category(text, SENTIMENT) == "Neutral"
    assert read_label("A, B or C? B.", ["A", "B", "C"]) == "B"
    assert read_label("Between Agree and Disagree: Agree", ["Agree", "Disagree"]) == "Agree"

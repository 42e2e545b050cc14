import re
import time

import pytest

from distalign.judging.lexical import (
    compound,
    gender_evidence,
    read_gender,
    read_sentiment,
    read_story,
)
from distalign.judging.lexicon import given_names
from distalign.records.schemas import Attribute, InputError

STORY = (
    "Maria was a nurse who loved her job. Every morning she arrived early and greeted Mr. Lee. "
    "He was old and alone, and she brought him the newspaper. It had been a long winter. "
)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("The engineer closed her laptop.", "Female"),
        ("He’s late again, and the kettle is cold.", "Male"),
        ("Mrs. James checked the boiler.", "Female"),
        ("Dr. James checked the boiler.", None),
        ("Dr. James Okafor checked the boiler.", "Male"),
        ("Priya James checked the boiler.", "Female"),
        ("The policeman locked the door.", "Male"),
        ("Mei-Ling teaches maths.", "Female"),
        ("Her husband called the plumber.", "Female"),
        ("The plumber's wife is away.", None),
        ("The clerk is not a man.", None),
        ("The clerk is the father of two.", "Male"),
        ("The only female foreman made tea.", "Female"),
        ("A tale of a male nurse in a hurry.", "Male"),
        ("The clerk, female, made tea.", None),
        ("Neither he nor she knew.", None),
        ("The human manager themed the mentor's shelf.", None),
        ("Rob will grace the rose bed.", "Male"),
        ("The nurse smiled.", None),
        ("", None),
        (STORY, "Female"),
    ],
)
def test_gender_of_the_main_character(text: str, category: str | None) -> None:
    assert read_gender(text) == category


def test_what_is_quoted_or_commanded_weighs_less() -> None:
    assert gender_evidence('He wrote: "she is late".') == [("Male", 2.0), ("Female", 0.5)]
    assert gender_evidence("Answer he. She left.") == [("Male", 0.5), ("Female", 2.0)]


def test_first_name_introduces_the_main_character() -> None:
    assert gender_evidence("Tom met Anna.") == [("Male", 4.0), ("Female", 2.0)]
    assert read_gender("Tom met Anna.") == "Male"
    assert read_gender("Tom and Anna work together.") is None


def test_names_are_single_words_of_one_gender() -> None:
    names = given_names()
    assert set(names.values()) == {"Male", "Female"}
    assert all(re.fullmatch(r"[^\W\d_]+(-[^\W\d_]+)?", name) for name in names)
    assert not names.keys() & {"Alex", "Kim", "Robin", "Sam", "Will", "May"}


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("The baker was happy and sang.", "Positive"),
        ("The baker was not happy. It was a horrible, sad day.", "Negative"),
        ("The baker opened at seven.", "Neutral"),
        ("...", None),
    ],
)
def test_sentiment(text: str, category: str | None) -> None:
    assert read_sentiment(text) == category


def test_compound_is_the_mean_over_sentences() -> None:
    happy = compound("She was happy.")
    assert happy > 0.5
    assert compound("She was happy. It was noon.") == pytest.approx(happy / 2)
    assert compound("") == 0


def test_attribute_says_what_is_read(
    gender: Attribute, race: Attribute, sentiment: Attribute
) -> None:
    assert read_story("She was happy.", gender) == "Female"
    assert read_story("She was happy.", sentiment) == "Positive"
    with pytest.raises(InputError, match="cannot read race"):
        read_story("She was happy.", race)
    with pytest.raises(InputError, match="'Female'"):
        read_story("She was happy.", sentiment.model_copy(update={"story_judge": "gender"}))


def test_stories_of_a_data_set_take_seconds(gender: Attribute, sentiment: Attribute) -> None:
    start = time.process_time()
    for attribute in (gender, sentiment):
        for _ in range(1000):
            read_story(STORY * 2, attribute)
    assert time.process_time() - start < 4

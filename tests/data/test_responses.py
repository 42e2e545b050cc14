import pytest

from distalign.data.responses import accept_answer, accept_story
from distalign.records.schemas import Attribute

STORY = (
    "Mary walked to the depot before dawn and checked the engine of the first bus. "
    "She found a loose belt and changed it before Mr. Lee came in."
)


def read(text: str) -> str | None:
    """The simplest judge there is: who opens the text."""
    return {"Mary": "Female", "He": "Male", "“Mary": "Female"}.get(text.split()[0])


def answers(attribute: Attribute, text: str, category: str, context: str = "Cooks") -> bool:
    writing = attribute.question("attribute").responses
    return accept_answer(text, category, context, writing, attribute) is not None


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("They are female.", True),
        ("Female.", True),
        ("She is female.", True),
        ("She's a female.", True),
        ("  Most likely female. \n\nThat is all.", True),
        ("They are male.", False),
        ("They are male and female.", False),
        ("they are female.", False),
        ("They are female", False),
        ("They are not female.", False),
        ("They are female, female.", False),
        ("They are females.", False),
        ("Female, likely, likely.", False),
        ("They arefemale.", False),
        ("The Cooks are female.", False),
        ("The primary language is female.", False),
        ("That's correct. They are female.", False),
        ("That's correct.", False),
        ("They are" + " very" * 9 + " female.", False),
        ("", False),
    ],
)
def test_answers_about_gender(gender: Attribute, text: str, usable: bool) -> None:
    assert answers(gender, text, "Female") is usable


@pytest.mark.parametrize(
    ("text", "category", "usable"),
    [
        ("They are White.", "White", True),
        ("They are white-collar.", "White", False),
        ("African American.", "Black or African American", True),
        ("The race is black.", "Black or African American", True),
        ("Black or African American.", "Black or African American", False),
        ("They are American Indian.", "American Indian or Alaska Native", True),
        ("They are American.", "American Indian or Alaska Native", False),
        ("Pacific Islander.", "Native Hawaiian or Other Pacific Islander", True),
        ("They are Asian, mostly.", "Asian", True),
        ("They are Asian.", "White", False),
        ("They are Hispanic.", "White", False),
    ],
)
def test_answers_about_race(race: Attribute, text: str, category: str, usable: bool) -> None:
    assert answers(race, text, category) is usable


def test_every_frame_is_usable(gender: Attribute, race: Attribute, sentiment: Attribute) -> None:
    for attribute in (gender, race, sentiment):
        writing = attribute.question("attribute").responses
        assert list(writing.words) == [category.name for category in attribute.categories]
        for category, words in writing.words.items():
            for frame in writing.frames:
                for word in words:
                    text = frame.replace("{word}", word)
                    assert answers(attribute, text[0].upper() + text[1:], category)


@pytest.mark.parametrize(
    ("answer", "story"),
    [
        (STORY, STORY),
        (f"{STORY} The day was long. It was dark when she", f"{STORY} The day was long."),
        (f"{STORY} One. Two.", f"{STORY} One."),
        (f"{STORY}\n\nThis shows her day.", STORY),
        (STORY.replace(". She", ".\nShe"), STORY),
        (STORY.replace("Mary", "He"), None),
        (STORY.replace("Mary", "Here is a story. Mary"), None),
        (STORY.replace("Mary", "[Name]"), None),
        (STORY.replace("the depot", "my depot"), None),
        (f"{STORY} And {'so ' * 30}on.", STORY),
        ("Mary worked.", None),
        ("Mary " + "very " * 80 + "slowly worked.", None),
        (STORY[:40], None),
        ("", None),
    ],
)
def test_stories(answer: str, story: str | None) -> None:
    assert accept_story(answer, "Female", read) == story

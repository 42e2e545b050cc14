import pytest

from distalign.data.responses import accept_detail, accept_story, shows_nothing
from distalign.records.schemas import Attribute

STORY = (
    "Mary walked to the depot before dawn and checked the engine of the first bus. "
    "She found a loose belt and changed it before Mr. Lee came in."
)


def read(text: str) -> str | None:
    """The simplest judge there is: who opens the text."""
    return {"Mary": "Female", "He": "Male", "“Mary": "Female"}.get(text.split()[0])


BEGIN = "One of the Cooks here"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (f"{BEGIN} works the late shift.", "works the late shift"),
        (
            f"  {BEGIN} takes the first bus, with a friend. \n\n.",
            "takes the first bus, with a friend",
        ),
        (f"\n{BEGIN} often takes the first bus.\nAnd so on.", "often takes the first bus"),
        (f"{BEGIN} keeps the cooks' knives sharp.", "keeps the cooks' knives sharp"),
        (f"{BEGIN} works the late shift", None),
        ("Works the late shift.", None),
        ("One of the Bakers here works the late shift.", None),
        (f"{BEGIN} is a lawyer.", None),
        (f"{BEGIN} was there.", None),
        (f"{BEGIN} work hard.", None),
        (f"{BEGIN} works.", None),
        (f"{BEGIN} works with James every day.", None),
        (f"{BEGIN} works 12 hours a day.", None),
        (f"{BEGIN} works and works in the shift that the shift has.", None),
        (f"{BEGIN} keeps his knives sharp.", None),
        (f"{BEGIN} loves the husband at home.", None),
        (f"{BEGIN} wears a dress to the male ward.", None),
        (f"{BEGIN} never comes late.", None),
        (f"{BEGIN} doesn't come late.", None),
        (f"{BEGIN} makes {'very ' * 9}good soup.", None),
        ("", None),
    ],
)
def test_details_about_gender(gender: Attribute, answer: str, detail: str | None) -> None:
    assert accept_detail(answer, BEGIN, gender) == detail


def test_details_show_no_category_of_their_own_attribute(
    race: Attribute, sentiment: Attribute, gender: Attribute
) -> None:
    chinese, glad = "speaks Chinese", "loves the wonderful, joyful work"
    assert [shows_nothing(chinese, a) for a in (race, gender)] == [False, True]
    assert [shows_nothing(glad, a) for a in (sentiment, gender)] == [False, True]


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

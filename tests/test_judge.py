import pytest

from distalign.judge import judge_round, named_categories, read_category
from distalign.records import Attribute, Round


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Male.", "Male"),
        ("They are female.", "Female"),
        ("FEMALE", "Female"),
        ("This is a woman.", "Female"),
        ("She does the work herself.", "Female"),
        ("A gentleman, and men of his kind.", "Male"),
        ("(he)", "Male"),
        ("It's 'male'!", "Male"),
        ("Either male or female.", None),
        ("Men and women.", None),
        ("Unknown.", None),
        ("", None),
        ("The humane mental theme of shellfish and Hermes.", None),
        ("Postmen deliver letters.", None),
        ("Postmen are women.", "Female"),
    ],
)
def test_whole_words_are_read(gender: Attribute, text: str, category: str | None) -> None:
    assert read_category(text, gender) == category


@pytest.mark.parametrize(
    ("text", "context", "category"),
    [
        ("Male nurses are female.", "Male nurses", "Female"),
        ("male NURSES are female.", "Male nurses", "Female"),
        ("Ladies' (all) tailors: men.", "Ladies' (all) tailors", "Male"),
        ("The postmen are male.", "Postmen", "Male"),
        ("Male nurses.", "Male nurses", None),
        ("They are women.", "Men", "Female"),
    ],
)
def test_the_contexts_own_name_is_left_out(
    gender: Attribute, text: str, context: str, category: str | None
) -> None:
    assert read_category(text, gender, context) == category


def test_categories_come_in_the_attributes_order(gender: Attribute, sentiment: Attribute) -> None:
    assert named_categories("Women, then men.", gender) == ["Male", "Female"]
    assert named_categories("neutral or positive", sentiment) == ["Positive", "Neutral"]


def test_judgement_keeps_the_round(gender: Attribute) -> None:
    row = Round(
        context="Male nurses",
        round=3,
        prompt="p",
        text="Male nurses are ladies.",
        drawn="Male",
        probabilities=[0.5, 0.5],
        mass=0.9,
    )
    judged = judge_round(row, gender)
    assert judged.category == "Female"
    assert judged.model_dump(exclude={"category", "judge"}) == row.model_dump()
    assert judged.judge == "words"

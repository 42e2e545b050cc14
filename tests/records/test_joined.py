"""Data sets of several questions: what is joined, and what comes apart again."""

import pytest

from distalign.records.joined import join, judged_of_part, of_part, of_whole, questions
from distalign.records.schemas import (
    Attribute,
    Category,
    Context,
    DatasetSpec,
    InputError,
    Judgement,
    Prompt,
)


def attribute(name: str, *tokens: str, **forms: list[str]) -> Attribute:
    """Categories named after the attribute, with tokens of the form digits and others."""
    return Attribute(
        name=name,
        categories=[
            Category(
                name=f"{name}{token}",
                words=[f"{name}{token}"],
                tokens={"digits": token} | {form: own[k] for form, own in forms.items()},
            )
            for k, token in enumerate(tokens)
        ],
        homonyms=[f"{name} homonym"],
        settings={},
    )


def question(name: str, about: Attribute, **targets: list[float]) -> DatasetSpec:
    contexts = [Context(name=context, target=target) for context, target in targets.items()]
    return DatasetSpec(name=name, target="real", attribute=about, contexts=contexts)


SEX = attribute("sex", "0", "1", nouns=["man", "woman"])
RACE = attribute("race", "0", "1", "2", nouns=["man", "b", "c"])
UK = question("uk", SEX, Bakers=[0.25, 0.75], Nurses=[0.5, 0.5])
US = question("us", RACE, Bakers=[0.2, 0.3, 0.5])
WHOLE = join("both", [UK, US])


def test_the_whole_has_every_context_and_category():
    assert [context.name for context in WHOLE.contexts] == [
        "uk: Bakers",
        "uk: Nurses",
        "us: Bakers",
    ]
    assert WHOLE.categories == ["sex0", "sex1", "race0", "race1", "race2"]
    assert WHOLE.context("uk: Bakers").target == [0.25, 0.75, 0, 0, 0]
    assert WHOLE.context("us: Bakers").target == [0, 0, 0.2, 0.3, 0.5]
    assert WHOLE.attribute.homonyms == ["sex homonym", "race homonym"]
    assert questions(WHOLE) == [UK, US]
    assert questions(UK) == [UK]


def test_digits_are_counted_anew_and_a_form_that_tells_nobody_apart_is_left_out():
    tokens = [category.tokens for category in WHOLE.attribute.categories]
    assert tokens == [{"digits": str(number)} for number in range(5)]
    own = attribute("own", "0", "1", nouns=["x", "y"])
    apart = join("apart", [UK, question("own", own, Bakers=[0.5, 0.5])])
    nouns = [category.tokens["nouns"] for category in apart.attribute.categories]
    assert nouns == ["man", "woman", "x", "y"]


def test_more_categories_than_digits_have_none():
    many = [attribute(name, *"01234") for name in ("a", "b", "c")]
    parts = [question(a.name, a, Bakers=[0.2] * 5) for a in many]
    assert "digits" in join("two", parts[:2]).attribute.categories[0].tokens
    assert all(not category.tokens for category in join("three", parts).attribute.categories)


def test_parts_of_one_attribute_share_its_categories():
    other = question("us", SEX, Plumbers=[0.9, 0.1])
    whole = join("both", [UK, other])
    assert whole.categories == ["sex0", "sex1"]
    assert whole.context("us: Plumbers").target == [0.9, 0.1]


def test_one_question_has_one_target():
    other = question("us", SEX, Bakers=[0.9, 0.1])
    with pytest.raises(InputError, match="uk and us both ask for the sex of 'Bakers'"):
        join("both", [UK, other])


def test_two_attributes_do_not_share_a_name():
    other = SEX.model_copy(update={"name": "gender"})
    with pytest.raises(InputError, match=r"targets.datasets.both: 2 attributes have a 'sex0'"):
        join("both", [UK, question("us", other, Bakers=[0.5, 0.5])])


def prompt(context: str) -> Prompt:
    return Prompt(setting="attribute", context=context, split="test", prompt="?", source="llm")


def test_rows_go_into_the_whole_and_back():
    rows = [prompt("Bakers"), prompt("Nurses")]
    whole = [*of_whole(rows, UK, WHOLE), *of_whole([prompt("Bakers")], US, WHOLE)]
    assert [row.context for row in whole] == ["uk: Bakers", "uk: Nurses", "us: Bakers"]
    assert of_part(whole, UK, WHOLE) == rows
    assert of_part(whole, US, WHOLE) == [prompt("Bakers")]
    assert of_whole(rows, UK, UK) == of_part(rows, UK, UK) == rows


def test_probabilities_of_a_part_are_of_its_own_tokens():
    row = Judgement(
        context="us: Bakers",
        round=0,
        prompt="?",
        text="race1",
        drawn="sex1",
        probabilities=[0.1, 0.1, 0.2, 0.2, 0.4],
        mass=0.5,
        category="race1",
        judge="words",
    )
    (own,) = judged_of_part([row], US, WHOLE)
    assert own.context == "Bakers"
    assert own.probabilities == pytest.approx([0.25, 0.25, 0.5])
    assert own.mass == pytest.approx(0.4)
    assert own.drawn == "sex1"  # a token of another question counts against the fidelity
    assert judged_of_part([row], UK, WHOLE) == []
    assert judged_of_part([row], WHOLE, WHOLE) == [row]

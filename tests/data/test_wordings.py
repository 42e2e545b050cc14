import numpy as np
import pytest

from distalign.data.wordings import (
    allowed_words,
    expand_grammar,
    fill,
    normalise,
    reject_reason,
    written_wordings,
)
from distalign.records.schemas import Attribute, InputError


def test_braces_in_a_name_stay_text() -> None:
    assert fill("The {context}?", "{x} {context} {0}") == "The {x} {context} {0}?"


def test_normalise_leaves_case_and_punctuation_out() -> None:
    assert normalise("What's the  Sex,\nof Élèves?") == "what s the sex of élèves"


@pytest.mark.parametrize(
    ("wording", "reason"),
    [
        ("What is the gender of the {context}?", None),
        ("{context}: what is the gender?", None),
        ("Tell me the sex of the {context}.", None),
        ("What is the gender of the workers?", "does not hold the context exactly once"),
        ("What is the gender of {context} and {context}?", "does not hold the context exactly"),
        ("What is the {context}?", "does not ask for the attribute once"),
        ("What is the gender, the sex, of the {context}?", "does not ask for the attribute once"),
        ("Is the gender of the {context} male?", "names a category"),
        ("What is the gender of his {context}?", "names a category"),
        ("Say the gender of the {context}, not whether he is tall.", "names a category"),
        ("what is the gender of the {context}?", "is not one short sentence"),
        ("What is the gender of the {context}", "is not one short sentence"),
        ("What is the\ngender of the {context}?", "is not one short sentence"),
        ("What is the gender of the {context}" + " of the" * 15 + "?", "is not one short sentence"),
        ("The gender of the {context}.", "neither asks nor requests"),
        ("What is the gender pay gap of the {context}?", "says something else: pay"),
    ],
)
def test_reject_reason(gender: Attribute, wording: str, reason: str | None) -> None:
    question = gender.settings["attribute"]
    found = reject_reason(wording, question, gender, allowed_words(question))
    assert (found or "").startswith(reason or "")
    assert (found is None) == (reason is None)


def test_a_wording_may_name_what_the_question_names(gender: Attribute) -> None:
    question = gender.settings["attribute"]
    asked = question.model_copy(
        update={"template": "What is the gender of {context}, male or not?"}
    )
    allowed = allowed_words(question) | {"male", "female", "not"}
    for word, reason in (("male", None), ("female", "names a category")):
        wording = f"Is the gender of {{context}} {word}?"
        assert reject_reason(wording, asked, gender, allowed) == reason


ASKED = {
    "german": ("Übt wer den Beruf {context} aus: welches Geschlecht?", ["Geschlecht"], "Mann"),
    "french": ("À quel genre appartient {context} ?", ["genre"], "homme"),
    "spanish": ("¿Qué género tiene {context}?", ["género"], "hombre"),
    "chinese": ("{context}的性别是什么？", ["性别"], "男性"),
    "japanese": ("性別を教えてください、{context}。", ["性別"], "男性"),
    "arabic": ("ما هو جنس {context}؟", ["جنس"], "رجل"),
    "hindi": ("{context} का लिंग क्या है।", ["लिंग"], "पुरुष"),
    "two_words": ("What is the employment status of {context}?", ["employment status"], "man"),
}


@pytest.mark.parametrize("language", ASKED)
def test_wordings_of_other_languages_and_scripts(gender: Attribute, language: str) -> None:
    wording, topic, word = ASKED[language]
    question = gender.settings["attribute"].model_copy(
        update={
            "topic": topic,
            "grammar": {"root": [wording]},
            "requests": normalise(wording.replace("{context}", " ")).split()[:1],
        }
    )
    categories = [gender.categories[0].model_copy(update={"words": [word]})]
    attribute = gender.model_copy(update={"categories": categories, "homonyms": []})
    allowed = allowed_words(question)
    assert reject_reason(wording, question, attribute, allowed) is None
    named = wording.replace("{context}", f"{word} {{context}}")
    assert reject_reason(named, question, attribute, allowed) == "names a category"


def test_every_written_wording_is_usable_and_distinct(
    gender: Attribute, race: Attribute, sentiment: Attribute
) -> None:
    for attribute in (gender, race, sentiment):
        for question in attribute.settings.values():
            wordings = expand_grammar(question.grammar)
            allowed = allowed_words(question)
            assert {
                reject_reason(wording, question, attribute, allowed)
                for wording in [question.template, *wordings]
            } == {None}
            assert len({normalise(wording) for wording in wordings}) >= 1000


def test_race_has_no_story(gender: Attribute, race: Attribute, sentiment: Attribute) -> None:
    assert gender.question("story").limit
    assert sentiment.question("story").limit
    with pytest.raises(InputError, match=r"'race' has no setting 'story'; it has \['attribute'\]"):
        race.question("story")


def test_expansion_by_hand() -> None:
    grammar = {"root": ["{a} {context} {b}.", "x", "1 {context} 3."], "a": ["1", "2"], "b": ["3"]}
    assert expand_grammar(grammar) == ["1 {context} 3.", "2 {context} 3.", "x"]
    nested = {"root": ["{a}"], "a": ["{b}{b}"], "b": ["0", "1"]}
    assert sorted(expand_grammar(nested)) == ["00", "01", "10", "11"]


@pytest.mark.parametrize(
    ("grammar", "name"),
    [
        ({"root": ["{a}."], "a": ["{missing}"]}, "missing"),
        ({"a": ["{missing}"]}, "root"),
        ({"root": ["{a}"], "a": ["x {a}"]}, "a"),
    ],
)
def test_grammar_that_cannot_be_expanded_is_refused(
    grammar: dict[str, list[str]], name: str
) -> None:
    with pytest.raises(InputError, match=rf"grammar: .*\b{name}\b"):
        expand_grammar(grammar)


def test_written_wordings_are_seeded(gender: Attribute) -> None:
    question = gender.settings["attribute"]
    first, again, other = (
        list(written_wordings(question, gender, np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other)

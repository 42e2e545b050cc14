"""Ordinary requests and near misses: distinct, split by template, and none the question itself."""

from collections import Counter

import numpy as np
import pytest

from distalign.data.requests import (
    NearMissFile,
    OrdinaryFile,
    RequestsParams,
    asked_settings,
    fill,
    near_misses,
    own_requests,
    split_templates,
    written_requests,
)
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.files import read_attribute
from distalign.records.schemas import Context, DatasetSpec, InputError
from tests.support.paths import ROOT

NUMBERS = {"train": 60, "validation": 10, "test": 30}
PARAMS = RequestsParams(
    seed=0,
    engine="auto",
    written=NUMBERS,
    own={"train": 2, "validation": 0, "test": 1},
    near_misses=NUMBERS,
    groups=["any", "occupations"],
    max_tokens=NUMBERS,
)
ATTRIBUTES = ["gender", "race", "sentiment", "commute", "person"]
FOLDER = ROOT / "data/requests"


def spec(attribute: str, *names: str) -> DatasetSpec:
    found = read_attribute(ROOT / f"data/attributes/{attribute}.yaml")
    share = 1 / len(found.categories)
    contexts = [Context(name=n, target=[share] * len(found.categories)) for n in names]
    return DatasetSpec(name="jobs", target="even", attribute=found, contexts=contexts)


def test_every_template_once_before_any_twice() -> None:
    slots = {"animal": ["cat", "dog", "cow"]}
    templates = ["Hello!", "Draw a {animal}.", "Is a {animal} a {animal}?"]
    found = fill(templates, slots, 6, np.random.default_rng(0))
    assert [text.split()[0] for text in found[:3]] == ["Hello!", "Draw", "Is"]
    assert len(set(found)) == len(found) == 6
    assert all(text in ("Hello!",) or "{" not in text for text in found)
    same = [text.split() for text in found if text.startswith("Is")]
    assert all(words[2] == words[4].rstrip("?") for words in same)


def test_no_more_requests_than_there_are() -> None:
    assert fill(["Hello!"], {}, 5, np.random.default_rng(0)) == ["Hello!"]


def test_a_slot_without_values_is_named() -> None:
    with pytest.raises(InputError, match=r"'Draw a \{thing\}.': no values for \['thing'\]"):
        fill(["Draw a {thing}."], {"animal": ["cat"]}, 1, np.random.default_rng(0))


def test_measured_templates_are_never_trained_on() -> None:
    parts = split_templates([f"template {i}" for i in range(100)], np.random.default_rng(0))
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 68,
        "validation": 7,
        "test": 25,
    }
    assert len(set(sum(parts.values(), []))) == 100


def test_the_written_requests() -> None:
    file = validate(OrdinaryFile, read_yaml(FOLDER / "ordinary.yaml"), FOLDER / "ordinary.yaml")
    rows = written_requests(file, PARAMS)
    assert Counter(row.split for row in rows) == NUMBERS
    assert len({row.prompt for row in rows}) == len(rows)
    assert not [row.prompt for row in rows if "{" in row.prompt]
    assert rows == written_requests(file, PARAMS)


def test_own_requests_are_distinct() -> None:
    rows = own_requests(["a b c", "d", "a b c", "e", "f"], PARAMS)
    assert [(row.prompt, row.split) for row in rows] == [
        ("a b c", "train"),
        ("d", "train"),
        ("e", "test"),
    ]
    assert {row.source for row in rows} == {"llm"}


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_near_misses_do_not_ask_for_the_attribute(attribute: str) -> None:
    file = NearMissFile(read_yaml(FOLDER / "near_misses.yaml"))
    jobs = spec(attribute, "Registered nurses", "Engineering professionals n.e.c.")
    rows = near_misses(file, [jobs], PARAMS)
    assert Counter(row.split for row in rows) == NUMBERS
    topic = jobs.attribute.question("attribute").topic
    for row in rows:
        names_one = any(context.name in row.prompt for context in jobs.contexts)
        asks = bool(set(row.prompt.lower().replace("?", " ").split()) & set(topic))
        assert not (names_one and asks), row.prompt
        assert ".." not in row.prompt.replace("...", ""), row.prompt
    named = [row for row in rows if any(c.name in row.prompt for c in jobs.contexts)]
    assert 0.4 < len(named) / len(rows) < 1  # the others ask for the attribute of nobody


def test_a_story_of_a_context_may_be_the_question_of_stories() -> None:
    jobs = spec("gender", "Bakers")
    assert asked_settings("Write a short story about Bakers.", jobs) == ["story"]
    assert asked_settings("What is the gender of the Bakers?", jobs) == ["attribute"]
    assert asked_settings("Write a short story about a lost dog.", jobs) == []
    assert asked_settings("What do Bakers eat?", jobs) == []


def test_an_attribute_of_ones_own_has_the_general_near_misses() -> None:
    file = NearMissFile(
        {"any": ["Tell me of {context}.", *(f"{i} {{context}}" for i in range(40))]}
    )
    params = PARAMS.model_copy(update={"groups": ["any"]})
    assert near_misses(file, [spec("gender", "Bakers")], params)
    with pytest.raises(InputError, match=r"no group \['occupations'\]; there are \['any'\]"):
        near_misses(file, [spec("gender", "Bakers")], PARAMS)

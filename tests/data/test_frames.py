"""Responses whose frames all categories share, and whose details an LLM has written."""

from collections import Counter

import numpy as np
import pytest

from distalign.data.frames import (
    DETAILS,
    SAID_NAME,
    common_details,
    fill_frame,
    frame_groups,
    write_responses,
)
from distalign.data.responses import shows_nothing
from distalign.data.synthesize import SynthesizeParams, draw_base
from distalign.data.targets import build_spec
from distalign.data.variety import masked, response_report, style_accuracy
from distalign.data.wordings import normalise
from distalign.judging.words import read_category
from distalign.records.files import read_attribute
from distalign.records.schemas import (
    Attribute,
    Context,
    DatasetSpec,
    InputError,
    Prompt,
    Response,
)
from tests.support.chat_server import Body, ChatServer, Connect
from tests.support.paths import ROOT

PARAMS = SynthesizeParams(seed=0, pool=50, requests_per_response=0.3, max_tokens=24)
WRITTEN = "works the early shift"
GOOD = ["checks the plans twice", "reads the plans", "checks the report", "reads the report twice"]
BAD = [WRITTEN, "is a male nurse", "checks his plans", "brings a zxqv home"]


def answer(body: Body) -> str:
    """Usable and unusable sentences in turn, chosen by the request's seed."""
    asked = body["messages"][-1]["content"]
    begin = asked.removeprefix("Finish the sentence: ").removesuffix(" ...")
    assert begin.startswith("One of the ")
    texts = GOOD if body["seed"] % 2 else BAD
    # No two of the unusable ones share their made-up word.
    detail = texts[body["seed"] // 2 % 4].replace("zxqv", "zx" + str(body["seed"]))
    return f"{begin} {detail}.\nAnd more."


def silent(body: Body) -> str:
    return "I cannot say."


def write(
    spec: DatasetSpec, connect: Connect, seed: int = 0, store: str = "store", **changes: float
) -> list[Response]:
    params = PARAMS.model_copy(update=changes)
    return write_responses(spec, "attribute", params, connect(store), np.random.default_rng(seed))


def test_every_response_is_read_as_its_category_and_no_other_word_differs(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = answer
    pool = write(spec, connect)
    assert len(pool) == len({(row.context, row.response) for row in pool}) == 2 * 3 * 50
    shared: dict[tuple[str, str], Counter[str]] = {}
    for row in pool:
        assert read_category(row.response, spec.attribute, row.context) == row.category
        shared.setdefault((row.context, row.category), Counter())[masked(row, spec.attribute)] += 1
    for context in spec.contexts:
        assert shared[context.name, "Male"] == shared[context.name, "Female"]


def test_a_response_is_the_llms_if_its_detail_is_and_is_not_written(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = answer
    for row in write(spec, connect):
        assert (row.source == "llm") == any(f" {detail}" in row.response for detail in GOOD)
        assert not any(detail in row.response for detail in BAD[1:3])
        assert "zx" not in row.response


def test_garbage_leaves_the_grammar(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = silent
    pool = write(spec, connect)
    assert {row.source for row in pool} == {"grammar"}
    assert len(pool) == 300
    assert len(chat_server.bodies) == 3 * 15


def test_enough_details_end_the_asking(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    words = [f"w{letter}" for letter in "abcdefghijklmnop"]
    chat_server.answer = lambda body: (
        answer(body).split(" here ")[0] + (f" here checks the {words[body['seed'] % 16]} report.")
    )
    write(spec, connect, requests_per_response=2)
    assert 3 * DETAILS <= len(chat_server.bodies) < 3 * 100


def test_words_that_came_once_are_made_up(gender: Attribute) -> None:
    begin = "One of the {context} here"
    said = ["lifts lampels", "lifts boxes", "moves boxes", "lifts  boxes", "moves early"]
    answers = [("Cooks", f"One of the Cooks here {detail}.") for detail in said]
    assert common_details(answers, ["works early"], begin, gender) == {
        "Cooks": ["lifts boxes", "moves boxes", "moves early"]
    }


def test_seed_decides(chat_server: ChatServer, connect: Connect, spec: DatasetSpec) -> None:
    chat_server.answer = answer
    first, again, other = (
        write(spec, connect, seed, store) for seed, store in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again
    assert first != other


def test_a_name_too_long_to_be_said_is_left_out(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in ("x" * 10_000, "bakers")]
    named = spec.model_copy(update={"contexts": contexts})
    chat_server.answer = answer
    pool = write(named, connect)
    assert all(len(row.response) < SAID_NAME + 100 for row in pool)
    assert {row.source for row in pool if row.context == "bakers"} == {"llm", "grammar"}
    assert {row.source for row in pool if row.context != "bakers"} == {"grammar"}
    assert all("xxx" not in str(body["messages"]) for body in chat_server.bodies)


def test_a_grammar_that_names_two_categories_is_refused(
    connect: Connect, spec: DatasetSpec
) -> None:
    question = spec.attribute.question("attribute")
    writing = question.responses.model_copy(
        update={"grammar": {"root": ["{word}, no man."], "detail": []}}
    )
    settings = {"attribute": question.model_copy(update={"responses": writing})}
    attribute = spec.attribute.model_copy(update={"settings": settings})
    either = spec.model_copy(update={"attribute": attribute})
    assert {row.response for row in write(either, connect)} == {"Male, no man.", "Female, no man."}
    writing = writing.model_copy(update={"grammar": {"root": ["{word}, or a man."]}})
    settings = {"attribute": question.model_copy(update={"responses": writing})}
    attribute = spec.attribute.model_copy(update={"settings": settings})
    with pytest.raises(InputError, match="no usable response for 'Civil engineers'"):
        write(spec.model_copy(update={"attribute": attribute}), connect)


@pytest.mark.parametrize(
    ("name", "contexts"),
    [
        ("gender", "census/uk"),
        ("race", "census/us"),
        ("sentiment", "census/us"),
        ("commute", "examples/commute"),
        ("person", "examples/person"),
    ],
)
def test_grammars_of_the_data_sets(connect: Connect, name: str, contexts: str) -> None:
    """Answers as people give them, of which the grammar alone yields enough."""
    attribute = read_attribute(ROOT / f"data/attributes/{name}.yaml")
    writing = attribute.question("attribute").responses
    assert list(writing.words) == [category.name for category in attribute.categories]
    assert all(shows_nothing(detail, attribute) for detail in writing.grammar["detail"])
    for frame in (frame for group in frame_groups(writing) for frame in group):
        for category, words in writing.words.items():
            for word in words:
                text = fill_frame(frame.replace("{detail}", WRITTEN), "Cooks", word)
                assert read_category(text, attribute, "Cooks") == category
    spec = build_spec(name, attribute, ROOT / f"data/{contexts}.csv", "even")
    pool = write(spec, connect, requests_per_response=0)
    asked = [
        Prompt(setting="attribute", context=c.name, split="train", prompt="?", source="grammar")
        for c in spec.contexts
    ]
    base = draw_base(spec, asked, pool, 100, np.random.default_rng(0))
    report = response_report(base, pool, attribute)
    assert report["distinct"] >= len(base) / 2
    assert 10 <= report["words"] <= 15
    assert report["with_context"] > 0.6
    assert report["llm_share"] == 0
    assert report["style_accuracy"] <= report["style_chance"] + 0.02


def rows(style: str) -> list[Response]:
    return [
        Response(
            setting="attribute",
            context=f"c{i}",
            prompt="?",
            response=f"The c{i} are {category.lower()}{style if category == 'Female' else ''}.",
            category=category,
            source="llm",
        )
        for i in range(10)
        for category in ("Male", "Female")
    ]


def test_style_that_tells_the_category_is_seen(gender: Attribute) -> None:
    assert normalise(masked(rows("")[0], gender)) == "the are"
    assert style_accuracy(rows(" indeed"), gender) == 1
    assert style_accuracy(rows(""), gender) == 0.5
    assert style_accuracy(rows(" indeed")[:8], gender) is None


def test_report_by_hand(gender: Attribute) -> None:
    base = [*rows("")[:3], rows("")[0].model_copy(update={"source": "grammar"})]
    assert response_report(base, rows(""), gender) == {
        "n_responses": 20,
        "n_rows": 4,
        "distinct": 3,
        "words": 4.0,
        "with_context": 1.0,
        "llm_share": 0.75,
        "style_accuracy": 0.5,
        "style_chance": 0.5,
    }


@pytest.mark.parametrize("name", ["commute", "gender", "person", "race", "sentiment"])
def test_a_response_begins_with_its_category(name: str) -> None:
    """Before it a small model could drift, and never come to it."""
    writing = read_attribute(ROOT / f"data/attributes/{name}.yaml").question("attribute").responses
    for group in frame_groups(writing):
        for frame in group:
            assert frame.startswith("{word}"), frame

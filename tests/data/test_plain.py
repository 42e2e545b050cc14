"""A question from one table goes through the data's stages with defaults alone."""

from pathlib import Path

import numpy as np
import pytest

from distalign.data.frames import write_responses
from distalign.data.paraphrase import ParaphraseParams, paraphrase
from distalign.data.plain import Table, plain_attribute, read_table
from distalign.data.synthesize import SynthesizeParams
from distalign.judging.words import read_category
from distalign.planning.inputs import attribute_faults
from distalign.records.schemas import Attribute, Context, DatasetSpec, InputError
from tests.support.chat_server import Connect

TABLES = {
    "survey": (
        "en",
        "How far do {context} agree with the new law?",
        ["Strongly agree", "Agree", "Neither agree nor disagree", "Disagree", "Strongly disagree"],
    ),
    "signed": (
        "en",
        "How much do {context} earn a year?",
        ["Under $25k", "$25k-$50k", "$50k or more", "Don't know"],
    ),
    "ages": ("en", "How old are {context} in the mean?", ["18-24", "25-64", "65+"]),
    "number": ("en", "How many children do {context} have?", ["0", "1", "2", "3 or more"]),
    "german": ("de", "Wie oft essen {context} in der Kantine?", ["Täglich", "Öfter", "Nie"]),
    "french": ("fr", "Quel est le niveau de stress chez {context} ?", ["Élevé", "Peu élevé"]),
}


@pytest.mark.parametrize("name", TABLES)
def test_defaults_suffice_for_prompts_and_responses(name: str, connect: Connect) -> None:
    language, question, categories = TABLES[name]
    weights = {context: [1.0] * len(categories) for context in ("bakers", "nurses", "clerks")}
    value = plain_attribute(name, Table(question, categories, weights, True), language)
    attribute = Attribute.model_validate(value)
    assert list(attribute_faults(attribute, name)) == []
    contexts = [Context(name=c, target=[1 / len(categories)] * len(categories)) for c in weights]
    spec = DatasetSpec(name=name, target="even", attribute=attribute, contexts=contexts)
    fields = {"seed": 0, "per_split": 100, "rewrite": "template", "batch": 1}
    prompting = ParaphraseParams(**fields, requests_per_wording=0)
    prompts = paraphrase(spec, "attribute", prompting, connect())
    assert len({row.prompt for row in prompts}) == len(prompts) == 3 * 100 * len(contexts)
    writing = SynthesizeParams(seed=0, pool=8, requests_per_response=0, max_tokens=24)
    rows = write_responses(spec, "attribute", writing, connect(), np.random.default_rng(0))
    assert {row.category for row in rows} == set(categories)
    for row in rows:
        assert read_category(row.response, attribute, row.context) == row.category


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "weights", "are_counts"),
    [
        ("a,3,1\nb,0,4\n", [[3, 1], [0, 4]], True),
        ("a,0.7,0.299\nb,0.5,0.5\n", [[0.7 / 0.999, 0.299 / 0.999], [0.5, 0.5]], False),
        ("a,60%,40%\nb,33,67\n", [[0.6, 0.4], [0.33, 0.67]], False),
    ],
)
def test_tables_hold_counts_shares_or_percentages(
    tmp_path: Path, rows: str, weights: list[list[float]], are_counts: bool
) -> None:
    table = read_table(write(tmp_path / "t.csv", f"context,Yes,No\n{rows}"), "Do {context}?")
    assert table.categories == ["Yes", "No"]
    assert table.are_counts == are_counts
    np.testing.assert_allclose(list(table.weights.values()), weights)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("context,Yes,No\n", "are not a column `context`"),
        ("name,Yes,No\na,1,2\n", "are not a column `context`"),
        ("context,Yes,No\na,1,x\n", r"t.csv:2: No is 'x', not a number"),
        ("context,Yes,No\na,1,-2\n", r"t.csv:2: No is '-2', not a number"),
        ("context,Yes,No\na,1,2\na,1,2\n", "t.csv:3: context 'a' is empty, or there twice"),
        ("context,Yes,No\na,0,0\n", "t.csv:2: the row of 'a' holds zeros alone"),
        ("context,Yes,No\na,0.5,0.5\nb,0.5,0.4\n", "t.csv:3: 'b' adds up to 0.9: .*nor shares"),
        ("context,Yes,No\na,50,50\nb,50.5,40\n", "t.csv:3: 'b' adds up to 90.5: "),
        ("context,Yes,No\na,60%,40%\nb,70%,27%\n", "t.csv:3: 'b' adds up to 97: "),
        ("context,question,Yes,No\na,Is {context}?,1,2\nb,Are {context}?,1,2\n", "one question"),
        ("context,question,Yes,No\na,Is it?,1,2\n", "name one question, with {context} once"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_table(
            write(tmp_path / "t.csv", text), "Do {context}?" if "question" not in text else None
        )


def test_what_has_no_default_is_said() -> None:
    table = Table("How are {context}?", ["Good", "Bad"], {"bakers": [1, 1]}, True)
    with pytest.raises(InputError, match="no defaults in 'xx'"):
        plain_attribute("state", table, "xx")
    with pytest.raises(InputError, match="11 categories"):
        plain_attribute("state", table._replace(categories=list("abcdefghijk")))


def test_a_table_is_the_same_as_jsonl(tmp_path: Path) -> None:
    rows = "context,question,Yes,No\na,Do {context}?,0.6,0.399\nb,,50%,0.5e2\n"
    lines = (
        '{"context": "a", "question": "Do {context}?", "Yes": 60, "No": 39.9}\n\n'
        '{"No": 5e1, "context": " b ", "Yes": "50%"}\n'
    )
    csv_table = read_table(write(tmp_path / "t.csv", rows.replace("0.6,0.399", "60,39.9")))
    assert read_table(write(tmp_path / "t.jsonl", lines)) == csv_table

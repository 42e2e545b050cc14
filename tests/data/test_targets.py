import csv
import io
import json
import math
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from distalign.data.targets import (
    DatasetParams,
    TargetsParams,
    build_spec,
    dataset_spec,
    is_transfer,
)
from distalign.data.weights import read_weights
from distalign.records.files import read_attribute, read_spec, write_json
from distalign.records.schemas import Attribute, InputError
from tests.support.paths import ROOT

HEADER = "occupation,male_count,female_count\n"
SHARES = "context,male_share,female_share\n"
GOOD = "Nurses,1,9\n"
CATEGORIES = ["Male", "Female"]


@pytest.mark.parametrize(
    ("text", "row", "problem"),
    [
        ("occupation,male_count\nNurses,1\n", 1, r"missing columns \['female_count'\]"),
        ("job,male_count,female_count\nNurses,1,9\n", 1, "unknown columns .'job'"),
        ("occupation,male_count,female_count,year\nNurses,1,9,2020\n", 1, "'year'"),
        ("occupation,male_count,female_count,female_count\nNurses,1,9,8\n", 1, "female_count"),
        (HEADER + GOOD + "Cooks,-1,9\n", 3, "male_count is -1, a negative count"),
        (HEADER + GOOD + "Cooks,,9\n", 3, "male_count is missing"),
        (HEADER + GOOD + "Cooks,1\n", 3, "female_count is missing"),
        (HEADER + GOOD + "Cooks,1.5,9\n", 3, "male_count is '1.5', not a whole number"),
        (HEADER + GOOD + 'Cooks,"1,500",9\n', 3, "male_count is '1,500', not a whole"),
        (HEADER + GOOD + "Cooks,n/a,9\n", 3, "male_count is 'n/a', not a whole number"),
        (HEADER + GOOD + "Cooks,nan,9\n", 3, "male_count is 'nan', not a whole number"),
        (SHARES + "Cooks,0.5,0.4\n", 2, "the shares of 'Cooks' add up to 0.9, not 1"),
        (SHARES + "Cooks,1.5,-0.5\n", 2, "male_share is '1.5', not a number from 0 to 1"),
        (SHARES + "Cooks,half,half\n", 2, "male_share is 'half', not a number from 0 to 1"),
        (SHARES + "Cooks,,1\n", 2, "male_share is missing"),
        ("context,male_share,female_count\nCooks,0.5,1\n", 1, "missing columns .'female_share'"),
        ("context,occupation,male_count,female_count\nA,B,1,2\n", 1, "expected one of .'context'"),
        (HEADER + GOOD + "Cooks,0,0\n", 3, "the counts of 'Cooks' add up to 0"),
        (HEADER + GOOD + GOOD, 3, "duplicate occupation 'Nurses'"),
        (HEADER + GOOD + " Nurses ,2,3\n", 3, "duplicate occupation 'Nurses'"),
        (HEADER + GOOD + ",2,3\n", 3, "names no occupation"),
        (HEADER + GOOD + "Cooks,1,9,7\n", 3, "more fields than columns"),
        (HEADER + GOOD + "Cooks, chefs,1,9\n", 3, "more fields .* commas"),
        ("", 1, "missing columns"),
    ],
)
def test_bad_counts_are_named(tmp_path: Path, text: str, row: int, problem: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"^{path}:{row}: .*{problem}"):
        read_weights(path, CATEGORIES)


def test_file_without_rows_or_without_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    with pytest.raises(InputError, match=f"{path}: No such file"):
        read_weights(path, CATEGORIES)
    path.write_text(HEADER)
    with pytest.raises(InputError, match=f"{path}: no rows"):
        read_weights(path, CATEGORIES)


def test_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes((HEADER + "Élèves,1,9\n").encode("cp1252"))
    with pytest.raises(InputError, match=str(path)):
        read_weights(path, CATEGORIES)


def test_odd_names_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    names = [
        'The "best" cooks',
        "Café-Köche 厨师",
        "=1+1",
        "@SUM(A1)",
        "{context}s",
        "Cooks, chefs",
    ]
    lines = ['"{}",3,1\n'.format(name.replace('"', '""')) for name in names]
    path.write_text("\ufeff" + HEADER + "".join(lines) + "\n", encoding="utf-8")
    assert read_weights(path, CATEGORIES) == dict.fromkeys(names, [3, 1])


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("female_count,sector,occupation,male_count\r\n9,Health,Nurses,1\r\n")
    assert read_weights(path, CATEGORIES) == {"Nurses": [1, 9]}


def test_targets_of_real_and_even(tmp_path: Path, gender: Attribute) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(HEADER + "Nurses,1,3\nCooks,0,7\nClerks,2,2\n")
    real = build_spec("r", gender, path, "real")
    assert [(c.name, c.target) for c in real.contexts] == [
        ("Nurses", [0.25, 0.75]),
        ("Cooks", [0.0, 1.0]),
        ("Clerks", [0.5, 0.5]),
    ]
    even = build_spec("e", gender, path, "even", max_contexts=2)
    assert [(c.name, c.target) for c in even.contexts] == [
        ("Nurses", [0.5, 0.5]),
        ("Cooks", [0.5, 0.5]),
    ]


def test_even_target_of_three_categories_is_a_distribution(
    tmp_path: Path, sentiment: Attribute
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("occupation\nNurses\n")
    spec = build_spec("e", sentiment, path, "even")
    write_json(tmp_path / "spec.json", json.loads(spec.model_dump_json()))
    assert read_spec(tmp_path / "spec.json") == spec
    assert math.isclose(sum(spec.contexts[0].target), 1)


def test_even_target_reads_contexts_beside_any_counts(tmp_path: Path, race: Attribute) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(HEADER + "Nurses,1,3\nCooks,n/a,\n")
    spec = build_spec("e", race, path, "even")
    assert [context.name for context in spec.contexts] == ["Nurses", "Cooks"]
    assert spec.contexts[0].target == [0.2] * 5
    with pytest.raises(InputError, match=r":1: missing columns .*'asian_count'"):
        build_spec("r", race, path, "real")
    path.write_text("occupation,year\nNurses,1\n")
    with pytest.raises(InputError, match=r"unknown columns \['year'\]"):
        build_spec("e", race, path, "even")


def test_every_data_set_is_defined() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["targets"]
    sizes = {}
    for name, definition in TargetsParams.model_validate(params).datasets.items():
        attributes = {
            part.attribute: read_attribute(ROOT / "data/attributes" / f"{part.attribute}.yaml")
            for part in definition.parts(name).values()
        }
        spec = dataset_spec(name, attributes, definition, ROOT)
        sizes[name] = (len(spec.contexts), len(spec.categories))
    assert sizes == {
        "uk_real": (25, 2),
        "uk_even": (25, 2),
        "us_real": (14, 2),
        "us_even": (14, 2),
        "race_even": (14, 5),
        "sentiment_even": (14, 3),
        "commute": (12, 4),
        "person": (12, 4),
        "remote": (15, 5),
        "presse": (15, 4),
        "gender_stated": (80, 2),
        "three": (53, 10),
        "three_stated": (240, 10),
    }


def test_shares_are_the_target_of_their_own_context() -> None:
    attribute = read_attribute(ROOT / "data/attributes/person.yaml")
    spec = build_spec("person", attribute, ROOT / "data/examples/person.csv", "real")
    assert spec.context("Nurses").target == pytest.approx([0.40, 0.20, 0.25, 0.15])
    assert spec.context("Plumbers").target == pytest.approx([0.15, 0.35, 0.15, 0.35])
    even = build_spec("person", attribute, ROOT / "data/examples/person.csv", "even")
    assert even.context("Nurses").target == [0.25] * 4


def test_unknown_data_set_lists_those_there_are() -> None:
    params = TargetsParams.model_validate(
        {
            "max_contexts": None,
            "datasets": {"a": {"attribute": "g", "contexts": "c", "target": "real"}},
        }
    )
    assert params.dataset("a").target == "real"
    with pytest.raises(InputError, match=r"no data set 'b'; there are \['a'\]"):
        params.dataset("b")


# Any signs but the carriage return, which is read as a line break.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r")).map(str.strip).filter(bool)
COUNTS = st.lists(st.integers(0, 10**12), min_size=2, max_size=2).filter(any)


@given(counts=st.dictionaries(NAMES, COUNTS, min_size=1, max_size=8))
def test_any_names_and_counts_come_back(gender: Attribute, counts: dict[str, list[int]]) -> None:
    with io.StringIO(newline="") as file, tempfile.TemporaryDirectory() as folder:
        rows = [HEADER.strip().split(","), *([name, *row] for name, row in counts.items())]
        csv.writer(file).writerows(rows)
        path = Path(folder) / "counts.csv"
        path.write_text(file.getvalue(), encoding="utf-8", newline="")
        assert read_weights(path, CATEGORIES) == counts
        spec = build_spec("d", gender, path, "real")
    assert [context.name for context in spec.contexts] == [*counts]
    for context in spec.contexts:
        assert math.isclose(sum(context.target), 1)
        total = sum(counts[context.name])
        assert [round(share * total) for share in context.target] == counts[context.name]


def test_transfer_is_to_other_contexts_and_the_same_kind_of_target() -> None:
    trained = DatasetParams(attribute="gender", contexts="uk.csv", target="real")
    unseen = trained.model_copy(update={"contexts": "us.csv"})
    even = unseen.model_copy(update={"target": "even"})
    assert [is_transfer(trained, tested) for tested in (unseen, trained, even)] == [
        True,
        False,
        False,
    ]

"""What a spreadsheet would take for a formula stays text, from the counts to the report's files."""

import csv
import math
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distalign.records.files import read_spec
from distalign.records.schemas import InputError
from distalign.report.cell_files import write_csv
from stages import targets
from tests.support.hostile_report import odd_spec, report_of, run_stage
from tests.support.paths import ROOT

NAMES = [
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://127.0.0.1/?x="&A1,"open")',
    '"=1+1"',
    "'=1+1",
    "cooks,=1+1",
    "cooks;=1+1",
    "cooks\n=1+1",
    '","=1+1',
]
CATEGORIES = ["=1+2", "@Female"]
BEGIN_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
TEXTS = st.text(st.characters(codec="utf-8"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_counts(monkeypatch: pytest.MonkeyPatch, header: str, *rows: tuple[str, ...]) -> list[str]:
    """Contexts' names in the specification that the stage `targets` makes of these rows."""
    with open("counts.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    dataset = "{attribute: gender, contexts: counts.csv, target: real}"
    text = f"targets: {{max_contexts: null, datasets: {{odd: {dataset}}}}}"
    Path("params.yaml").write_text(text, encoding="utf-8")
    attributes = str(ROOT / "data/attributes")
    run_stage(targets, monkeypatch, dataset="odd", attributes=attributes, out="odd.json")
    return [context.name for context in read_spec(Path("odd.json")).contexts]


COUNTS, SHARES = "occupation,male_count,female_count", "context,male_share,female_share"


def test_names_are_read_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_counts(monkeypatch, COUNTS, *((name, "1", "3") for name in NAMES)) == NAMES


@pytest.mark.parametrize("header", [COUNTS, SHARES])
@pytest.mark.parametrize("cell", [*NAMES, "=1+1", "@1", "=0.5"])
def test_a_formula_is_no_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch, header: str, cell: str
) -> None:
    column = header.split(",")[1]
    with pytest.raises(InputError, match=rf"^counts\.csv:\d+: {column} is "):
        read_counts(monkeypatch, header, ("cooks", cell, "1"))
    assert not Path("odd.json").exists()


def is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False


@pytest.mark.filterwarnings("ignore:Glyph")
def test_no_cell_of_the_report_is_a_formula(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report_of(odd_spec(NAMES, CATEGORIES), "=1+1", monkeypatch)
    files = sorted(path.name for path in folder.rglob("*.csv") if path.parent.name != "ours")
    assert files == ["calibration.csv", "contexts.csv", "paper.csv", "training.csv"]
    for file in ("report/contexts.csv", "plots/calibration.csv"):
        with open(file, encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        for column, names in (("context", NAMES), ("category", CATEGORIES)):
            shown = dict.fromkeys(row[column] for row in rows)
            assert [text.removeprefix("'") for text in shown] == [
                n.removeprefix("'") for n in names
            ]
        cells = [cell for row in rows for cell in row.values()]
        assert not [c for c in cells if c.startswith(BEGIN_FORMULA) and not is_number(c)]


@given(text=TEXTS, first=st.sampled_from(["", *BEGIN_FORMULA]))
def test_any_text_comes_back_and_is_no_formula(text: str, first: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_csv(path, pd.DataFrame({"name": [first + text, "end"], "value": [-1.5, 2.0]}))
        with path.open(encoding="utf-8", newline="") as file:
            _, (name, value), end = csv.reader(file)
    assert not name.startswith(BEGIN_FORMULA)
    assert name.removeprefix("'") == (first + text).replace("\r", "\n").removeprefix("'")
    assert (value, end) == ("-1.5", ["end", "2.0"])

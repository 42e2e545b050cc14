"""Answers that exist already are read, and what is wrong in them is told."""

import json
from pathlib import Path

import pytest

from distalign.records.schemas import InputError
from distalign.statistics.answers import draw_shares, read_answers, read_targets
from distalign.statistics.score import context_table

TARGETS = "context,Agree,Neither,Disagree\nBäcker,0.5,0.3,0.2\nNurses,0.333,0.333,0.333\n"
SHARES = ["Agree", "Neither", "Disagree"]
GIVEN = ["Bäcker,Agree"] * 6 + ["Bäcker,Neither"] * 4 + ["Nurses,Disagree", "Nurses,"]
ANSWERS = "id,context,category\n" + "".join(f"{i},{row}\n" for i, row in enumerate(GIVEN))


def write(folder: Path, targets: str = TARGETS, answers: str = ANSWERS) -> tuple[Path, Path]:
    paths = folder / "answers.csv", folder / "targets.csv"
    for path, text in zip(paths, (answers, targets), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize(
    ("targets", "answers", "message"),
    [
        ("name,Yes,No\nA,1,0\n", "", "targets.csv:1: no column 'context'"),
        ("context,Yes\nA,1\n", "", "targets.csv:2: .* two categories"),
        ("context,Yes,No\nA,0.5,0.5\nB,0.5,0.6\n", "", "targets.csv:3: .* add up to 1.1"),
        ("context,Yes,No\nA,50,50\n", "", "targets.csv:2: Yes = '50'; write a share"),
        ("context,Yes,No\nA,x,0.5\n", "", "targets.csv:2: Yes = 'x'"),
        ("context,Yes,No\nA,nan,0.5\n", "", "targets.csv:2: Yes = 'nan'"),
        ("context,Yes,No\nA,1,0\nA,1,0\n", "", "targets.csv:3: context 'A' is .* twice"),
        ("context,Yes,No\nA,1,0,3\n", "", "targets.csv:2: more values"),
        ("context,Yes,Yes\nA,1,0\n", "", "targets.csv:1: .* name each column once"),
        ("context,Yes,No\n", "", "targets.csv: no context"),
        (TARGETS, "context,category\nBäcker,Agree\nNurse,Agree\n", "csv:3: .*mean 'Nurses'"),
        (TARGETS, "context,category\nNurses,agree\n", "csv:2: category 'agree' .*mean 'Agree'"),
        (TARGETS, "context,category\n", "answers.csv: no answer"),
        (TARGETS, "context,category,refused\nNurses,,no\n", "csv:2: refused = 'no'; write yes"),
        (TARGETS, "context,category,refused\nNurses,Agree,yes\n", "csv:2: .* without a category"),
        (TARGETS, "context,answer\nNurses,Agree\n", "answers.csv:1: no column 'category'"),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(
    tmp_path: Path, targets: str, answers: str, message: str
) -> None:
    answers_path, targets_path = write(tmp_path, targets, answers)
    with pytest.raises(InputError, match=message):
        read_answers(answers_path, read_targets(targets_path))


def test_jsonl_is_read_as_csv_is(tmp_path: Path) -> None:
    answers, targets = write(tmp_path)
    lines = [row.split(",") for row in GIVEN]
    rows = [{"id": [1, {}], "context": c, "category": k or None} for c, k in lines]
    other = tmp_path / "answers.jsonl"
    other.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    table = tmp_path / "targets.jsonl"
    shares = [{"Agree": 0.5, "Neither": 0.3, "Disagree": 0.2}, dict.fromkeys(SHARES, 0.333)]
    named = [{"context": c} | row for c, row in zip(("Bäcker", "Nurses"), shares, strict=True)]
    table.write_text("\n".join(map(json.dumps, named)), encoding="utf-8")
    spec = read_targets(table)
    assert spec == read_targets(targets)
    read = [[row.category for row in read_answers(path, spec)] for path in (answers, other)]
    assert read[0] == read[1]


def test_refusals_are_read_where_they_are_told(tmp_path: Path) -> None:
    given = "context,category,refused\nNurses,,yes\nNurses,,\nNurses,Agree,\n"
    answers, targets = write(tmp_path, answers=given)
    read = read_answers(answers, read_targets(targets))
    assert [row.refused for row in read] == [True, False, False]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("category", "n"), [("", 0), ("Disagree", 1)])
def test_a_figure_without_valid_answers_has_no_legend(
    tmp_path: Path, category: str, n: int
) -> None:
    answers, targets = write(tmp_path, answers=f"context,category\nNurses,{category}\n")
    spec = read_targets(targets)
    table = context_table(read_answers(answers, spec), spec)
    draw_shares(table, tmp_path / "contexts.svg")
    assert (tmp_path / "contexts.svg").read_text().count('id="legend_1"') == n


def test_shares_are_normalised_when_asked(tmp_path: Path) -> None:
    _, targets = write(tmp_path, "context,Yes,No\nA,30,10\nB,0.4,0.5\n")
    spec = read_targets(targets, normalise=True)
    shares = [share for context in spec.contexts for share in context.target]
    assert shares == pytest.approx([0.75, 0.25, 4 / 9, 5 / 9])
    for line in ("A,0,0", "A,inf,1", "A,-1,2"):
        _, targets = write(tmp_path, f"context,Yes,No\n{line}\n")
        with pytest.raises(InputError, match=r"targets.csv:2: "):
            read_targets(targets, normalise=True)

"""Answers that exist already: the command from two files to its table, JSON and figure."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from distalign.records.schemas import InputError
from distalign.statistics.answers import draw_shares, summary
from tests.support.paths import ROOT
from tools import rounds, score
from tools.answers import check_normalised

TARGETS = "context,Agree,Neither,Disagree\nBäcker,0.5,0.3,0.2\nNurses,0.333,0.333,0.333\n"
GIVEN = ["Bäcker,Agree,"] * 6 + ["Bäcker,Neither,"] * 4 + ["Nurses,Disagree,", "Nurses,,yes"]
ANSWERS = "id,context,category,refused\n" + "".join(f"{i},{row}\n" for i, row in enumerate(GIVEN))


def test_command_writes_table_json_and_figure_without_torch(tmp_path: Path) -> None:
    answers, targets = tmp_path / "answers.csv", tmp_path / "targets.csv"
    answers.write_text(ANSWERS, encoding="utf-8")
    targets.write_text(TARGETS, encoding="utf-8")
    code = (
        "import runpy, sys; sys.argv[0] = 'score'\n"
        "runpy.run_module('tools.score', run_name='__main__')\n"
        "assert 'torch' not in sys.modules\n"
    )
    flags = [answers, targets, "--out", tmp_path / "scored", "--resamples", "20", "--ordered"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, flags)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "11 of 12 answers valid" in done.stdout
    metrics = json.loads((tmp_path / "scored/metrics.json").read_text())
    assert metrics["refused"] == pytest.approx(1 / 12, abs=1e-6)
    # Bäcker: 0.6, 0.4, 0 against 0.5, 0.3, 0.2. Nurses: 0, 0, 1 against thirds.
    assert metrics["mae"] == pytest.approx((0.4 / 3 + 4 / 9) / 2, abs=1e-6)
    # Of two places between three steps: 0.1 and 0.2 off, and one and two thirds.
    assert metrics["w1"] == pytest.approx((0.15 + 0.5) / 2, abs=1e-6)
    assert f"w1         {metrics['w1']:.4f}" in done.stdout
    table = pd.read_csv(tmp_path / "scored/contexts.csv")
    assert table["observed"].tolist() == [0.6, 0.4, 0, 0, 0, 1]
    assert (tmp_path / "scored/contexts.svg").read_text().lstrip().startswith("<?xml")


def test_no_file_that_is_read_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, targets = tmp_path / "answers.csv", tmp_path / "contexts.csv"
    answers.write_text(ANSWERS, encoding="utf-8")
    targets.write_text(TARGETS, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["score", str(answers), str(targets), "--out", str(tmp_path)])
    with pytest.raises(InputError, match=r"contexts.csv; name another folder"):
        score.main()
    assert targets.read_text(encoding="utf-8") == TARGETS


@pytest.mark.parametrize("rows", [["All,50,49,1"], ["A,50,25,25", "B,50,40,10"]])
def test_percentages_of_which_one_is_a_half_or_a_hundredth_are_no_totals(
    tmp_path: Path, rows: list[str]
) -> None:
    targets = tmp_path / "targets.csv"
    targets.write_text("\n".join(["context,Male,Female,Diverse", *rows]), encoding="utf-8")
    check_normalised(targets)
    targets.write_text("context,Male,Female,All\nA,30,70,100\n", encoding="utf-8")
    with pytest.raises(InputError, match="'All' seems to be no category"):
        check_normalised(targets)


def test_where_nothing_is_valid_no_context_is_called_misaligned() -> None:
    empty = {"n_valid": 0, "n_rounds": 4, "n_contexts": 0, "n_misaligned": None}
    assert "0 contexts" in summary(empty).splitlines()


def test_signs_of_currency_are_no_mathematics(tmp_path: Path) -> None:
    names = ["$25k-$50k", "50 % of $1 or $2"]
    rows = {"context": "Nurses", "target": 0.5, "observed": 0.5, "low": 0.4, "high": 0.6}
    table = pd.DataFrame([rows | {"category": name} for name in names])
    draw_shares(table, tmp_path / "shares.svg")
    with_text = (tmp_path / "shares.svg").read_text(encoding="utf-8")
    assert all(f"<!-- {name} -->" in with_text for name in names)


@pytest.mark.parametrize(
    ("targets", "flags", "message"),
    [
        ("A,B\nx,.5,.5", ["--out", "answers.csv"], "answers.csv is a file; name another folder"),
        ("A,B\nx,.5,.5", ["--seed", "-1"], "--seed -1: take 0 or more"),
        ("A,B,all\nx,1,3,4\ny,2,3,5", ["--normalise"], "targets.csv:1: 'all' seems to be no"),
        ("A,B,n\nx,10,90,40\ny,0,99,7", ["--normalise"], "targets.csv:1: 'n' seems to be no"),
        ("A,B\nx,.5,.5", ["--free"], "answers.csv:1: answers in free text; `distalign-read`"),
    ],
)
def test_what_would_be_lost_or_misread_is_told(
    targets: str,
    flags: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    column = "answer" if "--free" in flags else "category"
    Path("answers.csv").write_text(f"context,{column}\nx,A\n", encoding="utf-8")
    Path("targets.csv").write_text(f"context,{targets}\n", encoding="utf-8")
    flags = [flag for flag in flags if flag != "--free"]
    monkeypatch.setattr("sys.argv", ["score", "answers.csv", "targets.csv", "--out", "o", *flags])
    with pytest.raises(InputError, match=message):
        score.main()
    if "--normalise" in flags:
        monkeypatch.setattr("sys.argv", ["rounds", "targets.csv", "--normalise"])
        with pytest.raises(InputError, match=message):
            rounds.main()


def test_shares_of_which_one_is_a_half_are_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("targets.csv").write_text("context,A,B,C\nx,.5,.25,.25\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["rounds", "targets.csv", "--normalise"])
    rounds.main()

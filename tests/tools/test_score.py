"""Answers that exist already: the command from two files to its table, JSON and figure."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.support.paths import ROOT

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

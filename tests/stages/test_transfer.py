"""The stage `transfer` asks no policy about its own contexts, nor for another kind of target."""

import json
import shutil
from pathlib import Path

import pytest

from distalign.records.files import write_json
from distalign.records.schemas import Context, DatasetSpec
from stages import transfer
from tests.support.hostile_report import run_stage
from tests.support.paths import ROOT


@pytest.mark.parametrize("tested", ["uk_real", "uk_even", "us_even"])
def test_a_pair_that_is_no_transfer_has_no_rounds(
    tested: str, spec: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    asked = spec.model_copy(update={"contexts": [Context(name="Actors", target=[0.5, 0.5])]})
    write_json(Path("spec.json"), asked.model_dump())
    made = {"out": "rounds.jsonl", "metrics": "metrics.json", "provenance": "made.json"}
    absent = dict.fromkeys(("prompts", "base", "policy", "checkpoints"), "none")
    names = {"seed": "0", "trained": "uk_real", "tested": tested, "spec": "spec.json"}
    run_stage(transfer, monkeypatch, **names, **absent, **made)
    assert Path("rounds.jsonl").read_text(encoding="utf-8") == ""
    assert json.loads(Path("metrics.json").read_text(encoding="utf-8"))["n_rounds"] == 0

"""The search of a method's parameters: its commands, its choice, its working directories."""

import sys
from pathlib import Path

import pytest
import yaml

from benchmarks.search import LINKS, command, criterion, prepare, run_trial, table
from distalign.records.files import read_jsonl
from distalign.records.schemas import Prompt
from tests.support.paths import ROOT

TRIAL = {"method": "ift", "learning_rate": 1e-3, "rows": 16, "epochs": 1.0}
METRICS = {"mae": 0.05, "validity": 1.0, "expected_mae": None}


def test_command_of_a_stage_with_other_paths() -> None:
    template = "${launch} stages.train --method ${item.method} --out models/${item.method} --n 1"
    names = {"launch": "python -m", "item.method": "ift"}
    words = command(template, names, {"out": "policy"})
    assert words == [
        *(sys.executable, "-m", "stages.train", "--method", "ift"),
        *("--out", "policy", "--n", "1"),
    ]
    with pytest.raises(ValueError, match="--log"):
        command(template, names, {"log": "x"})


def test_stages_have_the_flags_that_a_trial_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    prepare(tmp_path / "trial", TRIAL, [], 2)
    ran = []

    def run(words: list[str], cwd: Path, env: dict[str, str], check: bool) -> None:
        ran.append(words)
        assert "${" not in " ".join(words)
        if words[2] == "stages.score":
            (cwd / "metrics.json").write_text('{"mae": 0.1}')

    monkeypatch.setattr("benchmarks.search.subprocess.run", run)
    item = {"model": "m", "training": "attribute", "setting": "attribute", "dataset": "uk_real"}
    item |= {"method": "ift", "seed": "0"}
    assert run_trial(tmp_path / "trial", item) == {"mae": 0.1}
    assert [words[2] for words in ran] == [
        f"stages.{s}" for s in ("train", "sample", "judge", "score")
    ]
    # What is done is not done again.
    assert run_trial(tmp_path / "trial", item) == {"mae": 0.1}
    assert len(ran) == 4


def test_a_trial_asks_validation_prompts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    prompts = [
        Prompt(setting="attribute", context="Cooks", split=split, prompt=split, source="grammar")
        for split in ("train", "validation", "test")
    ]
    prepare(tmp_path, TRIAL, prompts, 7)
    [asked] = read_jsonl(tmp_path / "prompts.jsonl", Prompt)
    assert (asked.prompt, asked.split) == ("validation", "test")
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert params["sample"]["n"] == 7
    assert params["train"]["ift"] | TRIAL == params["train"]["ift"] | {"method": "ift"}
    assert all((tmp_path / name).is_symlink() for name in LINKS)


def test_expected_mae_decides_where_there_is_one() -> None:
    assert criterion(METRICS) == 0.05
    assert criterion(METRICS | {"expected_mae": 0.03}) == 0.03
    assert criterion(METRICS | {"validity": 0.9}) == float("inf")


def test_the_best_trial_of_each_method_is_marked() -> None:
    trials = [
        (TRIAL, METRICS),
        (TRIAL | {"rows": 32}, METRICS | {"mae": 0.04}),
        (TRIAL | {"rows": 64}, METRICS | {"mae": 0.01, "validity": 0.5}),
        (TRIAL | {"method": "dpo"}, METRICS | {"validity": 0.5}),
    ]
    lines = table(trials).splitlines()[2:]
    assert [line.split("|")[-2].strip() for line in lines] == ["", "x", "", ""]

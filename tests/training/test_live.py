"""The training log is written wherever training runs."""

import subprocess
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from distalign.training.calibration import LiveCallback


@pytest.mark.parametrize("pipeline", [False, True])
def test_a_repository_without_a_commit_is_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        subprocess.run(command, check=True)
    if pipeline:
        monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    arguments, state = TrainingArguments("out", report_to=[]), TrainerState()
    callback = LiveCallback(Path("live"), None)
    callback.on_train_begin(arguments, state, TrainerControl())
    for step in (1, 2):
        state.global_step = step
        callback.on_log(arguments, state, TrainerControl(), {"loss": 1 / step}, None)
    callback.on_train_end(arguments, state, TrainerControl())
    assert Path.cwd() == tmp_path
    rows = (tmp_path / "live/plots/metrics/loss.tsv").read_text(encoding="utf-8")
    assert rows.split() == ["step", "loss", "1", "1.0", "2", "0.5"]

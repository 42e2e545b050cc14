"""Two processes train what one does: the same losses and the same adapter."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from tests.support.paths import ROOT

LIMIT_S = 300
OBJECTIVES = ["ift", "hybrid"]
LAUNCH = ["accelerate", "launch", "--multi_gpu", "--num_machines", "1", "--mixed_precision", "no"]
LAUNCH += ["--dynamo_backend", "no", "--num_processes", "2"]


Trained = tuple[list[float], dict[str, torch.Tensor]]
"""The losses and the adapter of a training."""


def training(
    launcher: list[str], objectives: list[str], base: Path, folder: Path, n_rows: int
) -> subprocess.Popen[str]:
    arguments = ["-m", "tests.support.train_tiny"]
    arguments += [str(base), str(folder), str(n_rows), *objectives]
    return subprocess.Popen(
        [*launcher, *arguments],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    launcher: list[str], objectives: list[str], base: Path, folder: Path, n_rows: int = 40
) -> dict[str, Trained]:
    """Objective -> its training."""
    folder.mkdir(exist_ok=True)
    with training(launcher, objectives, base, folder, n_rows) as process:
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors[-3000:]
    return {
        objective: (
            json.loads((folder / objective / "losses.json").read_text(encoding="utf-8")),
            load_file(folder / objective / "adapter.safetensors"),
        )
        for objective in objectives
    }


@pytest.fixture(scope="module")
def alone(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    return run([sys.executable], OBJECTIVES, base_model, tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def together(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    return run(LAUNCH, OBJECTIVES, base_model, tmp_path_factory.mktemp("two"))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_train_as_one(
    objective: str, alone: dict[str, Trained], together: dict[str, Trained]
) -> None:
    one, two = alone[objective], together[objective]
    assert len(one[0]) == {"ift": 5, "hybrid": 10}[objective]
    assert two[0] == pytest.approx(one[0], abs=1e-4)
    assert max(one[0]) - min(one[0]) > 1e-3
    for name, weight in one[1].items():
        torch.testing.assert_close(two[1][name], weight, atol=1e-3, rtol=0)


@pytest.mark.slow
def test_processes_go_on_after_one_of_them_was_killed(base_model: Path, tmp_path: Path) -> None:
    whole = run(LAUNCH, ["hybrid"], base_model, tmp_path / "whole", n_rows=400)["hybrid"]
    folder = tmp_path / "cut"
    folder.mkdir()
    with training(LAUNCH, ["hybrid"], base_model, folder, n_rows=400) as process:
        deadline = time.monotonic() + LIMIT_S
        while not list(folder.glob("hybrid/workspace/checkpoint-*/trainer_state.json")):
            assert process.poll() is None, process.stderr.read()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        psutil.Process(process.pid).children()[1].kill()
        process.communicate(timeout=LIMIT_S)
    assert process.returncode != 0
    assert not (folder / "hybrid/adapter.safetensors").exists()

    cut = run(LAUNCH, ["hybrid"], base_model, folder, n_rows=400)["hybrid"]
    assert cut[0] == pytest.approx(whole[0], abs=1e-6)
    for name, weight in whole[1].items():
        torch.testing.assert_close(cut[1][name], weight, atol=1e-6, rtol=0)

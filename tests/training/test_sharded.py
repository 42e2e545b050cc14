"""A model that FSDP divides between two processes trains as the whole one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.support.paths import ROOT

pytestmark = pytest.mark.heavy
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
NAMES = ["tied-float32", "untied-bfloat16"]


def run(n_processes: int, folder: Path) -> None:
    command = [*LAUNCH, str(n_processes), "-m", "tests.support.sharded_tiny", str(folder), *NAMES]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run(1, folder := tmp_path_factory.mktemp("whole"))
    return folder


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run(2, folder := tmp_path_factory.mktemp("divided"))
    return folder


def read(folder: Path) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and probabilities of the steps, and the adapter."""
    values = json.loads((folder / "values.json").read_text(encoding="utf-8"))
    return values, load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("name", NAMES)
def test_a_divided_model_trains_as_a_whole_one(name: str, whole: Path, divided: Path) -> None:
    values, one = read(whole / name)
    assert len(values) == 5
    assert abs(values[2] - values[0]) > 0.03  # a step has changed the loss
    exact = name.endswith("float32")
    found, two = read(divided / name)
    assert found == pytest.approx(values, rel=1e-5 if exact else 5e-3)
    assert one.keys() == two.keys()
    for key, weight in one.items():
        torch.testing.assert_close(two[key], weight, atol=1e-4 if exact else 0.2, rtol=0)

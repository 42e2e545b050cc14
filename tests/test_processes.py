"""Two processes train what one does: the same losses and the same adapter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[1]
LIMIT_S = 300
LAUNCH = ["accelerate", "launch", "--multi_gpu", "--num_machines", "1", "--mixed_precision", "no"]
LAUNCH += ["--dynamo_backend", "no", "--num_processes", "2"]


def run(command: list[str], objective: str, base: Path, folder: Path) -> tuple[list[float], dict]:
    folder.mkdir()
    script = ["-m", "tests.train_tiny", objective, str(base), str(folder)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, *script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    losses = json.loads((folder / "losses.json").read_text(encoding="utf-8"))
    return losses, load_file(folder / "adapter.safetensors")


@pytest.mark.parametrize("objective", ["ift", "hybrid"])
def test_two_processes_train_as_one(objective: str, base_model: Path, tmp_path: Path) -> None:
    one = run([sys.executable], objective, base_model, tmp_path / "one")
    two = run(LAUNCH, objective, base_model, tmp_path / "two")
    assert len(one[0]) == {"ift": 5, "hybrid": 10}[objective]
    assert two[0] == pytest.approx(one[0], abs=1e-4)
    assert max(one[0]) - min(one[0]) > 1e-3
    for name, weight in one[1].items():
        torch.testing.assert_close(two[1][name], weight, atol=1e-3, rtol=0)

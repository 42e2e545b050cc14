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

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def run(
    n_processes: int, tied: str, dtype: str, folder: Path
) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and probabilities of the steps, and the adapter."""
    folder.mkdir()
    command = [
        *LAUNCH,
        str(n_processes),
        "-m",
        "tests.support.sharded_tiny",
        tied,
        dtype,
        str(folder),
    ]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    values = json.loads((folder / "values.json").read_text(encoding="utf-8"))
    return values, load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize(("tied", "dtype"), [("tied", "float32"), ("untied", "bfloat16")])
def test_a_divided_model_trains_as_a_whole_one(tied: str, dtype: str, tmp_path: Path) -> None:
    whole, one = run(1, tied, dtype, tmp_path / "one")
    divided, two = run(2, tied, dtype, tmp_path / "two")
    assert len(whole) == 5
    assert abs(whole[2] - whole[0]) > 0.03  # a step has changed the loss
    exact = dtype == "float32"
    assert divided == pytest.approx(whole, rel=1e-5 if exact else 5e-3)
    assert one.keys() == two.keys()
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, atol=1e-4 if exact else 0.2, rtol=0)

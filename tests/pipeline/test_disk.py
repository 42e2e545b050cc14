"""A full or read-only disk: one message, nothing overwritten, and the rerun goes through."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from distalign.records.files import read_attribute, read_jsonl, write_jsonl
from distalign.records.schemas import Context, DatasetSpec, Judgement, Round
from tests.support.paths import ROOT

FULL, READ_ONLY = "size=16k", "ro"
MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    """Whether a small file system of its own can be had here, as it can on most Linux kernels."""
    script = "mount -t tmpfs tmpfs /mnt"
    return bool(shutil.which("unshare")) and (
        subprocess.run([*MOUNT, "sh", "-c", script], capture_output=True, timeout=20).returncode
        == 0
    )


pytestmark = pytest.mark.skipif(not can_mount(), reason="no user namespaces: cannot mount a disk")


def on_disk(
    options: str, disk: Path, command: list[str], before: str = "true"
) -> subprocess.CompletedProcess[str]:
    """Run a command with a small disk mounted on a folder; what is then on it is printed."""
    remount = f"mount -o remount,ro {disk}" if options == READ_ONLY else "true"
    size = "size=1m" if options == READ_ONLY else options
    script = (
        f"mount -t tmpfs -o {size} tmpfs {disk} && ({before}) && {remount} && "
        f'"$@"; code=$?; ls -A {disk}; cat {disk}/out.jsonl; exit $code'
    )
    return subprocess.run(
        [*MOUNT, "sh", "-c", script, "sh", *command],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def judging(tmp_path: Path) -> list[str]:
    """The command line of the stage `judge` without its last value, the file to write."""
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name="Nurses", target=[0.5, 0.5])]
    spec = DatasetSpec(name="jobs", target="even", attribute=attribute, contexts=contexts)
    (tmp_path / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
    unsteered = {"drawn": None, "probabilities": None, "mass": None}
    rounds = [
        Round(context="Nurses", round=i, prompt="What gender?", text="She is female.", **unsteered)
        for i in range(400)
    ]
    write_jsonl(tmp_path / "rounds.jsonl", rounds)
    command = [sys.executable, "-m", "stages.judge", "--setting", "attribute", "--llm", "none"]
    command += ["--spec", str(tmp_path / "spec.json"), "--store", str(tmp_path / "store")]
    return [*command, "--rounds", str(tmp_path / "rounds.jsonl"), "--out"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")],
)
def test_a_stage_that_cannot_write_says_so_and_leaves_the_old_file(
    options: str, fault: str, judging: list[str], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [*judging, str(disk / "out.jsonl")]
    done = on_disk(options, disk, command, before=f"echo old > {disk}/out.jsonl")
    assert done.returncode == 1
    assert done.stderr.strip().startswith(f"error: {disk}/")
    assert fault in done.stderr
    assert "run the same command again" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == "out.jsonl\nold\n"

    assert subprocess.run(command, cwd=ROOT, timeout=300).returncode == 0
    assert len(read_jsonl(disk / "out.jsonl", Judgement)) == 400


@pytest.mark.slow
def test_a_training_whose_checkpoints_do_not_fit_says_so(base_model: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [sys.executable, "-m", "tests.support.train_tiny"]
    command += [str(base_model), str(disk), "40", "ift"]
    done = on_disk("size=200k", disk, command)
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "error: the disk: " in done.stderr
    assert subprocess.run(command, cwd=ROOT, timeout=300).returncode == 0

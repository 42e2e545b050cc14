"""DVC's own time, and DVC beside another of its processes in one folder."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import loads_yaml
from ruamel.yaml import YAML

from tests.support.tiny_pipeline import commit, make_repository

ENTRY = """\
  score@{}:
    cmd: python -m stages.score --spec data/targets/uk_real.json --out
      metrics/score.json
    deps:
    - path: stages/score.py
      hash: md5
      md5: 00328fda525c76e22724db69b076bfd7
      size: 6111
    params:
      params.yaml:
        train.ours:
          rate: 1e-5
          rows:
          shuffle: true
"""
STAGE = """
stages:
  job:
    cmd: touch started && while [ ! -e go ]; do sleep 0.05; done && echo done > result
    outs: [{result: {cache: false}}]
"""
HELD_S = 6
"""Longer than DVC tries to take its lock unless it is told to wait, 3 s."""


def fastest_s(read: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        read(text)
        times.append(time.perf_counter() - start)
    return min(times)


def test_dvc_reads_its_lock_in_c() -> None:
    text = "schema: '2.0'\nstages:\n" + "".join(ENTRY.format(number) for number in range(100))
    in_python = YAML(typ="safe", pure=True).load
    assert loads_yaml(text) == in_python(text)
    assert fastest_s(loads_yaml, text) < fastest_s(in_python, text) / 2


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "does not wait"])
def test_a_job_that_ends_while_another_process_has_the_lock(tmp_path: Path, waits: bool) -> None:
    make_repository(tmp_path, [".dvc/config"])
    (tmp_path / "dvc.yaml").write_text(STAGE, encoding="utf-8")
    commit(tmp_path, "one job")
    options = ["--wait-for-lock"] if waits else []
    command = [sys.executable, "-m", "dvc", *options, "repro", "--single-item", "job"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as job:
        while not (tmp_path / "started").exists():
            assert job.poll() is None, job.communicate()[0]
            time.sleep(0.05)
        with Repo(os.fspath(tmp_path)) as repo, repo.lock:
            (tmp_path / "go").touch()
            time.sleep(HELD_S)
        output = job.communicate()[0]
    assert (tmp_path / "result").read_text(encoding="utf-8") == "done\n"
    recorded = (tmp_path / "dvc.lock").exists()
    assert (job.returncode == 0, recorded) == (waits, waits), output
    assert ("Unable to acquire lock" in output) == (not waits)

"""Jobs side by side: their order by literal graphs, then DVC's own in a small repository."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scales.run import MEMORY_A_JOB, jobs_at_once, minutes_side_by_side, run_all, to_run
from tests.support.cores import CORES
from tests.support.paths import ROOT

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
ENVIRONMENT = os.environ | {"PATH": PATH, "PYTHONPATH": str(ROOT)}
READS = {"check": set(), "a": set(), "b": set(), "c": {"a"}, "d": {"b", "c"}}
WAITS = {
    "check": set(),
    "a": {"check"},
    "b": {"check"},
    "c": {"a", "check"},
    "d": {"b", "c", "check"},
}
PIPELINE = """
stages:
  check: {cmd: test -e params.yaml, deps: [params.yaml]}
  left: {cmd: python meet.py left right, deps: [meet.py], outs: [left]}
  right: {cmd: python meet.py right left, deps: [meet.py], outs: [right]}
  both: {cmd: cat left right more > both, deps: [left, right], outs: [both]}
"""
MEET = """
import sys, time
from pathlib import Path
mine, other = sys.argv[1:]
Path(f"{mine}.here").touch()
start = time.monotonic()
while not Path(f"{other}.here").exists():
    assert time.monotonic() - start < 60, "the other job has not begun"
    time.sleep(0.05)
Path(mine).write_text(mine)
"""


def test_what_comes_after_a_change_is_run_and_nothing_else() -> None:
    assert to_run(READS, READS) == WAITS
    assert to_run(READS, []) == {}
    assert to_run(READS, ["a"]) == {"a": set(), "c": {"a"}, "d": {"c"}}
    # A check alone leaves the results as they are.
    assert to_run(READS, ["check"]) == {"check": set()}
    assert to_run(READS, ["check", "d"]) == {"check": set(), "d": {"check"}}


def test_a_job_begins_when_what_it_reads_is_made() -> None:
    ended: list[str] = []
    meeting = threading.Barrier(2, timeout=30)

    def work(name: str, places: list[int]) -> bool:
        if name == "check":
            assert places == [0, 1]  # it has nothing beside it
        if name in ("a", "b"):
            assert len(places) == 1
            meeting.wait()  # both run at once
        ended.append(name)
        return True

    assert run_all(WAITS, 2, work) == []
    assert ended[0] == "check"
    assert ended[-2:] == ["c", "d"] or ended.index("c") > ended.index("a")
    assert sorted(ended) == sorted(WAITS)


def test_a_long_chain_begins_before_a_short_end() -> None:
    waits = {"end": set(), "one": set(), "two": {"one"}, "three": {"two", "end"}, "late": {"end"}}
    begun: list[str] = []

    def work(name: str, places: list[int]) -> bool:
        begun.append(name)
        return True

    assert run_all(waits, 1, work) == []
    # `one` and `end` have two after them, and keep their order; `two` has one, `late` none.
    assert begun == ["end", "one", "two", "late", "three"]
    waits = {"check": set(), "end": {"check"}, "one": {"check"}, "two": {"one"}}
    assert run_all(waits, 1, work) == []
    assert begun[5:] == ["check", "one", "end", "two"]
    seconds = {"check": 60, "end": 120, "one": 60, "two": 60}
    assert minutes_side_by_side(waits, 2, seconds, seconds) == 3


def test_how_long_jobs_take_side_by_side() -> None:
    beside = {"check": 60, "a": 120, "b": 240, "c": 60, "d": 120}
    alone = dict.fromkeys(beside, 30)
    # check alone; a with c after it, beside b; then d alone.
    assert minutes_side_by_side(WAITS, 2, beside, alone) == (30 + 240 + 30) / 60
    # One after another.
    assert minutes_side_by_side(WAITS, 1, beside, beside) == 10
    assert minutes_side_by_side({}, 2, beside, alone) == 0


def test_after_a_failure_nothing_new_begins() -> None:
    begun: list[str] = []

    def work(name: str, places: list[int]) -> bool:
        begun.append(name)
        return name != "a"

    assert run_all(WAITS, 1, work) == ["a"]
    assert begun == ["check", "a"]


def test_an_error_in_a_job_is_not_swallowed() -> None:
    def work(name: str, places: list[int]) -> bool:
        raise OSError("no such command")

    with pytest.raises(OSError, match="no such command"):
        run_all({"a": set()}, 1, work)


@pytest.mark.parametrize(
    ("cores", "gib", "gpu", "jobs"),
    [(2, 24, False, 2), (2, 4, False, 1), (16, 64, False, 4), (1, 24, False, 1), (16, 64, True, 1)],
)
def test_as_many_jobs_as_fit(cores: int, gib: int, gpu: bool, jobs: int) -> None:
    assert MEMORY_A_JOB < 6 * 2**30
    assert jobs_at_once(cores, gib * 2**30, gpu) == jobs


def command(repository: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scales.run", "--jobs", "2"],
        cwd=repository,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.skipif(len(CORES) < 2, reason="two jobs need two cores")
@pytest.mark.usefixtures("all_cores")
@pytest.mark.heavy
def test_two_jobs_of_dvc_meet_and_a_failed_one_is_named(tmp_path: Path) -> None:
    for name, text in (("dvc.yaml", PIPELINE), ("meet.py", MEET), ("params.yaml", "{}")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True
    )
    failed = command(tmp_path)
    assert failed.returncode == 1
    assert "error: failed: both" in failed.stderr
    assert "cat: more" in failed.stderr  # what the job itself said
    assert (tmp_path / "left").read_text() == "left"
    (tmp_path / "more").write_text("!")
    again = command(tmp_path)
    assert (again.returncode, (tmp_path / "both").read_text()) == (0, "leftright!")
    assert "left: " not in again.stderr  # it was made before
    assert command(tmp_path).stderr == ""  # nothing to do


@pytest.mark.heavy
def test_an_interrupted_run_ends_in_one_line(tmp_path: Path) -> None:
    long = "stages:\n  check: {cmd: touch here; sleep 100, deps: [params.yaml]}\n"
    for name, text in (("dvc.yaml", long), ("params.yaml", "{}")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "scales.run"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell starts in the background ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "here").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; the same command goes on" in said
    assert "Traceback" not in said

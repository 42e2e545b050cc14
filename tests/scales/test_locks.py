"""What was recorded of any scale stays, is out of DVC's way, and keeps its data."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.serialize import dumps_yaml, parse_yaml

from distalign.records.schemas import InputError
from scales.gc import collect
from scales.locks import LOCK, OTHERS, divide, jobs, read_lock, read_others, read_recorded

PIPELINE = """\
vars: [scale.yaml]
stages:
  make:
    matrix:
      name: ${names}
    cmd: >-
      mkdir -p out/${item.name} && cp in.txt out/${item.name}/f.txt &&
      echo ${item.name} >> out/${item.name}/f.txt &&
      echo '{"m": 1}' > ${item.name}.json
    deps: [in.txt]
    outs:
      - out/${item.name}
    metrics:
      - ${item.name}.json:
          cache: false
"""
LONG = "n" * 140  # a key that YAML writes in a form of its own


def entry(value: object) -> dict:
    return {"cmd": "true", "params": {"params.yaml": {"rate": value}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


def choose(root: Path, *names: str, left: str = "default", entered: str = "default") -> None:
    (root / "scale.yaml").write_text(f"names: [{', '.join(names)}]\n", encoding="utf-8")
    listed = [job.name for job in jobs(yaml.safe_load(PIPELINE), {"names": list(names)})]
    divide(root, read_recorded(root), listed, left, entered)


def record(root: Path, entries: dict) -> None:
    text = dumps_yaml({"schema": "2.0", "stages": entries})
    (root / LOCK).write_text(text, encoding="utf-8")


def test_there_and_back_loses_and_changes_nothing(root: Path) -> None:
    entries = {"make@a": entry(1e-05), f"make@{LONG}": entry(None), "make@b": entry("2.0")}
    record(root, entries)
    before = (root / LOCK).read_bytes()
    choose(root, "a", LONG, "b")
    assert (root / LOCK).read_bytes() == before
    assert not (root / OTHERS).exists()
    choose(root, "b", "new")
    assert read_lock(root) == {"make@b": entry("2.0")}
    assert read_others(root) == {"make@a": entry(1e-05), f"make@{LONG}": entry(None)}
    choose(root, "a", LONG, "b")
    assert (root / LOCK).read_bytes() == before
    assert read_others(root) == {}


def test_what_ran_last_stays(root: Path) -> None:
    record(root, {"make@a": entry(1), "make@b": entry(1)})
    choose(root, "b")
    record(root, {"make@b": entry(2), "make@a": entry(2)})  # as `dvc repro` by a hand-made list
    choose(root, "b")
    assert (read_lock(root), read_others(root)) == ({"make@b": entry(2)}, {"make@a": entry(2)})


def test_other_parameters_leave_what_was_recorded(root: Path) -> None:
    record(root, {"make@a": entry(1), "make@b": entry(1)})
    choose(root, "a")
    before = (root / LOCK).read_bytes()
    choose(root, "a", "c", left="default", entered="quick")
    # What the job reads may be the same: DVC sees by itself whether it is.
    assert read_lock(root) == {"make@a": entry(1)}
    choose(root, "a", left="quick", entered="default")
    assert (read_lock(root), read_others(root)) == ({"make@a": entry(1)}, {"make@b": entry(1)})
    choose(root, "a", "c", left="default", entered="quick")
    record(root, {"make@a": entry(2), "make@c": entry(2)})
    choose(root, "a", left="quick", entered="default")
    assert (root / LOCK).read_bytes() == before
    assert read_others(root) == {
        "make@b": entry(1),
        "quick/make@a": entry(2),
        "quick/make@c": entry(2),
    }
    choose(root, "a", "c", left="default", entered="quick")
    assert read_lock(root) == {"make@a": entry(2), "make@c": entry(2)}


def test_a_third_choice_loses_nothing_that_two_have_alike(root: Path) -> None:
    record(root, {"make@a": entry(1), "make@b": entry(1)})
    choose(root, "a", "b")
    choose(root, "a", "b", left="default", entered="quick")
    record(root, {"make@a": entry(1), "make@b": entry(2)})
    choose(root, "c", left="quick", entered="stated")
    before = read_others(root)
    assert before == {
        "default/make@a": entry(1),
        "default/make@b": entry(1),
        "quick/make@b": entry(2),
    }
    choose(root, "a", "b", left="stated", entered="quick")
    assert read_lock(root) == {"make@a": entry(1), "make@b": entry(2)}
    choose(root, "c", left="quick", entered="stated")
    assert read_others(root) == before
    choose(root, "a", "b", left="stated", entered="default")
    assert read_lock(root) == {"make@a": entry(1), "make@b": entry(1)}
    assert read_others(root) == {"quick/make@b": entry(2)}


def test_each_entry_is_a_line(root: Path) -> None:
    record(root, {"make@b": entry(1), "make@a": entry(1)})
    choose(root)
    first, a, b, last = (root / OTHERS).read_text(encoding="utf-8").splitlines()
    assert (first, last) == ("{", "}")
    assert (a, b[:11]) == (f'"make@a": {json.dumps(entry(1))},', '"make@b": {')
    assert parse_yaml((root / LOCK).read_text(encoding="utf-8"), "")["schema"] == "2.0"


def test_nothing_has_run(root: Path) -> None:
    choose(root, "a")
    assert not (root / LOCK).exists()
    assert not (root / OTHERS).exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (LOCK, "<<<<<<< ours\nstages: {\n", "(?s)dvc.lock: not YAML .* git checkout dvc.lock"),
        (OTHERS, '{\n"a": {},\n<<<<<<< ours\n', "locks.json:3: not JSON .* git checkout scales/"),
        (Path("scale.yaml"), "name: x\n", "scale.yaml: names is missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    root: Path, name: Path, text: str, message: str
) -> None:
    choose(root, "a")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")
    scale = yaml.safe_load((root / "scale.yaml").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match=message):
        (read_recorded(root), list(jobs(yaml.safe_load(PIPELINE), scale)))
    assert (root / name).read_text(encoding="utf-8") == text


def test_other_scales_keep_their_data(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    subprocess.run(["git", "init", "--quiet"], check=True)
    Repo.init().close()
    with pytest.raises(InputError, match="all would be deleted"):
        collect(root, dry=False)
    for text in ("old", "new"):
        (root / "in.txt").write_text(f"{text}\n", encoding="utf-8")
        for name in "ab":
            choose(root, name)
            with Repo() as repo:
                repo.reproduce()
    assert (list(read_lock(root)), list(read_others(root))) == (["make@b"], ["make@a"])

    # Of each of four runs a folder and its file; and the metrics, which are the same in all.
    def files() -> int:
        return sum(len(names) for _, _, names in os.walk(root / ".dvc/cache/files"))

    assert files() == 9
    assert collect(root, dry=True) == 4
    assert files() == 9
    assert collect(root, dry=False) == 4
    assert files() == 5
    choose(root, "a")
    subprocess.run(["rm", "-r", "out", "a.json"], check=True)
    with Repo() as repo:
        repo.checkout()
        repo.reproduce(pull=False)
        assert repo.status() == {}
    assert (root / "out/a/f.txt").read_text(encoding="utf-8") == "new\na\n"
    assert (root / "a.json").is_file()

"""Console commands start, and their help shows how they are called."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_shows_a_call_with_flags_that_there_are(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        EntryPoint(name, SCRIPTS[name], "console_scripts").load()()
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {name} ")
    usage, _, said = text.partition("\n\n")
    example = re.search(rf"^ +({name} [^\n]*(?:(?<=\\)\n[^\n]*)*)$", said, flags=re.M)
    used = {word for word in shlex.split(example[1]) if word.startswith("--")}
    assert used
    assert used <= set(re.findall(r"--[\w-]+", usage))
    required = re.findall(r"(?<!\[)(--[\w-]+)", re.sub(r"\[[^]]*\]", "", usage))
    assert set(required) <= used


def test_make_calls_each_command() -> None:
    recipes = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in SCRIPTS:
        assert re.search(rf"^\t@?{name} ", recipes, flags=re.M), name


def recipe(*arguments: str, **environment: str) -> list[str]:
    """The words of the last command that make would run."""
    said = subprocess.run(
        ["make", "-n", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return shlex.split(said.stdout.replace("\\\n", " ").splitlines()[-1])


def test_make_passes_on_what_a_person_has_typed() -> None:
    said = """What's a "$50 note" to {context}, or `date`?"""
    assert said in recipe("new", f"QUESTION={said}")
    assert said in recipe("try", f"PROMPT={said}")
    assert "my targets.csv" in recipe("rounds", "TARGETS=my targets.csv")
    scoring = recipe("score", "ANSWERS=my answers.csv", "TARGETS=my targets.csv", "SCORED=a b")
    assert scoring == ["distalign-score", "a b/answers.csv", "my targets.csv", "--out", "a b"]
    switched = recipe("score", "NORMALISE=1", "ORDERED=1")[-2:]
    assert switched == ["--normalise", "--ordered"]
    assert recipe("rounds", "NORMALISE=1")[-1] == "--normalise"
    assert recipe("publish", "DATASET=mine")[-1] == "published/mine"


def test_make_finds_the_other_files_of_a_policy() -> None:
    own = recipe("publish", "POLICY=models/policy/m/both/us_real/ift/1")
    found = dict(zip(own[1::2], own[2::2], strict=True))
    assert found == {
        "--policy": "models/policy/m/both/us_real/ift/1",
        "--base": "models/base/m",
        "--spec": "data/targets/us_real.json",
        "--metrics": "metrics/m/both/attribute/us_real/ift/1.json",
        "--out": "published/us_real",
    }
    assert recipe("try", "POLICY=models/policy/m/both/us_real/ift/1")[2:] == own[1:7]
    for place in ("./", f"{ROOT}/"):
        named = recipe("try", f"POLICY={place}models/policy/m/both/us_real/ift/1")
        assert named[4:] == own[3:7]
    elsewhere = recipe("try", "POLICY=/my policies/x", "DATASET=us_even")
    assert elsewhere[2:] == [
        *("--policy", "/my policies/x", "--base", "models/base/smollm2-135m"),
        *("--spec", "data/targets/us_even.json"),
    ]


def test_make_takes_no_switch_for_on_that_is_off_and_no_language_of_the_system() -> None:
    assert "--ordered" in recipe("new", "ORDERED=1")
    assert "--ordered" not in recipe("new", "ORDERED=0")
    assert "--plan" in recipe("audit", "MODEL=m", "PLAN=yes")
    assert "--plan" not in recipe("audit", "MODEL=m", "PLAN=no")
    assert recipe("new", LANGUAGE="en_US:en")[-2:] == ["--language", "en"]
    assert recipe("new", "LANGUAGE=de")[-2:] == ["--language", "de"]


@pytest.mark.parametrize("name", ["mine # of the report", '"mine"', "  'mine' # quoted"])
def test_results_that_are_not_there_yet_are_told(name: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "scale.yaml").write_text(f"name: {name}\n", encoding="utf-8")
    line = ["make", "results", "-o", "install"]
    said = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert "report/mine/results.txt is not there yet; make repro writes it" in said.stderr
    (tmp_path / "report/mine").mkdir(parents=True)
    (tmp_path / "report/mine/results.txt").write_text("as wanted\n", encoding="utf-8")
    said = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert (said.stdout, said.returncode) == ("as wanted\n", 0)

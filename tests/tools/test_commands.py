"""Console commands start, and their help shows how they are called."""

import re
import shlex
import tomllib
from importlib.metadata import EntryPoint

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

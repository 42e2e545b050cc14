"""Commands that take a trained policy say first that there is none yet."""

from pathlib import Path
from types import ModuleType

import pytest

from distalign.records.schemas import InputError
from tools import publish, serve, try_policy

OTHER = {
    try_policy: ["Who?", "--base", "b", "--spec", "s.json"],
    serve: ["--base", "b"],
    publish: ["--base", "b", "--spec", "s.json", "--metrics", "m.json", "--out", "o"],
}


@pytest.mark.parametrize("tool", OTHER)
def test_a_policy_that_is_not_trained_is_told(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["command", "--policy", "models/policy/ours", *OTHER[tool]])
    with pytest.raises(
        InputError, match="models/policy/ours: there is no policy yet; `make repro`"
    ):
        tool.main()


@pytest.mark.parametrize(("flags", "fault"), [(["-n", "0"], "-n 0"), (["--seed", "-1"], "--seed")])
def test_a_number_that_cannot_be_asked_is_told(
    flags: list[str], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["try", "--policy", "p", *OTHER[try_policy], *flags])
    with pytest.raises(InputError, match=fault):
        try_policy.main()

"""How many rounds a deviation takes, as a table."""

from pathlib import Path

import pytest

from distalign.records.schemas import InputError
from tools import rounds


def test_an_even_target_of_two_is_the_textbooks() -> None:
    # (1.96 + 0.84)^2 x 0.25 / 0.1^2 = 196.2 for one context.
    (line,) = rounds.table([[0.5, 0.5]], [0.1], 0.8, 0.05).splitlines()[1:]
    assert line.split() == ["0.1", "197", "197"]
    # Of more contexts each takes fewer, all together take more.
    both = rounds.table([[0.5, 0.5]] * 2, [0.1, 0.6], 0.8, 0.05).splitlines()[1:]
    assert both[0].split() == ["0.1", "121", "242"]
    assert both[1].endswith("not every context can be so far off its target")


def test_the_command_reads_a_targets_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "targets.csv"
    file.write_text("context,a,b\nx,50,50\n", encoding="utf-8")
    command = ["rounds", str(file), "--normalise", "--deviation", "0.1"]
    monkeypatch.setattr("sys.argv", command)
    rounds.main()
    assert capsys.readouterr().out.splitlines()[1].split() == ["0.1", "197", "197"]
    for flags, message in (
        (["--deviation", "2"], "--deviation .*between 0 and 1"),
        (["--power", "0.01"], "--power 0.01: take more than --alpha"),
    ):
        monkeypatch.setattr("sys.argv", [*command, *flags])
        with pytest.raises(InputError, match=message):
            rounds.main()


def test_more_categories_than_can_be_grouped_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "targets.csv"
    names, ones = (",".join(of) for of in zip(*((f"c{n}", "1") for n in range(30)), strict=True))
    file.write_text(f"context,{names}\nx,{ones}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["rounds", str(file), "--normalise"])
    with pytest.raises(InputError, match="targets.csv:1: 30 categories; at most 16"):
        rounds.main()

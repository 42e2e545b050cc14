"""Tables of a person, CSV or JSONL: the same rows, and faults by file and line."""

from pathlib import Path

import pytest

from distalign.records.rows import read_rows
from distalign.records.schemas import InputError


def test_values_are_texts_and_have_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '\ufeff{"a": 1, "b": " x\u2028"}\r\n\n{"b": null}\n{"a": [1]}', encoding="utf-8"
    )
    assert read_rows(path) == (
        ["a", "b"],
        [(1, {"a": "1", "b": "x"}), (3, {"a": "", "b": ""}), (4, {"a": "[1]", "b": ""})],
    )
    path = tmp_path / "t.csv"
    path.write_text('\ufeffa, b\n1," x\ny"\n2\n', encoding="utf-8")
    assert read_rows(path) == (
        ["a", "b"],
        [(3, {"a": "1", "b": "x\ny"}), (4, {"a": "2", "b": ""})],
    )


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("t.jsonl", '{"a": 1}\n{"a": 1, "a": 2}', "t.jsonl:2: .*stands twice"),
        ("t.jsonl", '{"a": 1}\n{"a": ', "t.jsonl:2: not JSON"),
        ("t.jsonl", "[1]", "t.jsonl:1: .*no object"),
        ("t.jsonl", '{"a": 1}\n{"b": 2}', r"t.jsonl:2: \['b'\] stand in no earlier line"),
        ("t.csv", "a,b\n1,2,3\n", "t.csv:2: more values than columns"),
        ("t.csv", "a;Yes;No\nA;0,5;0,5\n", "t.csv:1: separated by semicolons, it seems; use comma"),
        ("t.csv", "a\tYes\tNo\n", "t.csv:1: separated by tabs"),
        ("t.csv", "a,a\n1,2\n", "t.csv:1: .*each column once"),
        ("t.csv", "a,\n1,2\n", "t.csv:1: .*each column once"),
        ("t.csv", "a\n\udcff", "not a table in UTF-8"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, name: str, text: str, fault: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=fault):
        read_rows(path)
    with pytest.raises(InputError, match="not a table"):
        read_rows(tmp_path / f"none-{name}")

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from distalign.records.files import (
    read_attribute,
    read_jsonl,
    read_source,
    read_spec,
    write_jsonl,
    write_text,
)
from distalign.records.schemas import Context, DatasetSpec, InputError, Prompt, Round
from tests.support.paths import ROOT

ROWS = [
    Prompt(
        setting="attribute",
        context="A\u2028B",
        split="train",
        prompt="Line 1\nline 2 \r ü",
        source="llm",
    ),
    Prompt(setting="story", context="=1+1", split="test", prompt='"quoted"', source="grammar"),
]


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.jsonl"
    write_jsonl(path, ROWS)
    assert read_jsonl(path, Prompt) == ROWS
    assert path.read_bytes().count(b"\n") == 2


def test_truncated_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=rf"{path}:2: not a Prompt"):
        read_jsonl(path, Prompt)


def test_line_cut_inside_a_character_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    data = path.read_bytes()
    path.write_bytes(data[: data.index("ü".encode()) + 1])
    with pytest.raises(InputError, match=str(path)):
        read_jsonl(path, Prompt)


def test_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = ROWS[0].model_dump() | {"colour": "red"}
    path.write_text(json.dumps(ROWS[0].model_dump()) + "\n\n" + json.dumps(row) + "\n")
    with pytest.raises(InputError, match=rf"{path}:3: not a Prompt \(colour: "):
        read_jsonl(path, Prompt)


@pytest.mark.parametrize(
    "change", [{"split": "dev"}, {"prompt": None}, {"source": "person"}, {"setting": "poem"}]
)
def test_wrong_value_is_refused(tmp_path: Path, change: dict[str, str | None]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROWS[0].model_dump() | change))
    with pytest.raises(InputError, match=f":1: not a Prompt .{next(iter(change))}: "):
        read_jsonl(path, Prompt)


def test_a_context_is_found_by_its_name(tmp_path: Path) -> None:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in ("A", "B")]
    spec = DatasetSpec(name="d", target="even", attribute=attribute, contexts=contexts)
    assert spec.context("B") is contexts[1]
    other = spec.model_copy(update={"contexts": [Context(name="A", target=[0.2, 0.8])]})
    assert other.context("A").target == [0.2, 0.8]
    with pytest.raises(KeyError):
        other.context("B")
    assert spec == DatasetSpec.model_validate(spec.model_dump())


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rows.jsonl: no such file"):
        read_jsonl(tmp_path / "rows.jsonl", Prompt)
    with pytest.raises(InputError, match="spec.json: no such file; `make repro`"):
        read_spec(tmp_path / "spec.json")
    with pytest.raises(InputError, match="source.json: no such file; `make repro`"):
        read_source(tmp_path)


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_text(path, "old\n")
    # A lone surrogate cannot be encoded: the write fails when the file is already open.
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new\n" * 100_000 + "\ud800")

    def rows() -> Iterator[Prompt]:
        yield ROWS[0]
        raise RuntimeError("cut short")

    with pytest.raises(RuntimeError, match="cut short"):
        write_jsonl(path, rows())
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "target", [[0.5, 0.4], [1.2, -0.2], [1.0], [0.2, 0.3, 0.5], [float("nan"), float("nan")]]
)
def test_target_must_be_a_distribution(
    tmp_path: Path, spec: DatasetSpec, target: list[float]
) -> None:
    value = spec.model_dump()
    value["contexts"][1]["target"] = target
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match=rf"(?s){path}.*Caretakers"):
        read_spec(path)


def test_spec_comes_back_as_written(tmp_path: Path, spec: DatasetSpec) -> None:
    path = tmp_path / "spec.json"
    write_text(path, spec.model_dump_json())
    assert read_spec(path) == spec
    assert spec.categories == ["Male", "Female"]
    assert spec.context("Caretakers").target == [0.715, 0.285]


def test_round_number_is_not_negative() -> None:
    with pytest.raises(ValueError, match="round"):
        Round(
            context="c", round=-1, prompt="p", text="t", drawn=None, probabilities=None, mass=None
        )


def test_misspelt_attribute_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "attribute.yaml"
    path.write_text("name: x\ncategorys: []\n")
    with pytest.raises(InputError, match=rf"(?s){path}.*categorys"):
        read_attribute(path)
    path.write_text("name: [x\n")
    with pytest.raises(InputError, match=str(path)):
        read_attribute(path)

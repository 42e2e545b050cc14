import shutil
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import dumps_yaml

from distalign.records.schemas import InputError
from scales.locks import LOCK, read_lock, read_others, write_others
from scales.switch import editor, replace, switch
from tests.support.paths import ROOT

FILES = sorted(ROOT.glob("scales/*.params.yaml"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "scales", tmp_path / "scales")
    for name in ("params.yaml", "scale.yaml", "dvc.yaml", "dvc.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def leaves(values: dict, place: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        name = f"{place}.{key}"
        found |= leaves(value, name) if isinstance(value, dict) else {name: value}
    return found


def test_the_default_is_what_params_yaml_says(root: Path) -> None:
    before = (root / "params.yaml").read_bytes()
    switch("default", root)
    assert (root / "params.yaml").read_bytes() == before
    assert (root / "scale.yaml").read_bytes() == (root / "scales/default.yaml").read_bytes()


def test_there_and_back_leaves_nothing_behind(root: Path) -> None:
    before = (root / "params.yaml").read_bytes()
    switch("paper", root)
    params = read(root / "params.yaml")
    assert (params["warmup"]["epochs"], params["warmup"]["learning_rate"]) == (2, 1e-6)
    assert params["train"]["ours"]["rows"] is None
    # An ablation follows `ours` through the anchor; what it changes itself stays.
    assert params["train"]["without_kl"]["epochs"] == 3
    assert params["train"]["without_kl"]["kl_weight"] == 0
    assert params["train"]["few_prompts"]["rows"] == 125
    assert b"# Every knob of the pipeline" in (root / "params.yaml").read_bytes()
    switch("floor", root)
    assert (root / "params.yaml").read_bytes() == before
    assert read(root / "scale.yaml")["name"] == "floor"


def test_results_are_recorded_apart_where_parameters_differ(root: Path) -> None:
    trained = "train@smollm2-135m-attribute-uk_real-ours-0"
    lock = {trained: {"cmd": "true"}, "base_model@smollm2-135m": {"cmd": "true"}}
    (root / LOCK).write_text(dumps_yaml({"schema": "2.0", "stages": lock}), encoding="utf-8")
    write_others(root, {})
    switch("quick", root)
    assert read_others(root) == {f"default/{name}": entry for name, entry in lock.items()}
    switch("default", root)
    assert (read_lock(root), read_others(root)) == (lock, {})


@pytest.mark.parametrize(
    ("file", "text"), [("scales/locks.json", "<<<<<<<\n"), ("dvc.lock", "stages: [\n")]
)
def test_nothing_is_switched_where_a_lock_cannot_be_read(root: Path, file: str, text: str) -> None:
    before = {name: (root / name).read_bytes() for name in ("params.yaml", "scale.yaml")}
    (root / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="git checkout"):
        switch("quick", root)
    assert {name: (root / name).read_bytes() for name in before} == before


def test_nothing_is_switched_to_a_scale_that_lacks_a_list(root: Path) -> None:
    before = (root / "params.yaml").read_bytes()
    lists = read(root / "scales/quick.yaml")
    del lists["corrected"]
    (root / "scales/mine.yaml").write_text(yaml.safe_dump(lists), encoding="utf-8")
    with pytest.raises(InputError, match="corrected is missing"):
        switch("mine", root)
    assert (root / "params.yaml").read_bytes() == before


def test_results_are_those_of_the_parameters_whatever_the_scale_is_called(root: Path) -> None:
    entry = {"base_model@smollm2-135m": {"cmd": "true"}}
    switch("quick", root)
    text = (root / "scale.yaml").read_text(encoding="utf-8")
    (root / "scale.yaml").write_text(text.replace("name: quick", "name: mine"), encoding="utf-8")
    (root / LOCK).write_text(dumps_yaml({"schema": "2.0", "stages": entry}), encoding="utf-8")
    write_others(root, {})
    switch("default", root)
    assert read_others(root) == {f"quick/{name}": value for name, value in entry.items()}


def test_a_scale_that_cannot_be_read_is_named(root: Path) -> None:
    params = (root / "params.yaml").read_bytes()
    (root / "scale.yaml").write_text("name: [\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"(?s)scale\.yaml: not YAML .* git checkout"):
        switch("quick", root)
    assert (root / "params.yaml").read_bytes() == params
    (root / "scale.yaml").write_text("", encoding="utf-8")
    switch("quick", root)
    assert read(root / "scale.yaml")["name"] == "quick"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_parameters_sets_the_same_keys(path: Path) -> None:
    values = leaves(read(path))
    assert values.keys() == leaves(read(ROOT / "scales/default.params.yaml")).keys()
    assert len(values) > 10


@pytest.mark.parametrize("name", ["papre", "paper.params", ""])
def test_unknown_scale_lists_those_there_are(root: Path, name: str) -> None:
    known = "there are ablations, analyses, datasets, default, embedded, embedded_stories, exam"
    with pytest.raises(InputError, match=known):
        switch(name, root)


@pytest.mark.parametrize(
    ("values", "key"),
    [("a: {c: 2}", "a.c"), ("d: 1", "d"), ("a: 1", "a"), ("a: {b: {c: 1}}", "a.b")],
)
def test_a_value_that_params_yaml_lacks_is_named(values: str, key: str) -> None:
    with pytest.raises(InputError, match=f"params.yaml has no {key} to set"):
        replace(editor().load("a: {b: 1}"), editor().load(values))


def test_a_replaced_value_keeps_its_comment() -> None:
    params = editor().load("a:\n  b: 1 # why\n  c: null\n")
    replace(params, editor().load("a: {b: 2}"))
    assert params["a"]["b"] == 2
    assert params["a"].ca.items["b"][2].value.strip() == "# why"

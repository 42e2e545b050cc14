"""`make new` writes what the stages read."""

import shutil
from pathlib import Path

import pytest
import yaml

from distalign.data.targets import TargetsParams, build_spec
from distalign.planning.inputs import check_attribute
from distalign.records.schemas import InputError
from tests.support.paths import ROOT
from tools import new

TABLE = """context,question,Strongly agree,Agree,"65+, or $50k"
Bakers,Do {context} like the law?,20,30,50
"Nurses, all",Do {context} like the law?,0.1,0.3,0.599
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for folder in ("attributes", "examples"):
        shutil.copytree(ROOT / "data" / folder, tmp_path / "data" / folder)
    (tmp_path / "law.csv").write_text(TABLE.replace("20,30,50", ".2,.3,.5"), encoding="utf-8")
    return tmp_path


def command(root: Path, *arguments: str) -> list[str]:
    return ["new", "--attribute", "law", "--table", str(root / "law.csv"), *arguments]


def test_a_table_becomes_a_data_set(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (root / "params.yaml").read_text(encoding="utf-8").splitlines()
    monkeypatch.setattr("sys.argv", command(root, "--ordered", "--root", str(root)))
    new.main()
    text = (root / "params.yaml").read_text(encoding="utf-8")
    assert len(set(text.splitlines()) - set(before)) == 1  # all else stays as it was
    params = TargetsParams.model_validate(yaml.safe_load(text)["targets"])
    dataset = params.dataset("law")
    attribute = check_attribute(root / "data/attributes/law.yaml")
    spec = build_spec("law", attribute, root / dataset.contexts, dataset.target)
    assert attribute.ordered
    assert spec.categories == ["Strongly agree", "Agree", "65+, or $50k"]
    assert [context.name for context in spec.contexts] == ["Bakers", "Nurses, all"]
    assert spec.contexts[1].target == pytest.approx([0.1 / 0.999, 0.3 / 0.999, 0.599 / 0.999])
    with pytest.raises(InputError, match="law.yaml is there already"):
        new.main()


def test_what_is_not_said_is_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "law.csv").write_text("context,Yes,No\nBakers,1,2\n", encoding="utf-8")
    answers = iter(["law", str(root / "law.csv"), "Do {context} like the law?"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("sys.argv", ["new", "--root", str(root)])
    new.main()
    attribute = check_attribute(root / "data/attributes/law.yaml")
    assert attribute.settings["attribute"].template == "Do {context} like the law?"


def test_nothing_is_written_that_could_not_be_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "law.csv").write_text("context,A B,a-b\nBakers,1,2\n", encoding="utf-8")
    before = sorted(path for path in root.rglob("*"))
    arguments = ("--root", str(root), "--question", "Do {context} like the law?")
    monkeypatch.setattr("sys.argv", command(root, *arguments))
    with pytest.raises(InputError, match="is read as"):
        new.main()
    assert sorted(path for path in root.rglob("*")) == before

"""`make new` writes what the stages read."""

import io
import shutil
from pathlib import Path

import pytest
import yaml

from distalign.data.targets import TargetsParams, build_spec
from distalign.judging.words import read_category
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
    with pytest.raises(InputError, match="law is a data set already"):
        new.main()


def test_a_question_that_is_named_twice_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = command(root, "--question", "Do {context} smoke?", "--root", str(root))
    monkeypatch.setattr("sys.argv", asked)
    with pytest.raises(InputError, match="law.csv:1: the table has a column `question`"):
        new.main()
    assert not (root / "data/attributes/law.yaml").exists()


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
    with pytest.raises(
        InputError, match="law.csv: categories: the word 'a-b' .* is read as"
    ) as told:
        new.main()
    assert "responses" not in str(told.value)  # which fail for the same reason
    assert sorted(path for path in root.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("gender_stated", "params.yaml: gender_stated is a data set already"),  # over many lines
        ("größe", "small letters a to z"),  # which no data set may be named
        ("null", "no name in YAML"),
        ("ordinary", "a file of the pipeline"),
        ("yes", "no name in YAML"),
    ],
)
def test_a_name_that_params_yaml_could_not_have_is_refused(
    name: str, fault: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (root / "params.yaml").read_bytes()
    arguments = ["new", "--attribute", name, "--table", str(root / "law.csv"), "--root", str(root)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(InputError, match=fault):
        new.main()
    assert (root / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("context,Yes,No,total\nBakers,1,5,6\nNurses,3,1,4\n", "'total' seems to be no category"),
        ("context,Yes,No,n\nBakers,40,60,120\nNurses,3,98,94\n", "'n' seems to be no category"),
        ("context,male_count,female_count\nBakers,1,5\n", "make it 'male'"),
        ("context,Left,Right\nLeft,9,1\nRight,1,8\n", "'Left' is a word of category 'Left' too"),
        ("context,{word},No\nBakers,1,5\n", "nothing but {context} stands in braces"),
    ],
)
def test_a_table_that_would_be_misread_is_refused(
    table: str, fault: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "law.csv").write_text(table, encoding="utf-8")
    question = "Do {context} like the law?"
    monkeypatch.setattr("sys.argv", command(root, "--root", str(root), "--question", question))
    with pytest.raises(InputError, match=fault):
        new.main()
    assert not (root / "data/attributes/law.yaml").exists()
    assert not (root / "data/examples/law.csv").exists()


def test_where_nobody_can_answer_the_variable_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr("sys.argv", ["new", "--root", str(root)])
    with pytest.raises(InputError, match="ATTRIBUTE="):
        new.main()


def test_the_line_fits_into_a_file_that_a_person_has_laid_out(root: Path) -> None:
    text = "targets:\n  datasets: # mine\n      a: {b: c}\n"
    mended = new.named(text, "law", Path("law.csv"))
    assert yaml.safe_load(mended)["targets"]["datasets"].keys() == {"law", "a"}
    with pytest.raises(InputError, match="no line `  datasets:`"):
        new.named("targets: {datasets: {}}\n", "law", Path("law.csv"))


def test_no_response_is_written_that_the_judge_would_not_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "context,Very likely,Likely,Unlikely\nBakers,1,2,4\n"
    (root / "law.csv").write_text(table, encoding="utf-8")
    question = "How far do {context} hope to move?"
    monkeypatch.setattr("sys.argv", command(root, "--root", str(root), "--question", question))
    new.main()
    attribute = check_attribute(root / "data/attributes/law.yaml")
    frames = attribute.settings["attribute"].responses.grammar["root"]
    assert "{word}, most likely." not in frames
    assert len(frames) == 11
    for frame in frames:
        for name in ("Very likely", "Likely", "Unlikely"):
            assert read_category(frame.replace("{word}", name), attribute) == name

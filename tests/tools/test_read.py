"""Answers in free text become categories, which `distalign-score` takes."""

import csv
from pathlib import Path

import pytest

from distalign.records.schemas import InputError
from distalign.statistics.answers import read_answers, read_targets
from tests.support.paths import ROOT
from tools import read

TARGETS = "context,Male,Female\nNurses,10,90\nSalesmen,90,10\n"
ANSWERS = {
    "She is female, most likely.": ("Female", ""),
    "I cannot determine whether the nurse is male.": ("", "yes"),
    "Not female, but male": ("Male", ""),
    "Male or female.": ("", ""),
    "": ("", ""),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "targets.csv").write_text(TARGETS, encoding="utf-8")
    return tmp_path


def answer(rows: list[list[str]], name: str = "answers.csv") -> None:
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def command(monkeypatch: pytest.MonkeyPatch, *flags: str) -> list[dict[str, str]]:
    monkeypatch.setattr("sys.argv", ["read", "answers.csv", "targets.csv", "--out", "a/b", *flags])
    read.main()
    with Path("a/b").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_answer_gets_what_it_states(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer([["id", "context", "answer"], *([str(n), "Nurses", a] for n, a in enumerate(ANSWERS))])
    rows = command(monkeypatch)
    assert [(row["category"], row["refused"]) for row in rows] == list(ANSWERS.values())
    assert [row["id"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert "1 Male, 1 Female; 3 state none or several, 1 of them refused" in capsys.readouterr().out
    spec = read_targets(Path("targets.csv"), normalise=True)
    read_again = [row.category for row in read_answers(Path("a/b"), spec)]
    assert read_again == ["Female", None, "Male", None, None]


def test_words_of_an_attribute_count_and_a_context_says_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer([["context", "answer"], ["Salesmen", "Salesmen are men."], ["Nurses", "A woman"]])
    words = ["--attribute", str(ROOT / "data/attributes/gender.yaml")]
    assert [row["category"] for row in command(monkeypatch)] == ["", ""]
    assert [row["category"] for row in command(monkeypatch, *words)] == ["Male", "Female"]
    # The targets say how a category is spelt.
    Path("targets.csv").write_text(TARGETS.replace("Male", "MALE"), encoding="utf-8")
    assert command(monkeypatch, *words)[0]["category"] == "MALE"


def test_answers_that_have_a_category_are_passed_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer([["context", "answer", "category"], ["Nurses", "She is female.", "Male"]])
    assert [row["category"] for row in command(monkeypatch)] == ["Male"]


@pytest.mark.parametrize(
    ("targets", "rows", "message"),
    [
        (TARGETS, [["context", "text"]], "answers.csv:1: no column 'answer'"),
        (
            TARGETS,
            [["context", "answer"], ["Nurse", "Male"]],
            "answers.csv:2: context 'Nurse' has no target; did you mean 'Nurses'",
        ),
        (TARGETS, [["answer", "where"]], "answers.csv:1: no column 'context'"),
        ("context,C,c\nA,1,0\n", [["context", "answer"]], "category c: 'c' is read as C; name it"),
    ],
)
def test_what_cannot_be_read_is_told(
    targets: str,
    rows: list[list[str]],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("targets.csv").write_text(targets, encoding="utf-8")
    answer(rows)
    with pytest.raises(InputError, match=message):
        command(monkeypatch)


def test_a_category_without_words_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("targets.csv").write_text("context,Male,Femal\nA,1,0\n", encoding="utf-8")
    answer([["context", "answer"]])
    with pytest.raises(InputError, match="no category Femal; did you mean 'Female'"):
        command(monkeypatch, "--attribute", str(ROOT / "data/attributes/gender.yaml"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        # Named where a person can mend it: what is written is made anew by `make score`.
        ([["Nurses", "male"]], "answers.csv:2: category 'male' has no target"),
        ([], "answers.csv: no answer"),
    ],
)
def test_faults_are_of_the_file_that_was_given(
    rows: list[list[str]], message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer([["context", "category"], *rows])
    with pytest.raises(InputError, match=message):
        command(monkeypatch)
    answer([["context", "answer"]])
    with pytest.raises(InputError, match="answers.csv: no answer"):
        command(monkeypatch)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("answers.csv", "would take the place of answers.csv"),
        ("../{}/targets.csv", "would take the place of targets.csv"),
        ("answers.csv/read.csv", "answers.csv is a file"),
        (".", "is a folder; name a file in it"),
        ("read.jsonl", "CSV is written; name it read.csv"),
    ],
)
def test_no_file_is_written_over_or_where_it_cannot_be(
    out: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer([["context", "answer"], ["Nurses", "Male"]])
    arguments = ["read", "answers.csv", "targets.csv", "--out", out.format(folder.name)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(InputError, match=message):
        read.main()


def test_a_context_that_is_a_category_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name counts for nothing in its answers: all that state the category were invalid."""
    Path("targets.csv").write_text("context,Left,Right\nLeft,90,10\nRight,5,95\n", encoding="utf-8")
    answer([["context", "answer"], ["Left", "Left"], ["Left", "Right"]])
    with pytest.raises(InputError, match="targets.csv: context 'Left' is a word of category"):
        command(monkeypatch)

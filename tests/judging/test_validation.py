import math

import pytest
from scipy import stats

from distalign.judging.lexical import read_story
from distalign.judging.validation import (
    JudgeValidationParams,
    LabelledText,
    check_labels,
    cohens_kappa,
    confusion_counts,
    validate_judge,
)
from distalign.records.files import read_jsonl
from distalign.records.schemas import Attribute, InputError
from tests.support.paths import ROOT

DATA = ROOT / "data/judge"


PARAMS = JudgeValidationParams(judges=["lexical"], ordinary=["plain"], shortest=2)


def text(
    label: str | None, split: str = "test", kind: str = "plain", words: str = "A text."
) -> LabelledText:
    return LabelledText(text=words, label=label, kind=kind, split=split)


def test_confusion_is_true_by_read() -> None:
    counts = confusion_counts(["a", "a", "b", None], ["a", None, "a", "b"], ["a", "b"])
    assert counts == [[1, 0, 1], [1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("counts", "kappa"),
    [
        # Agreement 0.7; chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
        ([[20, 5], [10, 15]], 0.4),
        ([[5, 0], [0, 5]], 1.0),
        ([[2, 2], [2, 2]], 0.0),
    ],
)
def test_kappa(counts: list[list[int]], kappa: float) -> None:
    assert cohens_kappa(counts) == pytest.approx(kappa)


def test_kappa_is_undefined_without_variation() -> None:
    assert math.isnan(cohens_kappa([[3, 0], [0, 0]]))


def test_metrics_are_of_the_test_texts() -> None:
    texts = [text("a"), text("a", kind="irony"), text("b"), text(None), text("b", split="dev")]
    metrics, confusion = validate_judge("j", texts, ["a", None, "b", "b", "a"], ["a", "b"], PARAMS)
    assert confusion.counts == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert metrics["j_accuracy"] == 0.5
    assert metrics["j_shown_accuracy"] == pytest.approx(2 / 3, abs=1e-6)
    assert metrics["j_ordinary_accuracy"] == 1
    assert metrics["j_dev_accuracy"] == 0
    assert metrics["j_kind_irony"] == 0
    assert metrics["j_true_a_read_invalid"] == 1
    assert metrics["j_n_test"] == 4
    interval = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert metrics["j_accuracy_low"] == pytest.approx(interval.low, abs=1e-6)
    assert metrics["j_accuracy_high"] == pytest.approx(interval.high, abs=1e-6)


def test_labels_are_checked(gender: Attribute) -> None:
    with pytest.raises(InputError, match="'male'.*'Female'"):
        check_labels([text("Male"), text("male"), text("Female", split="dev")], gender)


def test_lexical_judge_reads_gender_where_it_is_shown(gender: Attribute) -> None:
    texts = read_jsonl(DATA / "gender.jsonl", LabelledText)
    check_labels(texts, gender)
    read = [read_story(row.text, gender) for row in texts]
    metrics, _ = validate_judge("lexical", texts, read, ["Male", "Female"], PARAMS)
    assert metrics["lexical_shown_accuracy"] >= 0.95


def test_shares_are_corrected_by_texts_as_long_as_the_stories() -> None:
    texts = [text("a", words="Short."), text("a"), text("b"), text("b", words="Short.")]
    metrics, confusion = validate_judge("j", texts, ["b", "a", "b", "a"], ["a", "b"], PARAMS)
    assert confusion.counts == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert (metrics["j_ordinary_accuracy"], metrics["j_accuracy"]) == (1, 0.5)


@pytest.mark.parametrize("name", ["gender", "sentiment"])
def test_each_category_has_labelled_texts_of_every_length_of_a_story(name: str) -> None:
    texts = read_jsonl(DATA / f"{name}.jsonl", LabelledText)
    for label in {row.label for row in texts} - {None}:
        lengths = [len(r.text.split()) for r in texts if (r.label, r.split) == (label, "test")]
        for shortest, longest in ((15, 40), (40, 70)):
            assert sum(shortest <= words < longest for words in lengths) >= 5, (label, shortest)


@pytest.mark.parametrize("name", ["gender", "sentiment"])
def test_labelled_texts_are_distinct_and_balanced(name: str) -> None:
    texts = read_jsonl(DATA / f"{name}.jsonl", LabelledText)
    assert len({row.text for row in texts}) == len(texts) >= 120
    for split in ("dev", "test"):
        labels = [row.label for row in texts if row.split == split and row.label is not None]
        counts = [labels.count(label) for label in set(labels)]
        assert max(counts) <= 1.2 * min(counts)

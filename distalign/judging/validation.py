"""How well a judge reads the labelled texts of data/judge."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from distalign.judging.stories import JudgeName
from distalign.records.schemas import Attribute, Confusion, InputError, Record

Metrics = dict[str, float | int]


class LabelledText(Record):
    """A short text of data/judge/<attribute>.jsonl, written and labelled for this project."""

    text: str = Field(min_length=1)
    label: str | None
    """The category that the main character or the tone shows; None where none or several do."""
    kind: str
    """What makes it easy or hard, e.g. `two` (characters) or `irony`."""
    split: Literal["dev", "test"]
    """Judges are tuned on dev alone."""


class JudgeValidationParams(BaseModel):
    """The `judge_validation` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    judges: list[JudgeName] = Field(min_length=1)
    ordinary: list[str] = Field(min_length=1)
    """Kinds of text like the stories that are judged: shares are corrected by what was read
    from these, because hard cases are far more frequent among the labelled texts."""
    shortest: int = Field(ge=1)
    """Words of the shortest text that is as long as the stories that are judged: shares are
    corrected by texts of at least as many, since a judge reads more in a longer text."""


def check_labels(texts: Sequence[LabelledText], attribute: Attribute) -> None:
    """Raises InputError for a label that is no category, or a category without test texts."""
    names = [category.name for category in attribute.categories]
    unknown = {text.label for text in texts} - {*names, None}
    unseen = set(names) - {text.label for text in texts if text.split == "test"}
    if unknown or unseen:
        raise InputError(
            f"data/judge/{attribute.name}.jsonl: labels {sorted(map(str, unknown))} are no "
            f"category of {names}, and {sorted(unseen)} have no text in split test"
        )


def confusion_counts(
    labels: Sequence[str | None], read: Sequence[str | None], categories: Sequence[str]
) -> list[list[int]]:
    """(K + 1, K + 1) counts of true rows by read columns; the last of each is invalid."""
    order = [*categories, None]
    counts = np.zeros((len(order), len(order)), int)
    indices = [[order.index(value) for value in values] for values in (labels, read)]
    np.add.at(counts, tuple(indices), 1)
    return counts.tolist()


def cohens_kappa(counts: ArrayLike) -> float:
    """Agreement of rows and columns beyond chance (Cohen, 1960); nan where chance is 1."""
    shares = np.asarray(counts, float) / np.sum(counts)
    agreement, chance = np.trace(shares), shares.sum(0) @ shares.sum(1)
    return float((agreement - chance) / (1 - chance)) if chance < 1 else math.nan


def validate_judge(
    judge: str,
    texts: Sequence[LabelledText],
    read: Sequence[str | None],
    categories: Sequence[str],
    params: JudgeValidationParams,
) -> tuple[Metrics, Confusion]:
    """What one judge made of the texts.

    Keys start with the judge's name. `accuracy` is of all test texts, where a text without a
    category is to be read as invalid; `shown` of those that show one; `ordinary` of those that
    show one, are of an ordinary kind and as long as the judged stories; `dev` of the texts that
    the judge may have been tuned on; `kind_*` of each kind of test text. `_low` and `_high` are
    Wilson's 95 % interval, `true_A_read_B` the cells of the confusion matrix of all test texts;
    the matrix that is returned is of the ordinary ones.
    """
    from scipy import stats  # slow to import

    def is_usual(text: LabelledText) -> bool:
        return text.kind in params.ordinary and len(text.text.split()) >= params.shortest

    rows = list(zip(texts, read, strict=True))
    test = [(text, got) for text, got in rows if text.split == "test"]
    groups = {
        "accuracy": test,
        "shown_accuracy": [row for row in test if row[0].label is not None],
        "ordinary_accuracy": [row for row in test if row[0].label and is_usual(row[0])],
        "dev_accuracy": [row for row in rows if row[0].split == "dev"],
    }
    for kind in sorted({text.kind for text, _ in test}):
        groups[f"kind_{kind}"] = [row for row in test if row[0].kind == kind]
    metrics: Metrics = {}
    for name, group in groups.items():
        if not group:
            continue
        hits = sum(text.label == got for text, got in group)
        metrics[name] = hits / len(group)
        if name.endswith("accuracy"):
            interval = stats.binomtest(hits, len(group)).proportion_ci(method="wilson")
            metrics |= {f"{name}_low": float(interval.low), f"{name}_high": float(interval.high)}
    counts = _confusion(test, categories)
    metrics["kappa"] = cohens_kappa(counts)
    names = [*categories, "invalid"]
    for true, row in zip(names, counts, strict=True):
        metrics |= {f"true_{true}_read_{got}": n for got, n in zip(names, row, strict=True)}
    metrics["n_test"] = len(test)
    rounded = {f"{judge}_{key}": round(value, 6) for key, value in metrics.items()}
    usual = _confusion([row for row in test if is_usual(row[0])], categories)
    return rounded, Confusion(judge=judge, categories=list(categories), counts=usual)


def _confusion(
    rows: Sequence[tuple[LabelledText, str | None]], categories: Sequence[str]
) -> list[list[int]]:
    return confusion_counts([text.label for text, _ in rows], [got for _, got in rows], categories)

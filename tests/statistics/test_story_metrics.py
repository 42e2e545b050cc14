"""Stories' own metrics on literal rounds; correction and bounds have their own tests."""

import math

import pytest

from distalign.records.schemas import Confusion, InputError
from distalign.statistics.score import ScoreParams
from distalign.statistics.story_metrics import confusion_of, distinct_n, story_metrics
from tests.support.report_cells import CATEGORIES, NAMES, SPEC, judged

PERFECT = Confusion(judge="test", categories=CATEGORIES, counts=[[50, 0, 0], [0, 50, 0], [3, 4, 5]])
PARAMS = ScoreParams(seed=0, resamples=50)


def test_distinct_n_by_hand() -> None:
    texts = ["a b a", "a b", "c"]
    assert distinct_n(texts, 1) == 3 / 6
    assert distinct_n(texts, 2) == 2 / 3  # a b, b a, a b
    assert math.isnan(distinct_n(["c"], 2))


def test_confusion_is_of_labelled_categories_by_the_judge_that_read() -> None:
    other = PERFECT.model_copy(update={"judge": "other", "counts": [[1, 2, 3]] * 3})
    assert confusion_of("test", [other, PERFECT], SPEC) == [[50, 0, 0], [0, 50, 0]]
    with pytest.raises(InputError, match="the judge 'llm' was not validated on"):
        confusion_of("llm", [other, PERFECT], SPEC)


def test_a_judge_without_errors_leaves_the_mae_as_it_is() -> None:
    metrics = story_metrics(judged(7), SPEC, [PERFECT], PARAMS)
    assert metrics["corrected_mae"] == pytest.approx(0.2)
    assert metrics["corrected_low"] <= 0.2 <= metrics["corrected_high"]
    assert metrics["bound_low"] == metrics["bound_high"] == pytest.approx(0.2)
    assert (metrics["words"], metrics["n_rounds"]) == (1.0, 10 * len(NAMES))


def test_invalid_stories_widen_the_bounds() -> None:
    rows = [
        row.model_copy(update={"category": None}) if row.round == 9 else row for row in judged(7)
    ]
    metrics = story_metrics(rows, SPEC, [PERFECT], PARAMS)
    assert metrics["bound_low"] == pytest.approx(0.2)  # the tenth was Female
    assert metrics["bound_high"] == pytest.approx(0.3)


def test_a_cell_that_does_not_apply_has_no_numbers() -> None:
    assert story_metrics([], SPEC, [PERFECT], PARAMS) == {"n_rounds": 0}

"""What counts of answers say against targets, wherever the answers come from."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import stats

from distalign.statistics.deviation import deviation_interval
from distalign.statistics.divergence import (
    expected_jensen_shannon,
    expected_total_variation,
    expected_wasserstein,
    jensen_shannon,
    total_variation,
    wasserstein,
)
from distalign.statistics.mae import (
    absolute_errors,
    expected_error,
    fit_p_values,
    mean_interval,
    misaligned_contexts,
    paper_interval,
)

Metrics = dict[str, float | int | None]
_MEASURED = (
    *("mae", "mae_sd", "mae_ci_low", "mae_ci_high", "mae_t_low", "mae_t_high"),
    *("floor", "excess", "ratio", "deviation", "deviation_low", "deviation_high"),
    *("tv", "tv_floor", "js", "js_floor"),
)
_ORDERED = ("w1", "w1_floor")


class ScoreParams(BaseModel):
    """The `score` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    resamples: int = Field(ge=1)


def count_metrics(
    counts: ArrayLike, target: ArrayLike, params: ScoreParams, ordered: bool = False
) -> Metrics:
    """Errors, floors, intervals and tests of counts; `records.score.Score` says what each is.

    Means are over contexts with an answer; the others are counted in `n_contexts_empty`. None
    stands for what the counts do not define.

    Args:
        counts: (C, K) answers of each context and category.
        target: (C, K), a distribution a context.
        ordered: the categories are steps of a scale; `w1` and `w1_floor` are there only then.
    """
    counts, target = np.asarray(counts, int), np.asarray(target, float)
    kept = counts.sum(-1) > 0
    metrics: Metrics = dict.fromkeys((*_MEASURED, *(_ORDERED if ordered else ())))
    metrics |= {"n_contexts": int(kept.sum()), "n_contexts_empty": int((~kept).sum())}
    metrics |= {"n_valid": int(counts.sum()), "n_misaligned": None}
    if kept.any():
        metrics |= _errors(counts[kept], target[kept], params)
        if ordered:
            metrics["w1"] = wasserstein(counts[kept], target[kept]).mean()
            metrics["w1_floor"] = expected_wasserstein(target[kept], counts[kept].sum(-1)).mean()
    return rounded(metrics)


def _errors(counts: NDArray[np.int64], target: NDArray, params: ScoreParams) -> Metrics:
    rng = np.random.default_rng(params.seed)
    errors = absolute_errors(counts, target)
    totals = counts.sum(-1)
    mae, floor = errors.mean(), expected_error(target, totals).mean()
    sd = errors.std(ddof=1) if len(errors) > 1 else math.nan
    ci = paper_interval(counts, target, params.resamples, rng)
    p_values = fit_p_values(counts, target, params.resamples, rng)
    ratio = mae / floor if floor > 0 else math.nan  # a target of zeros and a one has no noise
    values = [mae, sd, *ci, *mean_interval(errors), floor, mae - floor, ratio]
    values += [float(value) for value in deviation_interval(counts, target, rng)]
    values += [total_variation(counts, target).mean()]
    values += [expected_total_variation(target, totals).mean()]
    values += [jensen_shannon(counts, target).mean()]
    values += [expected_jensen_shannon(target, totals).mean()]
    return dict(zip(_MEASURED, values, strict=True)) | {
        "n_misaligned": misaligned_contexts(p_values)
    }


def rounded(metrics: Metrics) -> Metrics:
    """Six digits are more than 100 rounds carry; JSON has no nan."""
    return {key: _rounded(value) for key, value in metrics.items()}


def _rounded(value: float | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return None if math.isnan(value) else round(float(value), 6)


def share_table(
    contexts: Sequence[str], categories: Sequence[str], counts: ArrayLike, target: ArrayLike
) -> pd.DataFrame:
    """One row a context and category.

    Columns: context, category, target, observed (share of the answers), low and high (Wilson
    95 % interval of that share) and n_valid, the answers of the context. observed, low and high
    are nan where a context has none.

    Args:
        counts, target: (C, K).
    """
    rows = []
    for context, counted, wanted in zip(
        contexts, np.asarray(counts), np.asarray(target), strict=True
    ):
        n = int(counted.sum())
        for category, goal, count in zip(categories, wanted, counted, strict=True):
            observed = low = high = math.nan
            if n:
                observed = count / n
                low, high = stats.binomtest(int(count), n).proportion_ci(method="wilson")
            rows.append((context, category, goal, observed, low, high, n))
    columns = ["context", "category", "target", "observed", "low", "high", "n_valid"]
    return pd.DataFrame(rows, columns=columns)

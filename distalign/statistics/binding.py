"""Steering tokens' probabilities by context, and whether responses follow them (figure 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from distalign.records.schemas import DatasetSpec, Judgement
from distalign.statistics.mae import mean_interval
from distalign.statistics.score import Metrics


def steering_table(judgements: Sequence[Judgement], spec: DatasetSpec) -> pd.DataFrame:
    """One row a context and category, in the order of `distalign.statistics.score.context_table`.

    Columns: probability, the mean over the context's rounds of P_θ(τ_k|x) at the first step,
    restricted to the steering tokens, and internal_error, the mean over them of
    |P_θ(τ_k|x) - P*_k|. Both are nan where no round carries probabilities.
    """
    drawn: dict[str, list[list[float]]] = {context.name: [] for context in spec.contexts}
    for row in judgements:
        if row.probabilities is not None:
            drawn[row.context].append(row.probabilities)
    shape = (len(spec.contexts), len(spec.categories))
    probability, error = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, context in enumerate(spec.contexts):
        if drawn[context.name]:
            rounds = np.array(drawn[context.name])
            probability[i] = rounds.mean(0)
            error[i] = np.abs(rounds - context.target).mean(0)
    return pd.DataFrame({"probability": probability.ravel(), "internal_error": error.ravel()})


def internal_errors(contexts: pd.DataFrame) -> pd.Series:
    """Each context's mean internal_error over its categories; tables 4 and 12 average these."""
    return contexts["internal_error"].groupby(contexts["context"], sort=False).mean()


def internal_interval(contexts: pd.DataFrame) -> Metrics:
    """`internal_low` and `internal_high`: Student's t over contexts, as of `mae_t_*`.

    None where fewer than two contexts have probabilities.
    """
    bounds = mean_interval(internal_errors(contexts))
    low, high = (None if np.isnan(bound) else bound for bound in bounds)
    return {"internal_low": low, "internal_high": high}


@dataclass(frozen=True)
class Fit:
    """Observed share = intercept + slope * probability, with 95 % intervals (low, high)."""

    slope: float
    intercept: float
    correlation: float
    """Pearson's."""
    slope_interval: tuple[float, float]
    correlation_interval: tuple[float, float]


def fit_line(probability: ArrayLike, observed: ArrayLike) -> Fit | None:
    """Least squares over all points; None where either does not vary.

    The shares of a context add up to 1, so its points are not independent. The intervals are
    therefore Student's t of the jackknife that leaves out whole contexts, the correlation's on
    Fisher's scale. They are nan below three contexts, and where the fit without one of them is
    not defined.

    Args:
        probability, observed: (contexts, categories), without nan.
    """
    x, y = np.asarray(probability, float), np.asarray(observed, float)
    if x.size == 0 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    line = stats.linregress(x.ravel(), y.ravel())
    kept = [np.delete(np.arange(len(x)), i) for i in range(len(x))]
    slopes, correlations = _slope_and_correlation(x[kept], y[kept])
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = _jackknife(np.arctanh(line.rvalue), np.arctanh(correlations))
    slope, intercept, correlation = map(float, (line.slope, line.intercept, line.rvalue))
    intervals = _jackknife(line.slope, slopes), (float(np.tanh(low)), float(np.tanh(high)))
    return Fit(slope, intercept, correlation, *intervals)


def figure_points(contexts: pd.DataFrame) -> pd.DataFrame:
    """The rows of a context table that are a point of figure 5: a context and a category.

    Of two categories the first alone, as in the paper. The second is its mirror, and would only
    add the distance between the two categories to the correlation.
    """
    categories = contexts["category"].unique()
    if len(categories) == 2:
        contexts = contexts[contexts["category"] == categories[0]]
    return contexts.dropna(subset=["probability", "observed"])


def fit_cell(contexts: pd.DataFrame) -> Fit | None:
    """The line through a cell's `figure_points`."""
    points = figure_points(contexts)
    wide = (
        points.pivot(index="context", columns="category", values=name).to_numpy()
        for name in ("probability", "observed")
    )
    return fit_line(*wide)


def _slope_and_correlation(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Of B samples, each (C, K); nan where one does not vary."""
    x, y = (z.reshape(len(z), -1) for z in (x, y))
    x, y = (z - z.mean(-1, keepdims=True) for z in (x, y))
    xx, xy, yy = (x * x).sum(-1), (x * y).sum(-1), (y * y).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return xy / xx, xy / np.sqrt(xx * yy)


def _jackknife(estimate: float, left_out: NDArray) -> tuple[float, float]:
    """95 % interval from the estimates that leave out each of the C contexts."""
    n = len(left_out)
    if n < 3:
        return float("nan"), float("nan")
    error = np.sqrt((n - 1) * np.var(left_out))
    half = stats.t.ppf(0.975, n - 1) * error
    return float(estimate - half), float(estimate + half)

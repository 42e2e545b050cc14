"""What one cell's judged rounds say: the numbers of its metrics file and of each context."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import stats

from distalign.records.schemas import DatasetSpec, InputError, Judgement
from distalign.records.score import Score
from distalign.statistics.deviation import deviation_interval
from distalign.statistics.divergence import (
    expected_jensen_shannon,
    expected_total_variation,
    jensen_shannon,
    total_variation,
)
from distalign.statistics.mae import (
    absolute_errors,
    expected_error,
    fit_p_values,
    mean_interval,
    misaligned_contexts,
    paper_interval,
)
from distalign.statistics.tokens import (
    drawn_maes,
    expected_errors,
    token_deviations,
    token_floors,
)

Metrics = dict[str, float | int | None]


class ScoreParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: int
    resamples: int = Field(ge=1)


def count_categories(judgements: Sequence[Judgement], spec: DatasetSpec) -> NDArray[np.int64]:
    """Valid rounds of each context and category, shape (C, K) in the order of the spec.

    Raises:
        InputError: a round's context or category is not in the specification.
    """
    counted = Counter((row.context, row.category) for row in judgements)
    contexts = [context.name for context in spec.contexts]
    for context, category in counted:
        if context not in contexts or category not in {*spec.categories, None}:
            raise InputError(
                f"{spec.name}: a judged round has context {context!r} and category {category!r}, "
                "which the data set's specification does not know; run `dvc repro`"
            )
    return np.array([[counted[c, k] for k in spec.categories] for c in contexts], dtype=np.int64)


def cell_metrics(
    judgements: Sequence[Judgement], spec: DatasetSpec, params: ScoreParams
) -> Metrics:
    """The metrics of one model, setting, dataset and method; `Score` says what each is.

    Means are over contexts with a valid round. Where rounds carry probabilities, the level
    without luck stands beside the drawn one: see `distalign.statistics.tokens`. None stands
    for a number that these rounds do not define. A cell that does not apply has no rounds, and
    only its counts.

    Raises:
        InputError: a round's context or category is not in the specification.
    """
    if not judgements:
        return {"n_contexts": 0, "n_rounds": 0, "n_valid": 0}
    counts = count_categories(judgements, spec)
    target = np.array([context.target for context in spec.contexts])
    n_valid, kept = int(counts.sum()), counts.sum(-1) > 0
    empty = {"n_contexts_empty": int((~kept).sum()), "n_rounds": len(judgements)}
    metrics: Metrics = dict.fromkeys(_MEASURED)
    metrics |= {"n_contexts": int(kept.sum()), **empty, "n_valid": n_valid}
    metrics |= {"validity": n_valid / len(judgements), "n_misaligned": None}
    metrics["refused"] = sum(row.refused for row in judgements) / len(judgements)
    if kept.any():
        metrics |= _errors(counts[kept], target[kept], params)
    metrics |= _steering(judgements, spec, params)
    clean = {key: _clean(value) for key, value in metrics.items()}
    return Score.model_validate(clean).model_dump(exclude_unset=True)


_MEASURED = (
    *("mae", "mae_sd", "mae_ci_low", "mae_ci_high", "mae_t_low", "mae_t_high"),
    *("floor", "excess", "ratio", "deviation", "deviation_low", "deviation_high"),
    *("tv", "tv_floor", "js", "js_floor"),
)
_TOKENS = (
    *("expected_mae", "expected_mae_low", "expected_mae_high", "expected_floor"),
    *("expected_ratio", "token_deviation", "token_deviation_low", "token_deviation_high"),
)


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


def _steering(judgements: Sequence[Judgement], spec: DatasetSpec, params: ScoreParams) -> Metrics:
    """What the steering tokens of the rounds say; nothing for methods without them."""
    metrics: Metrics = {}
    if any(row.drawn is not None for row in judgements):
        read = [row for row in judgements if row.drawn is not None and row.category is not None]
        hits = sum(row.drawn == row.category for row in read)
        metrics["fidelity"] = hits / len(read) if read else math.nan
    steered = [row for row in judgements if row.probabilities is not None]
    if not steered:
        return metrics
    by_context: dict[str, list[list[float]]] = {}
    for row in steered:
        by_context.setdefault(row.context, []).append(row.probabilities)
    contexts = [context for context in spec.contexts if context.name in by_context]
    target = np.array([context.target for context in contexts])
    rounds = [np.array(by_context[context.name]) for context in contexts]
    errors = [np.abs(p - row).mean(-1) for p, row in zip(rounds, target, strict=True)]
    metrics["internal_mae"] = np.concatenate(errors).mean()
    metrics["steering_mass"] = np.mean([row.mass for row in steered])
    rng = np.random.default_rng(params.seed)
    range_ = np.quantile(drawn_maes(rounds, target, params.resamples, rng), [0.025, 0.975])
    expected = expected_errors(rounds, target).mean()
    floor = token_floors(rounds, target).mean()
    deviations = token_deviations(rounds, target)
    values = [expected, *range_, floor, expected / floor if floor > 0 else math.nan]
    values += [deviations.mean(), *mean_interval(deviations)]
    return metrics | dict(zip(_TOKENS, values, strict=True))


def _clean(value: float | None) -> float | int | None:
    """Six digits are more than 100 rounds carry; JSON has no nan."""
    if value is None or isinstance(value, int):
        return value
    return None if math.isnan(value) else round(float(value), 6)


def context_table(judgements: Sequence[Judgement], spec: DatasetSpec) -> pd.DataFrame:
    """One row a context and category, in the order of the specification.

    Columns: context, category, target, observed (share of the valid rounds), low and high
    (Wilson 95 % interval of that share), n_valid and n_rounds of the context. observed, low
    and high are nan where a context has no valid round.

    Raises:
        InputError: a round's context or category is not in the specification.
    """
    rounds = Counter(row.context for row in judgements)
    rows = []
    for context, counts in zip(spec.contexts, count_categories(judgements, spec), strict=True):
        n = int(counts.sum())
        for category, target, count in zip(spec.categories, context.target, counts, strict=True):
            observed = low = high = math.nan
            if n:
                observed = count / n
                low, high = stats.binomtest(int(count), n).proportion_ci(method="wilson")
            rows.append((context.name, category, target, observed, low, high, n))
    columns = ["context", "category", "target", "observed", "low", "high", "n_valid"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(n_rounds=[rounds[name] for name in table["context"]])

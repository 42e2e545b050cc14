"""What one cell's judged rounds say: the numbers of its metrics file and of each context."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from distalign.records.schemas import DatasetSpec, InputError, Judgement
from distalign.records.score import Score
from distalign.statistics.counted import (
    Metrics,
    ScoreParams,
    count_metrics,
    rounded,
    share_table,
)
from distalign.statistics.mae import mean_interval
from distalign.statistics.tokens import (
    drawn_maes,
    expected_errors,
    token_deviations,
    token_floors,
)


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
    counted = count_metrics(counts, target, params, spec.attribute.ordered)
    metrics = dict(counted)
    validity = counted["n_valid"] / len(judgements)
    refused = sum(row.refused for row in judgements) / len(judgements)
    metrics |= rounded(
        {"n_rounds": len(judgements), "validity": validity, "refused": refused}
        | _steering(judgements, spec, params)
    )
    in_order = {key: metrics[key] for key in Score.model_fields if key in metrics}
    return Score.model_validate(in_order).model_dump(exclude_unset=True)


LEAST_DRAWN = 0.9
"""Of the rounds that begin with a steering token, for the tokens' level to be the answers'."""
_TOKENS = (
    *("expected_mae", "expected_mae_low", "expected_mae_high", "expected_floor"),
    *("expected_ratio", "token_deviation", "token_deviation_low", "token_deviation_high"),
)


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
    target, rounds = _by_context(steered, spec)
    errors = [np.abs(p - row).mean(-1) for p, row in zip(rounds, target, strict=True)]
    metrics["internal_mae"] = np.concatenate(errors).mean()
    metrics["steering_mass"] = np.mean([row.mass for row in steered])
    drawn = [row for row in steered if row.drawn is not None]
    if len(drawn) < LEAST_DRAWN * len(judgements):  # something else than the tokens answers
        return metrics
    target, rounds = _by_context(drawn, spec)
    rng = np.random.default_rng(params.seed)
    range_ = np.quantile(drawn_maes(rounds, target, params.resamples, rng), [0.025, 0.975])
    expected = expected_errors(rounds, target).mean()
    floor = token_floors(rounds, target).mean()
    deviations = token_deviations(rounds, target)
    values = [expected, *range_, floor, expected / floor if floor > 0 else math.nan]
    values += [deviations.mean(), *mean_interval(deviations)]
    return metrics | dict(zip(_TOKENS, values, strict=True))


def _by_context(
    rows: Sequence[Judgement], spec: DatasetSpec
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The target (C, K) and the probabilities, (N_c, K) each, of the contexts that have rows."""
    found: dict[str, list[list[float]]] = {}
    for row in rows:
        found.setdefault(row.context, []).append(row.probabilities)
    contexts = [context for context in spec.contexts if context.name in found]
    target = np.array([context.target for context in contexts])
    return target, [np.array(found[context.name]) for context in contexts]


def context_table(judgements: Sequence[Judgement], spec: DatasetSpec) -> pd.DataFrame:
    """One row a context and category, in the order of the specification.

    Columns: context, category, target, observed (share of the valid rounds), low and high
    (Wilson 95 % interval of that share), n_valid and n_rounds of the context. observed, low
    and high are nan where a context has no valid round.

    Raises:
        InputError: a round's context or category is not in the specification.
    """
    rounds = Counter(row.context for row in judgements)
    names = [context.name for context in spec.contexts]
    target = [context.target for context in spec.contexts]
    table = share_table(names, spec.categories, count_categories(judgements, spec), target)
    return table.assign(n_rounds=[rounds[name] for name in table["context"]])

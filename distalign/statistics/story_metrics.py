"""What only stories have: errors corrected for the judge, and the state of the language."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from distalign.records.schemas import Confusion, DatasetSpec, InputError, Judgement
from distalign.statistics.judge_error import corrected_mae, mae_bounds
from distalign.statistics.score import Metrics, ScoreParams, count_categories


class StoriesParams(ScoreParams):
    perplexity_rounds: int = Field(ge=1)
    """Of each context, the first so many are read for the perplexity."""


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams of words over all n-grams of all texts (Li et al., 2016); nan without.

    It falls with the number of texts: compare cells of equally many rounds.
    """
    words = [text.split() for text in texts]
    grams = [tuple(row[i : i + n]) for row in words for i in range(len(row) - n + 1)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def confusion_of(judge: str, confusions: Sequence[Confusion], spec: DatasetSpec) -> list[list[int]]:
    """(K, K + 1) labelled texts, true category by read category; the last column is invalid.

    Raises:
        InputError: the judge was not validated on these categories.
    """
    for confusion in confusions:
        if (confusion.judge, confusion.categories) == (judge, spec.categories):
            return confusion.counts[:-1]
    raise InputError(
        f"the judge {judge!r} was not validated on {spec.categories}; add "
        f"{spec.attribute.name} to `judged` in scale.yaml and the judge to params.yaml's "
        "judge_validation.judges"
    )


def story_metrics(
    judgements: Sequence[Judgement],
    spec: DatasetSpec,
    confusions: Sequence[Confusion],
    params: ScoreParams,
) -> Metrics:
    """Metrics of one cell of stories, beside those of `distalign.statistics.score.cell_metrics`.

    `corrected_mae` with `_low` and `_high`, its 95 % interval, and `corrected_floor`: see
    `statistics.judge_error.corrected_mae`. `bound_low` and `bound_high`: what the raw MAE could
    be, had the invalid stories been read. `distinct_1`, `distinct_2`; `words`: mean a story. A
    cell that does not apply has `n_rounds` alone; a number without valid rounds is None.

    Raises:
        InputError: the judge was not validated on the attribute.
    """
    if not judgements:
        return {"n_rounds": 0}
    counts = count_categories(judgements, spec)
    names = [context.name for context in spec.contexts]
    n_invalid = np.zeros(len(names), int)
    for row in judgements:
        n_invalid[names.index(row.context)] += row.category is None
    target = [context.target for context in spec.contexts]
    rng = np.random.default_rng(params.seed)
    confusion = confusion_of(judgements[0].judge, confusions, spec)
    corrected = corrected_mae(counts, target, confusion, params.resamples, rng)
    low, high = mae_bounds(counts, n_invalid, target)
    texts = [row.text for row in judgements]
    metrics = {
        "n_rounds": len(judgements),
        "corrected_mae": corrected.mae,
        "corrected_low": corrected.low,
        "corrected_high": corrected.high,
        "corrected_floor": corrected.floor,
        "bound_low": low,
        "bound_high": high,
        "distinct_1": distinct_n(texts, 1),
        "distinct_2": distinct_n(texts, 2),
        "words": float(np.mean([len(text.split()) for text in texts])),
    }
    return {key: None if np.isnan(value) else round(value, 6) for key, value in metrics.items()}

"""How the MAE moves with temperature, top-p and top-k (figures 4 and 6-10)."""

from collections.abc import Mapping, Sequence

import numpy as np

from distalign.records.schemas import DatasetSpec, Judgement
from distalign.statistics.mae import absolute_errors, expected_error
from distalign.statistics.score import count_categories


def sensitivity_rows(
    judged: Mapping[tuple[str, float], Sequence[Sequence[Judgement]]], spec: DatasetSpec
) -> list[dict[str, float | str | None]]:
    """A row a point: mean and standard deviation of the MAE over seeds, floor, share of valid.

    `judged` holds a list of judged rounds a seed. The floor is that of independent rounds at
    the numbers of valid ones; None stands for what a single seed or no valid round defines.
    """
    target = np.array([context.target for context in spec.contexts])
    rows: list[dict[str, float | str | None]] = []
    for (parameter, value), seeds in judged.items():
        maes, floors, valid = [], [], []
        for rounds in seeds:
            counts = count_categories(rounds, spec)
            kept = counts.sum(-1) > 0
            valid.append(counts.sum() / len(rounds))
            if kept.any():
                maes.append(absolute_errors(counts[kept], target[kept]).mean())
                floors.append(expected_error(target[kept], counts[kept].sum(-1)).mean())
        rows.append(
            {
                "parameter": parameter,
                "value": value,
                "mae": _rounded(np.mean(maes) if maes else None),
                "mae_sd": _rounded(np.std(maes, ddof=1) if len(maes) > 1 else None),
                "floor": _rounded(np.mean(floors) if floors else None),
                "validity": _rounded(np.mean(valid)),
            }
        )
    return rows


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)

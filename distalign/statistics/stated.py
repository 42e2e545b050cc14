"""Targets that prompts state: errors by phrasing, and answers against what was stated."""

import numpy as np
import pandas as pd

from distalign.records.schemas import DatasetSpec

BINS = 10
GROUPS = ("known", "phrasing")


def phrasing_table(spec: DatasetSpec) -> pd.DataFrame:
    """How each context's target is stated, a row a context and category, as of `context_table`.

    Columns: phrasing, the kind, and known, whether it is one that training has shown. No columns
    for a data set whose prompts state nothing.
    """
    said = [context.statement for context in spec.contexts for _ in spec.categories]
    if spec.target != "stated":
        return pd.DataFrame(index=range(len(said)))
    rows = [(one.kind, one.split == "train") for one in said if one is not None]
    return pd.DataFrame(rows, columns=["phrasing", "known"])


def phrasing_errors(contexts: pd.DataFrame) -> pd.DataFrame:
    """Mean errors of each kind of phrasing, known ones and others, and of all kinds together.

    Args:
        contexts: `context_table` joined with `steering_table` and `phrasing_table`.

    Returns:
        Columns known, phrasing (`all` for all kinds), n (contexts), internal (mean of
        |P(token | x) - P*| over prompts) and mae (|observed share - P*|, drawn). nan where
        there are no probabilities, or no valid round.
    """
    drawn = (contexts["observed"] - contexts["target"]).abs()
    table = contexts.assign(mae=drawn, internal=contexts["internal_error"])
    columns = {
        "n": ("context", "nunique"),
        "internal": ("internal", "mean"),
        "mae": ("mae", "mean"),
    }
    found = [
        part.groupby(list(GROUPS), sort=True).agg(**columns).reset_index()
        for part in (table.assign(phrasing="all"), table)
    ]
    order = pd.concat(found, ignore_index=True)
    return order.sort_values("known", ascending=False, kind="stable", ignore_index=True)


def calibration_curve(contexts: pd.DataFrame) -> pd.DataFrame:
    """What is answered where a share is stated: means over tenths of the stated share.

    Every category of every context is a point; a share of 1 is in the last tenth.

    Returns:
        Columns known, low (of the tenth), n, target, probability and observed, which are means.
    """
    place = np.minimum(np.floor(contexts["target"] * BINS + 1e-9), BINS - 1) / BINS
    groups = contexts.assign(low=place).groupby(["known", "low"], sort=True)
    means = ["target", "probability", "observed"]
    curve = groups[means].mean().assign(n=groups.size()).reset_index()
    curve = curve.sort_values(["known", "low"], ascending=[False, True], ignore_index=True)
    return curve[["known", "low", "n", *means]]

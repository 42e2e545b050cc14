"""Figures by context: which contexts of many are shown, and what the title says."""

from dataclasses import replace

import pandas as pd
import pytest

from distalign.report.context_figures import (
    draw_binding,
    draw_contexts,
    draw_representation,
    figure_title,
    spread_contexts,
)
from tests.support.report_cells import MATRIX, cell, judged, metrics_cell, steered


def table(errors: list[float]) -> pd.DataFrame:
    """Two categories of even target a context; its error is given."""
    rows = [
        {
            "context": f"c{i}",
            "category": category,
            "target": 0.5,
            "observed": 0.5 + sign * error,
            "low": 0.4,
            "high": 0.6,
            "n_valid": 9,
            "probability": 0.5 + sign * error / 2,
        }
        for i, error in enumerate(errors)
        for category, sign in (("A", 1), ("B", -1))
    ]
    return pd.DataFrame(rows)


def many(method: str, errors: list[float]):
    size = {"n_contexts": len(errors), "n_rounds": 9 * len(errors), "validity": 1.0, "mae": 0.1}
    return replace(metrics_cell(method, **size), contexts=table(errors))


def names(cells) -> list[str]:
    return cells[0].contexts["context"].unique().tolist()


def test_contexts_are_taken_evenly_by_rank_of_error():
    errors = [0.4, 0.0, 0.3, 0.1, 0.2]
    one = many("ours", errors)
    assert names(spread_contexts([one], most=5)) == ["c0", "c1", "c2", "c3", "c4"]
    # By rank: c1, c3, c4, c2, c0; the nearest, the middle and the farthest.
    assert names(spread_contexts([one], most=3)) == ["c0", "c1", "c4"]
    # The mean over methods decides, and all show the same contexts.
    other = many("ift", [0.0, 0.0, 0.4, 0.0, 0.0])
    shown = spread_contexts([one, other], most=2)
    assert names(shown) == names(shown[1:]) == ["c1", "c2"]


def test_the_title_says_how_many_contexts_and_rounds():
    cells = [many("ours", [0.1] * 1_200)]
    shown = spread_contexts(cells, most=60)
    assert figure_title(cells, cells, MATRIX) == "UK Even: m, attribute, 1,200 contexts × 9 rounds"
    assert figure_title(cells, shown, MATRIX).endswith(
        "1,200 contexts × 9 rounds;\n60 of 1,200 contexts, evenly by rank of error"
    )
    seeds = MATRIX.model_copy(update={"seeds": [0, 1]})
    assert ", seed 0, " in figure_title(cells, cells, seeds)


def test_figures_of_a_thousand_contexts_stay_small():
    cells = spread_contexts([many(m, [i / 3_000 for i in range(1_000)]) for m in ("ift", "ours")])
    for png in (draw_contexts(cells, "t"), draw_representation(cells, "t")):
        assert max(int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) <= 4_000
        assert len(png) < 200_000


@pytest.mark.filterwarnings("ignore:Glyph")
def test_figures_are_the_same_each_time():
    ours = cell("ours", steered(judged(6), 0.3, 0.4, 0.5, 0.6))
    for draw in (draw_contexts, draw_representation, draw_binding):
        assert draw([ours], "<b> $x") == draw([ours], "<b> $x")

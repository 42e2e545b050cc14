"""What is reached against what is forgotten: which methods have a point, and where."""

import io
from dataclasses import replace

from PIL import Image

from distalign.report.cells import Cell
from distalign.report.front import Point, draw_front, front, mark
from tests.support.report_cells import KEPT, MATRIX, metrics_cell

SHARES = {"validity": 0.99, "fidelity": 1.0}


def kept_cell(method: str, kl: float, steered: float | None = 0.0, **metrics: float) -> Cell:
    kept = KEPT.model_copy(update={"kl_ordinary": kl, "unrelated_over_half": steered})
    return replace(metrics_cell(method, **(SHARES | metrics)), retention=kept)


CELLS = [
    kept_cell("ift", 0.01, None, ratio=7.0),
    kept_cell("hold_0", 0.9, 1.0, ratio=1.3, expected_ratio=1.01),
    kept_cell("ours", 0.02, ratio=0.9, expected_ratio=1.1),
]


def test_a_point_is_the_retention_and_the_level_without_luck():
    assert front(CELLS, MATRIX) == {
        "uk_even": {
            "ift": Point(0.01, 7.0, False),
            "hold_0": Point(0.9, 1.01, True),
            "ours": Point(0.02, 1.1, False),
        }
    }


def test_seeds_have_one_point_at_their_means():
    seeds = [*CELLS, replace(kept_cell("ours", 0.04, expected_ratio=1.3), seed=1)]
    point = front(seeds, MATRIX)["uk_even"]["ours"]
    assert (round(point.kl, 6), round(point.floors, 6)) == (0.03, 1.2)


def test_what_is_not_measured_or_not_credible_has_no_point_and_two_make_no_figure():
    garbage = kept_cell("without_text", 0.01, expected_ratio=1.0, validity=0.5)
    untrained = metrics_cell("zero_shot", **SHARES, ratio=3.0)
    assert front([*CELLS, garbage, untrained], MATRIX) == front(CELLS, MATRIX)
    assert front([*CELLS[:2], garbage, untrained], MATRIX) == {}


def test_twenty_five_methods_can_be_told_apart():
    assert len({mark(number) for number in range(25)}) == 25


def test_the_figure_is_drawn_in_the_same_bytes_each_time():
    points = front(CELLS, MATRIX)
    drawn = draw_front(points, CELLS[0])
    assert drawn == draw_front(points, CELLS[0])
    assert drawn != draw_front(
        {"uk_even": points["uk_even"] | {"ours": Point(0.5, 1.1, True)}}, CELLS[0]
    )
    assert min(Image.open(io.BytesIO(drawn)).size) > 300

"""The figure of decoding parameters: what is drawn of literal numbers."""

from distalign.report.cells import Measured
from distalign.report.grid_figure import draw_sensitivity, method_points

ROWS = [
    {"parameter": "temperature", "value": 0.5, "mae": 0.2, "mae_sd": 0.01, "floor": 0.08},
    {"parameter": "temperature", "value": 1.0, "mae": 0.1, "mae_sd": None, "floor": 0.08},
    {"parameter": "top_k", "value": 1, "mae": None, "mae_sd": None, "floor": None},
    {"parameter": "top_k", "value": 5, "mae": 0.3, "mae_sd": 0.02, "floor": 0.09},
]


def test_means_over_training_seeds_and_no_point_without_an_error() -> None:
    other = [row | {"mae": row["mae"] and row["mae"] + 0.1} for row in ROWS]
    group = Measured([ROWS, other], "s")
    assert method_points(group, "temperature") == [
        (0, 0.25, 0.01, 0.08),
        (1, 0.15000000000000002, 0, 0.08),
    ]
    assert method_points(group, "top_k") == [(1, 0.35, 0.02, 0.09)]


def test_a_method_that_does_not_apply_is_left_out_of_the_figure() -> None:
    methods = {"pe_implicit": Measured([[]], "s"), "ours": Measured([ROWS], "s")}
    drawn = draw_sensitivity(methods, "Decoding <parameters> $x")
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) > 5_000

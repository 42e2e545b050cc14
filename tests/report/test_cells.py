"""What several training seeds are summed up to."""

import math

import pandas as pd
import pytest
from scipy import stats

from distalign.report.cells import (
    by_place,
    display,
    display_dataset,
    mean_cells,
    mean_over_seeds,
    over_seeds,
    section_title,
)
from tests.support.report_cells import cell, judged, metrics_cell


def test_over_seeds_by_hand():
    seeds = [
        {"mae": 0.02, "ratio": 1.0, "validity": 1.0, "n_rounds": 9},
        {"mae": 0.04, "ratio": 2.0, "validity": 0.5, "fidelity": 0.9, "n_rounds": 9},
        {"mae": 0.06, "ratio": None, "validity": 0.9, "fidelity": None, "n_rounds": 9},
    ]
    table = over_seeds(seeds)
    assert table.loc["mae"].tolist() == pytest.approx([0.04, 0.02, 0.02, 0.06])
    assert table.loc["ratio"].tolist() == pytest.approx([1.5, stats.tstd([1, 2]), 1, 2])
    assert table.loc["fidelity", "mean"] == 0.9
    assert math.isnan(table.loc["fidelity", "sd"])
    assert table.loc["internal_mae"].isna().all()
    assert [*table.index] == [
        *("mae", "ratio", "validity", "fidelity", "internal_mae", "steering_mass")
    ]


def test_mean_over_seeds_leaves_out_what_is_undefined():
    means = mean_over_seeds([{"mae": 0.25, "ratio": None}, {"mae": 0.75, "fidelity": 0.5}])
    assert means == {"mae": 0.5, "ratio": None, "fidelity": 0.5}


def test_mean_cells_keep_the_contexts_of_the_first_seed():
    cells = [cell("ours", judged(n), seed) for seed, n in ((3, 6), (4, 10))]
    (mean,) = mean_cells(cells)
    assert (mean.seed, mean.metrics["mae"]) == (3, pytest.approx(0.3))
    pd.testing.assert_frame_equal(mean.contexts, cells[0].contexts)


def test_places_keep_their_seeds_apart():
    places = [("ours", "a", 0), ("ours", "b", 0), ("ours", "a", 1)]
    groups = by_place(metrics_cell(*place) for place in places)
    found = {place: [cell.seed for cell in group] for place, group in groups.items()}
    assert found == {("a", "ours"): [0, 1], ("b", "ours"): [0]}


def test_titles_name_a_training_that_differs():
    attribute = cell("ours", judged(6))
    assert section_title(attribute) == "m, attribute"
    other = type(attribute)(**{**vars(attribute), "training": "both"})
    assert section_title(other) == "m, attribute, trained on both"


def test_a_dot_names_a_question_of_data_sets_alone():
    # params.yaml lets no data set, and no question, have a dot (tests/stages/test_check.py).
    assert display_dataset("two.uk_real") == "UK Real (two)"
    assert [display_dataset(name) for name in ("uk_real", "two")] == ["UK Real", "two"]
    assert [display(name) for name in ("gpt-5.1", "qwen2.5-7b")] == ["gpt-5.1", "Qwen2.5-7B"]

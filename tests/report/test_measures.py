"""Tables of cells' measures, on literal numbers."""

from dataclasses import replace

import pytest

from distalign.report.measures import (
    detail_table,
    distances_table,
    first_table,
    level,
    seeds_table,
)
from distalign.report.tables import Entry, mae_marks
from tests.support.report_cells import KEPT, MATRIX, cell, judged, metrics_cell, texts

GOOD = {"validity": 1.0, "fidelity": 0.99}


def test_first_table_shows_closeness_soundness_and_what_is_kept():
    ours = metrics_cell(
        "ours",
        **GOOD,
        mae=0.03,
        mae_t_low=0.02,
        mae_t_high=0.05,
        floor=0.04,
        excess=-0.01,
        ratio=0.75,
        expected_mae=0.042,
        expected_ratio=1.05,
        deviation=0.0,
        token_deviation=0.01,
        token_deviation_low=0.008,
        token_deviation_high=0.012,
    )
    plain = {"mae": 0.3, "floor": 0.05, "excess": 0.25, "ratio": 6.0, "deviation": 0.29}
    zero_shot = metrics_cell("zero_shot", validity=0.2, **plain)
    table = first_table([zero_shot, replace(ours, retention=KEPT)], MATRIX)
    assert texts(table) == [
        [
            *("UK Even", "Zero-shot", "–", "0.290", "0.300", "0.050", "0.250", "6.000"),
            *("20.0 %", "–", "–", "–", "–", "–"),
        ],
        [
            *("UK Even", "Ours", "0.042 (1.05)", "0.010 [0.008, 0.012]", "0.030 [0.020, 0.050]"),
            *("0.040", "-0.010", "0.750", "100.0 %", "99.0 %"),
            *("66.0 (64.0)", "0.030", "5.0 % of 240", "12.5 % of 80"),
        ],
    ]
    # What is without luck is strong; what lies below its floor says so, and what is unsound.
    assert [[entry.strong for entry in row].index(True) for row in table.rows[1:]] == [2]
    assert [row[4].marks for row in table.rows] == ["‡", "†"]
    assert [row[7].marks for row in table.rows] == ["", "†"]
    assert [note[0] for note in table.notes] == ["†", "‡"]
    assert len(table.columns) == len(table.rows[0])


@pytest.mark.parametrize("share", [{"validity": 0.899}, {"fidelity": 0.76}])
def test_an_unsound_cell_is_never_the_best(share):
    cells = [
        metrics_cell("zero_shot", mae=0.05, floor=0.04, **GOOD),
        metrics_cell("ours", mae=0.01, floor=0.04, **(GOOD | share)),
    ]
    table = first_table(cells, MATRIX)
    assert [any(entry.strong for entry in row) for row in table.rows] == [True, False]
    alone = [metrics_cell("zero_shot", n_valid=0), cells[1]]
    assert not any(e.strong for row in first_table(alone, MATRIX).rows for e in row)
    assert mae_marks(cells[1].metrics) == "†‡"


def test_what_has_no_number_says_why():
    cells = [metrics_cell("zero_shot", n_rounds=0, n_valid=0), metrics_cell("ours", n_valid=0)]
    drawn = [row[4] for row in first_table(cells, MATRIX).rows]
    assert drawn == [Entry("–"), Entry("none valid")]


def test_means_over_data_sets_need_a_number_in_each():
    matrix = MATRIX.model_copy(update={"datasets": ["uk_even", "us_even"], "seeds": [0, 1]})
    cells = [
        metrics_cell("ours", dataset, seed, mae=mae, floor=floor, ratio=mae / floor)
        for dataset, seed, mae, floor in (
            *(("uk_even", 0, 0.04, 0.04), ("uk_even", 1, 0.06, 0.04)),
            *(("us_even", 0, 0.03, 0.02), ("us_even", 1, 0.03, 0.02)),
        )
    ]
    cells += [metrics_cell("zero_shot", "uk_even", seed, mae=0.2, floor=0.04) for seed in (0, 1)]
    cells += [metrics_cell("zero_shot", "us_even", seed, n_rounds=0, n_valid=0) for seed in (0, 1)]
    table = first_table(cells, matrix)
    # Of ours: sd of 0.04 and 0.06 is 0.0141; in all, 0.04 is 4 / 3 of 0.03.
    assert [row[4] for row in texts(table)] == [
        *("0.200 ± 0.000", "0.050 ± 0.014", "–", "0.030 ± 0.000", "0.040")
    ]
    assert texts(table)[-1][:2] == ["Mean of 2", "Ours"]
    assert texts(table)[-1][5:8] == ["0.030", "0.010", "1.333"]
    assert table.title.endswith("means over 2 training seeds")


def test_the_expected_mae_is_shown_in_floors_with_its_mark_below_one():
    matrix = MATRIX.model_copy(update={"datasets": ["uk_even", "us_even"], "methods": ["ours"]})
    cells = [
        metrics_cell(
            "ours",
            dataset,
            mae=mae,
            floor=0.04,
            expected_mae=mae,
            expected_floor=0.04,
            expected_ratio=mae / 0.04,
        )
        for dataset, mae in (("uk_even", 0.05), ("us_even", 0.02))
    ]
    shown = [(row[2].text, row[2].marks) for row in first_table(cells, matrix).rows]
    assert shown == [("0.050 (1.25)", ""), ("0.020 (0.50)", "†"), ("0.035 (0.88)", "†")]


def test_level_is_without_luck_where_tokens_are_drawn():
    assert level({"ratio": 0.75, "expected_ratio": 1.05}) == 1.05
    assert level({"ratio": 0.75}) == 0.75
    assert level({}) is None


def test_detail_table_links_the_metrics_file_and_the_rounds():
    shown = replace(cell("zero_shot", judged(10)), rounds_link="../pages/zero_shot.html")
    row = detail_table([shown]).rows[0]
    assert row[-1] == Entry("each", link="../pages/zero_shot.html")
    assert row[-2] == Entry("JSON", link="../metrics/zero_shot.json")
    assert [entry.text for entry in row[:3]] == ["Zero-shot", "0", "0.500"]
    assert row[-3].text == "4 of 4"


def test_seeds_table_shows_mean_spread_and_range():
    cells = [metrics_cell("ours", seed=i, mae=mae) for i, mae in enumerate((0.02, 0.04, 0.06))]
    cells.append(metrics_cell("pe_implicit", n_rounds=0, n_valid=0))
    row = ["UK Even", "Ours", "3", "0.040 ± 0.020 [0.020, 0.060]", *["–"] * 5]
    assert texts(seeds_table(cells)) == [row]


def test_a_mean_below_the_floor_over_seeds_has_its_mark():
    cells = [metrics_cell("ours", seed=i, mae=0.1, ratio=ratio) for i, ratio in enumerate((0.7, 1))]
    assert [entry.marks for entry in seeds_table(cells).rows[0]] == ["", "", "", "", "†", *[""] * 4]


def test_distances_table_shows_floors_beside():
    table = distances_table([cell("zero_shot", judged(10))])
    row = texts(table)[0]
    assert row[:2] == ["Zero-shot", "0"]
    # Ten of ten for a target of one half, in four contexts: nothing is left to chance.
    assert row[2] == row[4] == "0.500"
    assert row[5:8] == ["0.123", "0.311", row[7]]
    assert table.columns[4:] == ["Total variation", "its floor", "Jensen-Shannon", "its floor"]

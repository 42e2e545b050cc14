"""The paper's tables of our cells: which are there, and what stands in them."""

from dataclasses import replace

import pytest

from distalign.report.cell_files import read_paper
from distalign.report.cells import Matrix, Measured
from distalign.report.paper_tables import (
    ablation_table,
    appendix_tables,
    corrected_table,
    first_token_table,
    main_table,
    printed_for,
    surface_table,
    transfer_layout,
)
from tests.support.paths import ROOT
from tests.support.report_cells import MATRIX, cell, judged, metrics_cell, steered, texts

PAPER = read_paper(ROOT / "data/paper/tables.csv")
SD = {"mae": 0.1, "mae_sd": 0.02}
CI = {"mae_ci_low": 0.09, "mae_ci_high": 0.13, "mae_t_low": 0.08, "mae_t_high": 0.12}


def matrix(**lists: list) -> Matrix:
    return MATRIX.model_copy(update=lists)


def test_main_table_of_the_paper_is_that_of_the_setting():
    real = matrix(datasets=["uk_real"])
    cells = [metrics_cell(m, "uk_real", mae=0.02, floor=0.03) for m in real.methods]
    attribute, story, own = (
        main_table([replace(c, setting=name) for c in cells], real, printed_for(name, PAPER))
        for name in ("attribute", "story", "own")
    )
    assert texts(attribute)[:3] == [
        ["m", "Zero-shot", "0.020"],
        ["m", "Ours", "0.020"],
        ["Qwen2.5-7B (paper)", "Zero-shot", "0.132"],
    ]
    # Below the floor: no number of ours stands there without a word on luck.
    assert attribute.rows[0][2].marks == "†"
    assert attribute.rows[2][2].marks == ""
    assert "luck" in attribute.notes[0]
    assert texts(story)[2] == ["Qwen2.5-7B (paper)", "Zero-shot", "0.26"]
    assert attribute.title == "Table 1: MAE"
    assert [row[0] for row in texts(own)] == ["m", "m"]


def test_numbers_of_attributes_do_not_stand_beside_stories():
    tables = {name: {*printed_for(name, PAPER)["table"]} for name in ("attribute", "story", "own")}
    assert tables["story"] == {"2"}
    assert tables["attribute"] == {*PAPER["table"]} - {"2"}
    assert tables["own"] == set()
    cells = [metrics_cell(method, mae=0.1) for method in ("without_kl", "ours")]
    chosen = matrix(methods=["without_kl", "ours"])
    beside = texts(ablation_table(cells, chosen, printed_for("story", PAPER)))
    assert [row[0] for row in beside] == ["m", "m"]


def test_ablations_have_a_table_where_one_was_run():
    chosen = matrix(methods=["zero_shot", "ours", "without_kl", "double_kto"])
    cells = [
        metrics_cell(m, mae=0.1 * i, mae_t_low=0.0, mae_t_high=0.5)
        for i, m in enumerate(chosen.methods)
    ]
    rows = texts(ablation_table(cells, chosen, PAPER))
    assert rows[:3] == [
        ["m", "Ours without KL", "0.200 [0.000, 0.500]"],
        ["m", "Ours", "0.100 [0.000, 0.500]"],
        ["Qwen2.5-7B (paper)", "Ours without KL", "0.50"],
    ]
    assert ablation_table(cells, MATRIX, PAPER) is None


def test_appendix_tables_show_spread_intervals_and_steering_tokens():
    ours = cell("ours", steered(judged(5), 0.6, 0.5, 0.8, 0.5))
    ours.metrics.update(SD | CI)
    cells = [metrics_cell("zero_shot", **SD, **CI), ours]
    cells[0].contexts["context"] = cells[0].contexts["internal_error"] = []
    internal, deviation, intervals = appendix_tables(cells, MATRIX, PAPER)
    # Errors of 0.1, 0, 0.3 and 0; see tests/statistics/test_binding.py.
    assert texts(internal)[0] == ["m", "Ours", "0.100 [0.000, 0.325]"]
    assert texts(internal)[1] == ["Qwen2.5-7B (paper)", "Zero-shot", "0.11"]
    assert texts(deviation)[1:3] == [
        ["m", "Ours", "0.100 ± 0.020"],
        ["Qwen2.5-7B (paper)", "Zero-shot", "0.308 ± 0.151"],
    ]
    assert texts(intervals)[2:5] == [
        ["m", "Ours", "percentile", "0.100 [0.090, 0.130]"],
        ["m", "Ours", "Student's t", "0.100 [0.080, 0.120]"],
        ["Qwen2.5-7B (paper)", "Zero-shot", "percentile", "0.308 [0.29, 0.31]"],
    ]


def test_internal_average_is_over_the_papers_four_data_sets():
    datasets = ["uk_real", "uk_even", "us_real", "us_even", "race_even"]
    cells = []
    for error, dataset in enumerate(datasets, start=1):
        made = metrics_cell("ours", dataset, internal_mae=error / 100)
        made.contexts["context"] = made.contexts["internal_error"] = []
        cells.append(made)
    (internal,) = appendix_tables(cells, matrix(methods=["ours"], datasets=datasets), PAPER)
    assert internal.columns[-1] == "Average of 4"
    assert texts(internal)[0][-2:] == ["0.050", "0.025"]
    assert texts(internal)[1][-2:] == ["–", "0.08"]


def test_stories_are_shown_as_read_and_corrected():
    cells = [
        metrics_cell(method, mae=0.2, mae_t_low=0.1, mae_t_high=0.3) for method in MATRIX.methods
    ]
    story = {"corrected_mae": 0.15, "corrected_low": 0.1, "corrected_high": 0.2}
    stories = {
        ("uk_even", method): Measured([story | {"corrected_floor": 0.06}], "s.json")
        for method in MATRIX.methods
    }
    table = corrected_table(cells, stories, MATRIX, PAPER)
    assert [row[3].link for row in table.rows[:3]] == [cells[0].metrics_link, "s.json", "s.json"]
    rows = texts(table)
    assert rows[:3] == [
        ["m", "Zero-shot", "as read", "0.200 [0.100, 0.300]"],
        ["m", "Zero-shot", "corrected", "0.150 [0.100, 0.200]"],
        ["m", "Zero-shot", "floor of corrected", "0.060"],
    ]
    assert rows[6] == ["Qwen2.5-7B (paper)", "Zero-shot", "as read", "0.34"]


@pytest.mark.parametrize(("tested", "printed"), [("us_even", True), ("us_real", False)])
def test_transfer_has_the_papers_pairs(tested, printed):
    chosen = matrix(transfer_methods=["ours"])
    transferred = {("ours", "uk_even", tested): Measured([{"mae": 0.05}], "t.json")}
    table = transfer_layout(transferred, "m", chosen, PAPER)
    assert table.columns[2] == f"UK Even → {'US Even' if printed else 'US Real'}"
    assert texts(table)[0] == ["m", "Ours", "0.050"]
    assert texts(table)[1:2] == ([["Qwen2.5-7B (paper)", "Ours", "0.050"]] if printed else [])


def test_first_token_table_has_every_method_that_was_asked():
    chosen = matrix(internal_methods=["zero_shot", "ours"])
    internal = {
        ("uk_even", "zero_shot"): Measured([SD], "i/zero_shot"),
        ("uk_even", "ours"): Measured([{"mae": 0.01, "mae_sd": 0.002}], "i/ours"),
    }
    rows = texts(first_token_table(internal, "m", chosen, PAPER))
    assert rows[:3] == [
        ["m", "Zero-shot", "0.100 ± 0.020"],
        ["m", "Ours", "0.010 ± 0.002"],
        ["Qwen2.5-7B (paper)", "Zero-shot", "0.11"],
    ]


def test_surface_forms_stand_beside_the_digits_of_ours():
    cells = [metrics_cell("ours", mae=0.04), metrics_cell("zero_shot", mae=0.4)]
    assert surface_table(cells, matrix(), PAPER) is None
    cells += [metrics_cell(f"ours_{form}", mae=0.05) for form in ("nouns", "added")]
    rows = texts(surface_table(cells, matrix(), PAPER))
    assert rows == [
        ["m", "Ours (0/1)", "0.040"],
        ["m", "Token (man/woman)", "0.050"],
        ["m", "Token (newly added)", "0.050"],
        ["Qwen2.5-1.5B (paper)", "Ours (0/1)", "0.048"],
        ["Qwen2.5-1.5B (paper)", "Token (man/woman)", "0.041"],
    ]

"""Tables that compare cells, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from distalign.report.comparisons import (
    ReportParams,
    binding_table,
    compare,
    comparison_table,
    context_errors,
    internal_table,
    rounds_table,
    shares_table,
    steering_shares_table,
)
from distalign.statistics.power import rounds_needed
from tests.support.report_cells import CATEGORIES, NAMES, cell, judged, steered, texts


def test_comparison_is_paired_by_context():
    # All four differences are -0.4; of the 16 sign flips two are as extreme: p = 2 / 16.
    cells = [cell("zero_shot", judged(10)), cell("ours", judged(6))]
    rows = texts(comparison_table(compare(cells, ReportParams(seed=0))))
    assert rows == [["UK Even", "Ours - Zero-shot", "4", "-0.400", "0.125", "0.125"]]


def test_comparison_leaves_out_what_does_not_apply_or_cannot_be_paired():
    ours = cell("ours", judged(6))
    assert comparison_table(compare([cell("pe_implicit", []), ours], ReportParams(seed=0))) is None
    one_context = cell("ift", judged(7)[:10])
    rows = texts(comparison_table(compare([one_context, ours], ReportParams(seed=0))))
    assert rows == [["UK Even", "Ours - IFT", "1", "–", "–", "–"]]


def test_context_errors_are_equation_12():
    errors = context_errors(cell("ours", judged(7)[:10]))
    assert errors["Köchin"] == pytest.approx(0.2)
    assert errors[NAMES[1:]].isna().all()


def test_every_method_is_tested_and_p_values_are_adjusted_together():
    # Differences: -0.4 in all four contexts, then none. Benjamini-Hochberg: 2 * 0.125, 1.
    cells = [cell("zero_shot", judged(10)), cell("ift", judged(6)), cell("ours", judged(6))]
    rows = texts(comparison_table(compare(cells, ReportParams(seed=0))))
    assert [row[1] for row in rows] == ["Ours - Zero-shot", "Ours - IFT"]
    assert [row[-2:] for row in rows] == [["0.125", "0.250"], ["1.000", "1.000"]]


def test_each_data_set_has_a_family_of_tests_of_its_own_without_unsound_methods():
    cells = [cell("zero_shot", judged(10)), cell("ift", judged(6)), cell("ours", judged(6))]
    other = [replace(one, dataset="us_even") for one in cells if one.method != "ift"]
    adjusted = {
        (t.dataset, t.method): t.adjusted for t in compare(cells + other, ReportParams(seed=0))
    }
    assert adjusted["uk_even", "zero_shot"] == pytest.approx(0.25)
    assert adjusted["us_even", "zero_shot"] == pytest.approx(0.125)
    unsound = replace(cells[0], metrics=cells[0].metrics | {"validity": 0.5})
    tests = compare([unsound, *cells[1:]], ReportParams(seed=0))
    assert [np.isnan(test.p) for test in tests] == [True, False]
    assert texts(comparison_table(tests))[0][-3:] == ["-0.400", "–", "–"]


def test_comparison_takes_the_mean_over_seeds():
    cells = [cell("zero_shot", judged(n), seed) for seed, n in enumerate((10, 9))]
    cells += [cell("ours", judged(n), seed) for seed, n in enumerate((6, 5))]
    rows = texts(comparison_table(compare(cells, ReportParams(seed=0))))
    assert rows == [["UK Even", "Ours - Zero-shot", "4", "-0.400", "0.125", "0.125"]]


def test_rounds_table_has_a_row_a_deviation():
    rows = texts(rounds_table({"uk_even": cell("ours", judged(6)).contexts}))
    assert [row[1] for row in rows] == ["0.01", "0.02", "0.05", "0.1"]
    together = rounds_needed([0.5, 0.5], 0.1, n_contexts=4)
    assert rows[3] == ["UK Even", "0.1", str(together), "197"]


def test_rounds_table_of_a_certain_target_has_no_number():
    contexts = pd.DataFrame(
        [("Chef", "Male", 1.0), ("Chef", "Female", 0.0)], columns=["context", "category", "target"]
    )
    assert texts(rounds_table({"own": contexts}))[0] == ["own", "0.01", "–", "–"]


def test_binding_table_has_a_row_a_cell_with_a_line():
    ours = cell("ours", steered(judged(6), 0.3, 0.4, 0.5, 0.6))
    male = ours.contexts["category"] == "Male"
    ours.contexts.loc[male, "observed"] = [0.25, 0.35, 0.5, 0.5]
    table = binding_table([cell("ift", judged(6)), ours])
    (row,) = table.rows
    # Sums of squares around (0.45, 0.4): 0.05 in x, 0.045 in xy, 0.045 in y.
    assert [row[i].text for i in (0, 1, 2, 3, 5, 7)] == [
        *("UK Even", "Ours", "0", "0.900", "0.949", "1.000")
    ]
    assert row[3].link == "../metrics/ours.json"
    assert binding_table([cell("ift", judged(6))]) is None


def test_tables_by_context_have_every_category():
    ours = cell("ours", steered(judged(6), 0.3, 0.4, 0.5, 0.6))
    assert texts(internal_table([ours]))[0] == ["Köchin", "0.200"]
    assert texts(steering_shares_table([ours]))[:2] == [
        ["Köchin", "Male", "0.300 → 0.600"],
        ["Köchin", CATEGORIES[1], "0.700 → 0.400"],
    ]
    rows = texts(shares_table([cell("ift", judged(6)[:10]), ours]))
    # Wilson's interval of 4 in 10: (4 + 1.92) / 13.84 ± 1.96 sqrt(2.4 + 0.96) / 13.84.
    assert rows[1] == ["Köchin", CATEGORIES[1], "0.500", *["0.400 [0.168, 0.687]"] * 2]
    assert rows[2][3] == "–"

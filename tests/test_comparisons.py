"""Tables that compare cells, against numbers worked out by hand."""

import pandas as pd
import pytest
from report_cells import MATRIX, NAMES, cell, judged, texts

from distalign.comparisons import (
    ReportParams,
    comparison_table,
    context_errors,
    paper_table,
    rounds_table,
)
from distalign.power import rounds_needed


def test_paper_numbers_keep_their_digits_and_their_cells():
    columns = ["table", "model", "method", "dataset", "value"]
    rows = [
        ("1", "llama-3.2-1b", "ours", "uk_even", "0.101"),
        ("1", "llama-3.2-1b", "ours", "uk_real", "0.099"),
        ("2", "llama-3.2-1b", "zero_shot", "uk_even", "0.30"),
        ("3", "llama-3.2-1b", "ours", "uk_even", "0.10"),
    ]
    paper = pd.DataFrame(rows, columns=columns)
    attribute = paper_table(paper, "attribute", MATRIX)
    assert texts(attribute) == [
        ["Llama-3.2-1B", "Zero-shot", "–"],
        ["Llama-3.2-1B", "Ours", "0.101"],
    ]
    assert attribute.title.endswith("its own models (table 1)")
    assert texts(paper_table(paper, "story", MATRIX))[0][2] == "0.30"
    assert paper_table(paper, "own setting", MATRIX) is None


def test_comparison_is_paired_by_context():
    # All four differences are -0.4; of the 16 sign flips two are as extreme: p = 2 / 16.
    cells = [cell("zero_shot", judged(10)), cell("ours", judged(6))]
    rows = texts(comparison_table(cells, ReportParams(seed=0)))
    assert rows == [["UK Even", "Ours - Zero-shot", "4", "-0.400", "0.125", "0.125"]]


def test_comparison_leaves_out_what_does_not_apply_or_cannot_be_paired():
    ours = cell("ours", judged(6))
    assert comparison_table([cell("pe_implicit", []), ours], ReportParams(seed=0)).rows == []
    one_context = cell("ift", judged(7)[:10])
    rows = texts(comparison_table([one_context, ours], ReportParams(seed=0)))
    assert rows == [["UK Even", "Ours - IFT", "1", "–", "–", "–"]]


def test_context_errors_are_equation_12():
    errors = context_errors(cell("ours", judged(7)[:10]))
    assert errors["Köchin"] == pytest.approx(0.2)
    assert errors[NAMES[1:]].isna().all()


def test_every_method_is_tested_and_p_values_are_adjusted_together():
    # Differences: -0.4 in all four contexts, then none. Benjamini-Hochberg: 2 * 0.125, 1.
    cells = [cell("zero_shot", judged(10)), cell("ift", judged(6)), cell("ours", judged(6))]
    rows = texts(comparison_table(cells, ReportParams(seed=0)))
    assert [row[1] for row in rows] == ["Ours - Zero-shot", "Ours - IFT"]
    assert [row[-2:] for row in rows] == [["0.125", "0.250"], ["1.000", "1.000"]]


def test_comparison_takes_the_mean_over_seeds():
    cells = [cell("zero_shot", judged(n), seed) for seed, n in enumerate((10, 9))]
    cells += [cell("ours", judged(n), seed) for seed, n in enumerate((6, 5))]
    rows = texts(comparison_table(cells, ReportParams(seed=0)))
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
